/* table.h - what there is to count; nobody but the files of this room includes it. */
#ifndef METRICS_TABLE_H
#define METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/metrics/layout.h"
#include "lib/metrics/metrics.h"

#define BOUNDS_MAX 20

struct metric_row {
	const char *name, *help;
	enum kind kind;
	unsigned group;
	const char *label;	    /* of which .choices are the values; NULL: none */
	const char *const *choices; /* up to a NULL; without a label NULL, and the series are the program's */
	const int64_t *bounds;	    /* of a histogram, up to a 0 */
	int64_t scale;		    /* what is kept is so many times what is shown */
	bool sparse;		    /* shown once it was counted, since not every program has all choices */
};

extern const struct metric_row metric_rows[M_COUNT];

#endif
