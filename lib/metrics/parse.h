/* parse.h - a file of counts as a reader sees it; nobody but the files of this room includes it. */
#ifndef METRICS_PARSE_H
#define METRICS_PARSE_H

#include <stdbool.h>

#include "lib/base/arena.h"
#include "lib/metrics/layout.h"
#include "lib/metrics/table.h"

struct read_series {
	struct read_series *next;
	const char *labels; /* "" : none */
	bool shown;
	size_t first; /* of its values, or of its gauges */
};

struct read_family {
	struct read_family *next;
	const char *name, *help;
	enum kind kind;
	uint64_t scale; /* a power of ten */
	uint64_t bounds[BOUNDS_MAX];
	size_t bound_count;
	struct read_series *series;
};

struct read_file {
	const char *version;
	struct read_family *families;
};

/* What metrics_write says of each program, or of all, by itself. */
#define OWN_BUILD_INFO "medicore_build_info"
#define OWN_PROCESSES "medicore_processes"
#define OWN_STARTS "medicore_process_starts_total"
#define OWN_START_TIME "medicore_start_time_seconds"
#define OWN_UNREADABLE "medicore_metrics_files_unreadable"

/* The text of a file with as many values, which nothing is believed of; text is length bytes with a NUL behind them, and is cut to pieces.
 * False where it isn't as layout.h says. */
bool parse_text(struct arena *a, char *text, size_t length, size_t values, struct read_file *ret);

#endif
