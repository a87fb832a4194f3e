/* whole_file.h - a file of which nobody ever reads half. */
#ifndef BASE_WHOLE_FILE_H
#define BASE_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * In the place of whatever is called path: written beside it as .NAME.new, and named when its bytes are on the disk (the name itself is once
 * its directory is synced).  Its owner alone reads it, who is the directory's where root writes it.  One writer of a path at a time.  False,
 * with errno set, and then all is as it was.
 */
bool whole_file_write(const char *path, const void *bytes, size_t length, const struct timespec *modified /* NULL: now */);

#endif
