#include "lib/base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

struct places {
	char directory[PATH_SIZE], fresh[PATH_SIZE];
};

static bool
places_of(const char *path, struct places *ret)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	int before = (int)(name - path), n = snprintf(ret->fresh, PATH_SIZE, "%.*s.%s.new", before, path, name);

	if (n < 0 || n >= PATH_SIZE) {
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(ret->directory, PATH_SIZE, "%.*s.", before, path);
	return true;
}

static bool
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* What root writes is its directory's owner's, who is to read it.  Where that is root already nothing is changed: a unit may forbid chown as such. */
static bool
give_away(int fd, const char *directory)
{
	struct stat there, file;

	if (geteuid() != 0)
		return true;
	if (stat(directory, &there) != 0 || fstat(fd, &file) != 0)
		return false;
	return (file.st_uid == there.st_uid && file.st_gid == there.st_gid) || fchown(fd, there.st_uid, there.st_gid) == 0;
}

/* After the last byte, which sets it too. */
static bool
set_modified(int fd, const struct timespec *modified)
{
	return modified == NULL || futimens(fd, (const struct timespec[]){ *modified, *modified }) == 0;
}

bool
whole_file_write(const char *path, const void *bytes, size_t length, const struct timespec *modified)
{
	struct places at;
	int fd, error;
	bool good;

	if (!places_of(path, &at))
		return false;
	(void)unlink(at.fresh); /* what a process left that was killed here */
	fd = open(at.fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return false;
	good = write_all(fd, bytes, length) && give_away(fd, at.directory) && set_modified(fd, modified) && fsync(fd) == 0 &&
	       rename(at.fresh, path) == 0;
	error = errno;
	close(fd);
	if (!good)
		(void)unlink(at.fresh);
	errno = error;
	return good;
}
