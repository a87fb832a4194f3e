#include "worker/spool_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* What is in the place of a line that is none, so that nothing disappears. */
#define UNREADABLE "(unreadable)"

/* Of what names of ours consist: others are nobody's, and might not even be text. */
#define NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* PROGRAM.UUID: names end with the time of their beginning. */
static const char *
uuid_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot == NULL ? name : dot;
}

static int
by_age(const void *a, const void *b)
{
	const struct spool_file *first = a, *second = b;

	return strcmp(uuid_of(first->name), uuid_of(second->name));
}

static void
add_file(struct spool *s, struct arena *a, size_t *capacity, const char *name)
{
	if (s->file_count == *capacity) {
		struct spool_file *more;

		*capacity = *capacity == 0 ? 64 : 2 * *capacity;
		more = arena_zalloc_n(a, *capacity, sizeof(*more));
		if (s->file_count > 0)
			memcpy(more, s->files, s->file_count * sizeof(*more));
		s->files = more;
	}
	s->files[s->file_count++] = (struct spool_file){ .name = arena_strdup(a, name) };
}

bool
spool_list(struct spool *s, struct arena *a)
{
	DIR *d = opendir(s->directory);
	size_t capacity = 0;
	struct dirent *e;
	int err;

	s->file_count = 0;
	s->files = NULL;
	if (d == NULL)
		return false;
	while (errno = 0, (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strspn(e->d_name, NAME) == strlen(e->d_name))
			add_file(s, a, &capacity, e->d_name);
	err = errno;
	closedir(d);
	if (s->file_count > 1)
		qsort(s->files, s->file_count, sizeof(*s->files), by_age);
	errno = err;
	return err == 0;
}

static int
open_file(const struct spool *s, const struct spool_file *file)
{
	char path[4096];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/%s", s->directory, file->name), fd;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* Its bytes as they can be shown. */
static void
take_unreadable(struct spool *s, char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[length] = '\0';
	s->unreadable++;
	s->entries[s->count++] = (struct audit_entry){
		.at = { .us = clock_now_us(), .known = true },
		.action = UNREADABLE,
		.filter = length == 0 ? NULL : line,
		.result = UNREADABLE,
	};
}

/* Lines among length bytes, at most as many as fit into the batch; returns the bytes that they are. */
static size_t
take_lines(struct spool *s, char *bytes, size_t length)
{
	size_t done = 0;

	while (s->count < BATCH_ENTRIES && done < length) {
		char *line = bytes + done, *end = memchr(line, '\n', length - done);
		size_t n;

		if (end == NULL && length - done < AUDIT_LINE_MAX)
			break;
		/* No line of ours is longer. */
		n = end == NULL ? AUDIT_LINE_MAX - 1 : (size_t)(end - line);
		if (!audit_line_read(line, n, &s->entries[s->count]))
			take_unreadable(s, line, n);
		else
			s->count++;
		done += n + 1;
	}
	return done;
}

static void
take_file(struct spool *s, struct spool_file *file)
{
	size_t room = BATCH_BYTES - s->length, done;
	int fd = open_file(s, file);
	ssize_t n = -1;

	if (fd >= 0)
		n = pread(fd, s->bytes + s->length, room, file->stored);
	if (n < 0) {
		s->failed = file->name;
		s->error = errno;
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return;
	done = take_lines(s, s->bytes + s->length, (size_t)n);
	file->taken = file->stored + (int64_t)done;
	file->ended = (size_t)n < room && s->count < BATCH_ENTRIES;
	s->length += done;
}

void
spool_take(struct spool *s)
{
	s->failed = NULL;
	s->length = s->count = s->unreadable = 0;
	for (size_t i = 0; i < s->file_count; i++) {
		s->files[i].taken = s->files[i].stored;
		s->files[i].ended = false;
	}
	for (size_t i = 0; i < s->file_count; i++) {
		if (s->count == BATCH_ENTRIES || BATCH_BYTES - s->length < 2 * AUDIT_LINE_MAX)
			break;
		take_file(s, &s->files[i]);
	}
}

int64_t
spool_waiting(const struct spool *s)
{
	int64_t waiting = 0;

	for (size_t i = 0; i < s->file_count; i++) {
		const struct spool_file *file = &s->files[i];
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", s->directory, file->name);
		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > file->stored)
			waiting += st.st_size - file->stored;
	}
	return waiting;
}

bool
spool_finish(const struct spool *s, const struct spool_file *file, size_t *ret_torn)
{
	int fd = open_file(s, file);
	char path[4096];
	struct stat st;
	bool gone = false;

	if (fd < 0)
		return false;
	/* Its owner may have gone on between our reading and our locking: then there is more to take first. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0) {
		size_t torn = st.st_size > file->stored ? (size_t)(st.st_size - file->stored) : 0;
		char *bytes = torn > 0 && torn < AUDIT_LINE_MAX ? malloc(torn) : NULL;

		if (torn == 0 || (bytes != NULL && pread(fd, bytes, torn, file->stored) == (ssize_t)torn &&
				     memchr(bytes, '\n', torn) == NULL)) {
			snprintf(path, sizeof(path), "%s/%s", s->directory, file->name);
			gone = unlink(path) == 0;
			*ret_torn = torn;
		}
		free(bytes);
	}
	close(fd);
	return gone;
}
