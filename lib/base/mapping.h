/* mapping.h - a file of fixed size that all processes of a program map, so that they share what they count. */
#ifndef BASE_MAPPING_H
#define BASE_MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mapping {
	const char *directory; /* "": none */
	const char *name;      /* of the file, below NAME_MAX */
	mode_t mode;
	size_t size;
	const void *closure; /* handed to each: */
	bool (*same)(const void *at, const void *closure); /* whether what a file holds is of this layout */
	void (*fill)(void *at, const void *closure);       /* zeroed memory of a new one */
};

/*
 * The file as it is where it is this user's, of that mode and size, and the same; else a new one in its place, by rename: whoever has the
 * old one mapped goes on with that.  Where directory is empty or can't be used (*ret_why says so, else it is NULL) memory of this
 * process alone; never NULL.  *ret_fd (may be NULL) is the file, open for the caller to close, or -1.
 */
void *mapping_open(const struct mapping *m, int *ret_fd, const char **ret_why);
void mapping_close(void *at, size_t size);

#endif
