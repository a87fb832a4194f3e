/* audit_line.c - lines of an audit spool: nothing that programs wrote there crashes the relay, and what is taken for an
 * entry is written again as the same line. */
#include "config.h" /* _GNU_SOURCE: memmem */

#include <stdlib.h>
#include <string.h>

#include "lib/audit/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char again[AUDIT_LINE_MAX];
	struct audit_entry entry;
	char *line = malloc(size + 1);
	size_t n;

	if (line == NULL)
		abort();
	memcpy(line, data, size);
	line[size] = '\n';
	if (audit_line_read(line, size, &entry)) {
		n = audit_line_write(again, &entry);
		/* A member longer than any of ours is cut. */
		if (n != size + 1 && memmem(again, n, "\xe2\x80\xa6", 3) == NULL)
			abort();
		if (n == size + 1 && memmem(again, n, "\xe2\x80\xa6", 3) == NULL &&
		    memcmp(again, data, size) != 0)
			abort();
	}
	free(line);
	return 0;
}
