/* csv.h - comma-separated values as RFC 4180 has them, record by record out of memory. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

struct csv {
	const char *bytes;
	size_t length;
	size_t at;   /* the next record's first byte */
	size_t line; /* its line, from 1 */
};

/* A field; the text is also NUL-terminated, but may hold a NUL itself. */
struct csv_cell {
	const char *text;
	size_t length;
};

struct csv_record {
	size_t line; /* where it begins */
	struct csv_cell *cells;
	size_t count;
	const char *wrong; /* NULL: nothing; else why it is no record, and the next one begins a line later */
};

/* Starts at the beginning; a byte order mark is skipped. */
void csv_init(struct csv *csv, const char *bytes, size_t length);

/* The next record, its texts in the arena; empty lines are none.  False at the end. */
bool csv_next(struct csv *csv, struct arena *a, struct csv_record *ret_record);

#endif
