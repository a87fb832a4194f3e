#include "lib/base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 256

static void *
map(const struct mapping *m, int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Closes the file where nobody wants it. */
static void
hand_over(int fd, int *ret_fd)
{
	if (ret_fd != NULL)
		*ret_fd = fd;
	else
		close(fd);
}

/* NULL where the file is none of ours, or not of this layout. */
static void *
map_existing(const struct mapping *m, int directory, int *ret_fd)
{
	int fd = openat(directory, m->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	void *at = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 0777) == m->mode &&
	    st.st_size == (off_t)m->size)
		at = map(m, fd);
	if (at != NULL && !m->same(at, m->closure)) {
		munmap(at, m->size);
		at = NULL;
	}
	if (at == NULL)
		close(fd);
	else
		hand_over(fd, ret_fd);
	return at;
}

/* A new one in the place of whatever is there.  A file is never cut while it may be mapped: to touch what is gone would end a process. */
static void *
map_new(const struct mapping *m, int directory, int *ret_fd)
{
	char fresh[PATH_SIZE];
	void *at = NULL;
	int fd, err;

	snprintf(fresh, sizeof(fresh), "%s.new", m->name);
	unlinkat(directory, fresh, 0); /* what a process left that was killed here */
	fd = openat(directory, fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	errno = posix_fallocate(fd, 0, (off_t)m->size); /* or a full disk would end us later */
	if (errno == 0 && fchmod(fd, m->mode) == 0)
		at = map(m, fd);
	if (at != NULL) {
		m->fill(at, m->closure);
		if (renameat(directory, fresh, directory, m->name) == 0) {
			hand_over(fd, ret_fd);
			return at;
		}
	}
	err = errno;
	if (at != NULL)
		munmap(at, m->size);
	unlinkat(directory, fresh, 0);
	close(fd);
	errno = err;
	return NULL;
}

/* Processes of a program start at the same time, and one of them makes the file.  The lock is a file that no other user may open, so that
 * none can hold it. */
static int
lock_starts(const struct mapping *m, int directory)
{
	char path[PATH_SIZE];
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s.lock", m->name) >= (int)sizeof(path))
		errno = ENAMETOOLONG;
	else
		fd = openat(directory, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void *
map_file(const struct mapping *m, int *ret_fd, const char **ret_why)
{
	int directory = open(m->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock = -1;
	void *at = NULL;

	if (directory >= 0)
		lock = lock_starts(m, directory);
	if (lock >= 0)
		at = map_existing(m, directory, ret_fd);
	if (lock >= 0 && at == NULL)
		at = map_new(m, directory, ret_fd);
	if (at == NULL)
		*ret_why = strerror(errno);
	if (lock >= 0)
		close(lock);
	if (directory >= 0)
		close(directory);
	return at;
}

void *
mapping_open(const struct mapping *m, int *ret_fd, const char **ret_why)
{
	void *at = NULL;

	*ret_why = NULL;
	if (ret_fd != NULL)
		*ret_fd = -1;
	if (*m->directory != '\0')
		at = map_file(m, ret_fd, ret_why);
	if (at == NULL) {
		at = map(m, -1);
		if (at == NULL)
			abort();
		m->fill(at, m->closure);
	}
	return at;
}

void
mapping_close(void *at, size_t size)
{
	if (at != NULL)
		munmap(at, size);
}
