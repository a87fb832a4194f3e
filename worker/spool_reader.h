/* spool_reader.h - the files of a domain's audit spool, read as far as their lines are whole. */
#ifndef WORKER_SPOOL_READER_H
#define WORKER_SPOOL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/audit/audit.h"
#include "lib/base/arena.h"

/* Entries and bytes that are stored at once. */
#define BATCH_ENTRIES ((size_t)2048)
#define BATCH_BYTES ((size_t)1024 * 1024)

struct spool_file {
	const char *name;
	int64_t stored; /* up to here */
	int64_t taken;  /* up to here it is in the batch */
	bool ended;     /* there was no whole line behind that */
};

struct spool {
	const char *directory;
	struct spool_file *files; /* in the order in which they were begun */
	size_t file_count;
	char *bytes; /* BATCH_BYTES + 1 */
	size_t length;
	struct audit_entry *entries; /* BATCH_ENTRIES */
	size_t count;
	size_t unreadable;  /* of these, lines that were none */
	const char *failed; /* a file that could not be read; NULL: all could */
	int error;          /* why: errno */
};

/* Lists the directory; names are in a.  False: errno says why. */
bool spool_list(struct spool *s, struct arena *a);

/* Takes lines behind what is stored of each file until there are no more or the batch is full. */
void spool_take(struct spool *s);

/* Bytes that are in the files behind what is stored. */
int64_t spool_waiting(const struct spool *s);

/* Whether a file that is stored as far as its lines are whole is nobody's any more; then it is removed.  *ret_torn is how many
 * bytes of a line without end its owner left. */
bool spool_finish(const struct spool *s, const struct spool_file *file, size_t *ret_torn);

#endif
