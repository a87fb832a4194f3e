/*
 * spool.c - a file per process that entries are appended to, each with one write(2), or several of them.
 *
 * A mutex is held around the write, which the kernel would serialise anyway: so nobody appends behind the piece of a
 * line that a full disk left.
 */
#include "config.h" /* _GNU_SOURCE: fallocate */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/audit/audit.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"

/* A file that has grown to this is left to the relay, and the next one begun. */
#define FULL ((off_t)2 * 1024 * 1024)

/* Reserved on the disk for each file: what threads may append that were let in while it wasn't full. */
#define RESERVED (FULL + (off_t)1024 * 1024)

struct audit_spool {
	const char *domain, *program;
	pthread_mutex_t lock;
	int fd; /* -1: there is no file */
	off_t size;
	char lines[2 * AUDIT_LINE_MAX]; /* in the making: an engine's stacks may be small */
};

struct audit_spool *
audit_spool_new(const char *domain, const char *program)
{
	struct audit_spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		abort();
	spool->domain = domain;
	spool->program = program;
	spool->fd = -1;
	pthread_mutex_init(&spool->lock, NULL);
	return spool;
}

void
audit_spool_free(struct audit_spool *spool)
{
	if (spool == NULL)
		return;
	if (spool->fd >= 0)
		close(spool->fd);
	pthread_mutex_destroy(&spool->lock);
	free(spool);
}

/*
 * A file of our own, with the lock that tells the relay that we live.  The relay may have come between the making and
 * the locking, have found a file without owner, and removed it: then there is no link to it any more.
 */
static int
take_file(int fd)
{
	struct stat st;

	if (fchmod(fd, 0640) != 0 || flock(fd, LOCK_SH) != 0 || fstat(fd, &st) != 0)
		return errno;
	if (st.st_nlink == 0)
		return EAGAIN;
	/* Blocks are reserved where the file system can; one that can't (ENOTSUP) has to do without. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, RESERVED) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
		return errno;
	return 0;
}

static int
open_file(struct audit_spool *spool)
{
	char path[4096], id[UUID_SIZE];
	int fd, n, err;

	uuid_new(id);
	n = snprintf(
	    path, sizeof(path), "%s/%s/%s.%s", config->audit.spool, spool->domain, spool->program, id);
	if (n < 0 || (size_t)n >= sizeof(path))
		return ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return errno;
	err = take_file(fd);
	if (err != 0) {
		if (err != EAGAIN)
			unlink(path);
		close(fd);
		return err;
	}
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = fd;
	spool->size = 0;
	return 0;
}

/* With the lock held. */
static int
make_room(struct audit_spool *spool)
{
	int err = 0;

	if (spool->fd >= 0 && spool->size < FULL)
		return 0;
	do
		err = open_file(spool);
	while (err == EAGAIN);
	return err;
}

static enum rc
cannot(struct ctx *cx, const struct audit_spool *spool, int err)
{
	return err_detail(cx, RC_UNAVAILABLE, "the audit spool %s/%s: %s", config->audit.spool, spool->domain,
	    strerror(err));
}

enum rc
audit_ready(struct ctx *cx, struct audit_spool *spool)
{
	int err;

	pthread_mutex_lock(&spool->lock);
	err = make_room(spool);
	pthread_mutex_unlock(&spool->lock);
	return err == 0 ? RC_OK : cannot(cx, spool, err);
}

/* With the lock held. */
static int
append(struct audit_spool *spool, size_t length)
{
	ssize_t n;
	int err;

	/* Where no new file can be had, what was reserved of this one serves those who were let in. */
	err = make_room(spool);
	if (spool->fd < 0)
		return err;
	do
		n = write(spool->fd, spool->lines, length);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)length) {
		spool->size += n;
		return 0;
	}
	err = n < 0 ? errno : ENOSPC;
	/* A piece of a line is none, but what is appended next must not become its end: that goes elsewhere. */
	if (n > 0)
		(void)!ftruncate(spool->fd, spool->size);
	close(spool->fd);
	spool->fd = -1;
	return err;
}

/* With the lock held: the line of entry at to; its length. */
static size_t
compose(const struct audit_spool *spool, char *to, const struct ctx *cx, const struct audit_entry *entry)
{
	struct audit_entry whole = *entry;

	whole.account = cx->account;
	whole.role = cx->role;
	whole.session = cx->session;
	whole.address = cx->address;
	whole.program = spool->program;
	whole.request_id = cx->request_id;
	whole.at = (struct instant){ .us = clock_now_us(), .known = true };
	return audit_line_write(to, &whole);
}

/* With the lock held: as many as have room in lines; how many. */
static size_t
note_some(struct audit_spool *spool, struct audit_note *notes, size_t count)
{
	size_t length = 0, n = 0;
	int err;

	do
		length += compose(spool, spool->lines + length, notes[n].cx, notes[n].entry);
	while (++n < count && length <= sizeof(spool->lines) - AUDIT_LINE_MAX);
	err = append(spool, length);
	for (size_t i = 0; i < n; i++)
		notes[i].rc = err == 0 ? RC_OK : cannot(notes[i].cx, spool, err);
	return n;
}

void
audit_note_all(struct audit_spool *spool, struct audit_note *notes, size_t count)
{
	size_t n = 0;

	pthread_mutex_lock(&spool->lock);
	while (n < count)
		n += note_some(spool, notes + n, count - n);
	pthread_mutex_unlock(&spool->lock);
}

enum rc
audit_note(struct ctx *cx, struct audit_spool *spool, const struct audit_entry *entry)
{
	struct audit_note note = { .cx = cx, .entry = entry };

	audit_note_all(spool, &note, 1);
	return note.rc;
}
