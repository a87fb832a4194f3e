#include "worker/collector.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/audit/audit_store.h"
#include "lib/audit/chain.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/once/once.h"
#include "lib/pg/pg.h"
#include "worker/active.h"
#include "worker/process.h"
#include "worker/spool_reader.h"

#define LOCK_KEY INT64_C(0x6d65646961756474) /* "mediaudt" */
#define ADOPT_ROWS 1000

/* After each turn but a full one, so that the database gets its rows by the hundred rather than one by one. */
#define GATHER_MS 200

/* Without being woken: for what no event tells of, as another directory in the old one's place, and for the purge. */
#define LOOK_EVERY_MS 10000

#define SEAL_EVERY_NS INT64_C(1000000000)
#define PURGE_EVERY_NS INT64_C(3600000000000)
#define COUNT_EVERY_NS INT64_C(1000000000)

struct collector {
	const struct trail *trail;
	struct audit_keys keys;
	struct arena *arena, *file_arena; /* of a turn; of what is known of files */
	struct pg *pg;
	struct active active;
	struct trouble trouble, seal_trouble, spool_trouble;
	struct spool spool;
	char directory[4096];
	struct audit_position *known; /* what the database says of files */
	size_t known_count;
	bool loaded; /* head, next and known are as the database has them */
	bool begun;  /* head is at least what the seal says */
	struct audit_head head, sealed;
	int64_t next; /* seq of the next row: head's follower, unless somebody else has written there */
	int64_t seal_at_ns, purge_at_ns, count_at_ns;
	int watch; /* inotify */
	bool watching;
};

/* --- the end of the chain --- */

static void
seal(struct collector *c)
{
	if (c->head.seq == c->sealed.seq && c->seal_at_ns != 0)
		return;
	if (audit_seal_write(c->trail->domain, &c->keys, &c->head)) {
		c->sealed = c->head;
		trouble_end(&c->seal_trouble);
	} else {
		trouble_begin(&c->seal_trouble, RC_UNAVAILABLE, strerror(errno));
	}
	c->seal_at_ns = clock_monotonic_ns() + SEAL_EVERY_NS;
}

/* Where to go on from: the seal.  A table that has less than it says was cut; one that has more, from before we could seal it, is
 * looked at by adopt. */
static enum rc
begin(struct collector *c, struct ctx *cx)
{
	const char *domain = c->trail->domain;
	int64_t last = 0;
	enum rc rc;

	switch (audit_seal_read(domain, &c->keys, &c->head)) {
	case SEAL_GOOD:
		c->sealed = c->head;
		c->seal_at_ns = clock_monotonic_ns();
		break;
	case SEAL_NONE:
		rc = audit_store_last(cx, &last);
		if (rc != RC_OK)
			return rc;
		if (last != 0)
			return err_detail(cx, RC_INTERNAL,
			    "there are rows, but no seal in %s: if it was lost, `medicore audit seal %s` "
			    "makes one",
			    config->audit.seal, domain);
		c->head = (struct audit_head){ 0 };
		break;
	case SEAL_BROKEN:
		return err_detail(cx, RC_INTERNAL,
		    "the seal %s/%s is not by this [audit] key, or was changed: give back the right one,"
		    " or `medicore audit seal %s` makes one",
		    config->audit.seal, domain, domain);
	case SEAL_UNREAD:
		return err_detail(
		    cx, RC_UNAVAILABLE, "the seal %s/%s: %s", config->audit.seal, domain, strerror(errno));
	}
	c->begun = true;
	return RC_OK;
}

/* Rows behind the head that belong there: ours, from before a crash or a commit whose answer was lost. */
static enum rc
adopt(struct collector *c, struct ctx *cx)
{
	unsigned char mac[AUDIT_MAC_SIZE];
	struct audit_row *rows;
	size_t count, i;
	enum rc rc;

	do {
		rc = audit_store_after(cx, c->head.seq, ADOPT_ROWS, &rows, &count);
		for (i = 0; rc == RC_OK && i < count; i++) {
			if (rows[i].entry.seq != c->head.seq + 1 || rows[i].mac.length != AUDIT_MAC_SIZE)
				break;
			audit_mac(&c->keys, c->head.mac, &rows[i].entry, mac);
			if (!audit_mac_same(mac, rows[i].mac.bytes))
				break;
			c->head.seq++;
			memcpy(c->head.mac, mac, sizeof(mac));
		}
	} while (rc == RC_OK && count == ADOPT_ROWS && i == count);
	return rc;
}

/* Never on from what a tampered table holds: the chain goes on from its own end, and the gap or the stranger stays visible. */
static enum rc
find_next(struct collector *c, struct ctx *cx)
{
	int64_t last = 0;
	enum rc rc = audit_store_last(cx, &last);

	if (rc != RC_OK)
		return rc;
	c->next = (last > c->head.seq ? last : c->head.seq) + 1;
	if (last != c->head.seq)
		log_line(LOG_ERROR,
		    "audit %s: the table ends at %" PRId64 ", its chain at %" PRId64
		    "; `medicore audit verify %s` says where they part",
		    c->trail->domain, last, c->head.seq, c->trail->domain);
	return RC_OK;
}

static struct audit_position *
known_file(struct collector *c, const char *name)
{
	for (size_t i = 0; i < c->known_count; i++)
		if (strcmp(c->known[i].file, name) == 0)
			return &c->known[i];
	return NULL;
}

static enum rc
load(struct collector *c, struct ctx *cx)
{
	struct audit_position *found;
	size_t count;
	enum rc rc = c->begun ? RC_OK : begin(c, cx);

	if (rc == RC_OK)
		rc = adopt(c, cx);
	if (rc == RC_OK)
		rc = find_next(c, cx);
	if (rc == RC_OK)
		rc = audit_store_positions(cx, &found, &count);
	if (rc != RC_OK)
		return rc;
	arena_reset(c->file_arena);
	c->known = arena_zalloc_n(c->file_arena, count + 1, sizeof(*c->known));
	c->known_count = count;
	for (size_t i = 0; i < count; i++)
		c->known[i] = (struct audit_position){ .file = arena_strdup(c->file_arena, found[i].file),
			.position = found[i].position };
	c->loaded = true;
	return RC_OK;
}

/* --- storing --- */

/* Files in the directory, with how far each is stored.  What is known of files that are not there is kept: the directory may only be
 * mounted late. */
static enum rc
look(struct collector *c, struct ctx *cx)
{
	if (!spool_list(&c->spool, cx->arena))
		return err_detail(
		    cx, RC_UNAVAILABLE, "the spool %s: %s", c->spool.directory, strerror(errno));
	for (size_t i = 0; i < c->spool.file_count; i++) {
		const struct audit_position *known = known_file(c, c->spool.files[i].name);

		c->spool.files[i].stored = known != NULL ? known->position : 0;
	}
	return RC_OK;
}

static enum rc
write_batch(struct collector *c, struct ctx *cx, unsigned char (*macs)[AUDIT_MAC_SIZE])
{
	struct audit_position *moved = arena_zalloc_n(cx->arena, c->spool.file_count, sizeof(*moved));
	size_t count = 0;
	enum rc rc;

	for (size_t i = 0; i < c->spool.file_count; i++)
		if (c->spool.files[i].taken > c->spool.files[i].stored)
			moved[count++] = (struct audit_position){ .file = c->spool.files[i].name,
				.position = c->spool.files[i].taken };
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = audit_store_insert(cx, c->spool.entries, macs, c->spool.count);
	if (rc == RC_OK)
		rc = audit_store_move(cx, moved, count);
	return pg_end(cx, rc);
}

/* The same as the database was just told. */
static void
remember(struct collector *c)
{
	for (size_t i = 0; i < c->spool.file_count; i++) {
		struct spool_file *file = &c->spool.files[i];
		struct audit_position *known = known_file(c, file->name);

		if (file->taken == file->stored)
			continue;
		file->stored = file->taken;
		if (known != NULL) {
			known->position = file->stored;
			continue;
		}
		/* One more than there is room for: read them all again. */
		c->loaded = false;
	}
}

static enum rc
store(struct collector *c, struct ctx *cx)
{
	unsigned char(*macs)[AUDIT_MAC_SIZE] = arena_zalloc_n(cx->arena, c->spool.count, sizeof(*macs));
	const unsigned char *before = c->head.mac;
	enum rc rc;

	for (size_t i = 0; i < c->spool.count; i++) {
		c->spool.entries[i].seq = c->next + (int64_t)i;
		audit_mac(&c->keys, before, &c->spool.entries[i], macs[i]);
		before = macs[i];
	}
	rc = write_batch(c, cx, macs);
	if (rc != RC_OK) {
		/* It may have happened, or somebody else has written there. */
		c->loaded = false;
		return rc == RC_DUPLICATE ? RC_OK : rc;
	}
	metrics_add(M_AUDIT_STORED, 0, c->spool.count);
	c->next += (int64_t)c->spool.count;
	c->head.seq = c->next - 1;
	memcpy(c->head.mac, before, AUDIT_MAC_SIZE);
	if (c->spool.unreadable > 0)
		log_line(LOG_ERROR,
		    "audit %s: %zu lines of the spool could not be read; they are stored as they are",
		    c->trail->domain, c->spool.unreadable);
	remember(c);
	return RC_OK;
}

/* First the file, then what is known of it: the other way round it would be stored again. */
static enum rc
finish(struct collector *c, struct ctx *cx)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < c->spool.file_count; i++) {
		struct spool_file *file = &c->spool.files[i];
		struct audit_position *known;
		size_t torn = 0;

		if (!file->ended || file->taken != file->stored || !spool_finish(&c->spool, file, &torn))
			continue;
		if (torn > 0)
			log_line(LOG_WARNING,
			    "audit %s: %s ended while writing, %zu bytes without an end are dropped; what "
			    "they told of"
			    " was not answered",
			    c->trail->domain, file->name, torn);
		if (file->stored > 0)
			rc = audit_store_forget(cx, file->name);
		known = known_file(c, file->name);
		if (rc == RC_OK && known != NULL)
			*known = c->known[--c->known_count];
	}
	return rc;
}

/* --- turns --- */

/* Of what is in the batch and behind it, for those who watch; of a file that can't be read, how long it is. */
static void
tell_backlog(const struct collector *c)
{
	int64_t since_us = 0;

	for (size_t i = 0; i < c->spool.count; i++) {
		const struct instant *at = &c->spool.entries[i].at;

		if (at->known && (since_us == 0 || at->us < since_us))
			since_us = at->us;
	}
	metrics_set(M_AUDIT_SPOOL_BYTES, 0, c->spool.count == 0 && c->spool.failed == NULL ? 0 : spool_waiting(&c->spool));
	if (since_us == 0 && c->spool.failed != NULL)
		metrics_unset(M_AUDIT_SPOOL_OLDEST, 0);
	else
		metrics_set(M_AUDIT_SPOOL_OLDEST, 0, since_us);
}

/* While nothing can be stored it can still be looked at, as far as is known what was stored before. */
static void
count_backlog(struct collector *c, struct ctx *cx)
{
	int64_t now = clock_monotonic_ns();

	if (now < c->count_at_ns || c->known == NULL)
		return;
	c->count_at_ns = now + COUNT_EVERY_NS;
	if (look(c, cx) == RC_OK) {
		spool_take(&c->spool);
		tell_backlog(c);
	}
}

/* It is somebody else's to tell. */
static void
forget_backlog(void)
{
	metrics_unset(M_AUDIT_SPOOL_BYTES, 0);
	metrics_unset(M_AUDIT_SPOOL_OLDEST, 0);
}

/* Armed before the directory is read, and good for one event: nothing is missed, and busy programs pay nothing for it. */
static enum rc
arm(struct collector *c, struct ctx *cx)
{
	if (c->watching)
		return RC_OK;
	if (inotify_add_watch(c->watch, c->spool.directory,
		IN_MODIFY | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONESHOT | IN_ONLYDIR) < 0)
		return err_detail(
		    cx, RC_UNAVAILABLE, "the spool %s: %s", c->spool.directory, strerror(errno));
	c->watching = true;
	return RC_OK;
}

static void
wait_for_more(struct collector *c)
{
	struct pollfd fds[] = { { .fd = stop_fd(), .events = POLLIN }, { .fd = c->watch, .events = POLLIN } };
	bool unsealed = c->head.seq != c->sealed.seq;
	int64_t left_ms = (c->seal_at_ns - clock_monotonic_ns()) / 1000000 + 1;
	char events[4096];

	(void)poll(fds, 2, !unsealed ? LOOK_EVERY_MS : left_ms > 0 ? (int)left_ms : 0);
	while (read(c->watch, events, sizeof(events)) > 0)
		;
	c->watching = false;
}

/* The trail doesn't wait for it, and goes on where it fails. */
static void
purge(struct collector *c, struct ctx *cx)
{
	int64_t now = clock_monotonic_ns();
	enum rc rc;

	if (now < c->purge_at_ns)
		return;
	c->purge_at_ns = now + PURGE_EVERY_NS;
	rc = once_purge(cx);
	if (rc == RC_OK && c->trail->purge != NULL)
		rc = c->trail->purge(cx);
	if (rc != RC_OK)
		log_line(LOG_WARNING, "%s: nothing purged: %s", c->trail->domain,
		    cx->err.detail == NULL ? rc_meaning(rc)->name : cx->err.detail);
	err_clear(cx);
}

/* *ret_full: there may be more at once. */
static enum rc
turn(struct collector *c, struct ctx *cx, bool *ret_full)
{
	enum rc rc = active_win(&c->active, cx);

	if (rc == RC_OK && !c->loaded)
		rc = load(c, cx);
	if (rc == RC_OK)
		rc = arm(c, cx);
	if (rc == RC_OK)
		rc = look(c, cx);
	if (rc != RC_OK)
		return rc;
	spool_take(&c->spool);
	tell_backlog(c);
	if (c->spool.count > 0)
		rc = store(c, cx);
	if (rc == RC_OK)
		rc = finish(c, cx);
	if (rc != RC_OK)
		return rc;
	trouble_end(&c->trouble);
	if (c->spool.failed != NULL)
		trouble_begin(&c->spool_trouble, RC_UNAVAILABLE,
		    arena_printf(cx->arena, "%s: %s", c->spool.failed, strerror(c->spool.error)));
	else
		trouble_end(&c->spool_trouble);
	if (clock_monotonic_ns() >= c->seal_at_ns)
		seal(c);
	if (c->spool_trouble.attempts == 0 && c->seal_trouble.attempts == 0)
		metrics_task_done(TASK_AUDIT);
	*ret_full = c->spool.count == BATCH_ENTRIES || c->spool.length + 2 * AUDIT_LINE_MAX > BATCH_BYTES;
	purge(c, cx);
	if (c->spool.count == 0)
		wait_for_more(c);
	return RC_OK;
}

static bool
collector_open(struct collector *c, const struct trail *trail)
{
	*c = (struct collector){
		.trail = trail,
		.arena = arena_new(),
		.file_arena = arena_new(),
		.active = { .what = "audit", .key = LOCK_KEY, .task = TASK_AUDIT },
		.trouble = { .what = "audit", .task = TASK_AUDIT },
		.seal_trouble = { .what = "audit seal", .task = TASK_AUDIT },
		.spool_trouble = { .what = "audit spool", .task = TASK_AUDIT },
		.watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
	};
	if (config->audit.key == NULL) {
		fputs("medicore-relay: [audit] key is not set, or its file may not be read: without it the "
		      "audit trail can't be"
		      " chained\n  put 32 random bytes as text into a file that only this user reads, and "
		      "its name into"
		      " [audit] key_file\n",
		    stderr);
		return false;
	}
	audit_keys_make(config->audit.key, trail->domain, &c->keys);
	snprintf(c->directory, sizeof(c->directory), "%s/%s", config->audit.spool, trail->domain);
	c->spool.directory = c->directory;
	c->spool.bytes = malloc(BATCH_BYTES + 1);
	c->spool.entries = calloc(BATCH_ENTRIES, sizeof(*c->spool.entries));
	if (c->spool.bytes == NULL || c->spool.entries == NULL)
		abort();
	if (c->watch < 0) {
		perror("medicore-relay: inotify");
		return false;
	}
	c->pg = pg_open(trail->database(), trail->role);
	return c->pg != NULL;
}

static void
collector_close(struct collector *c)
{
	pg_close(c->pg);
	if (c->watch >= 0)
		close(c->watch);
	audit_keys_free(&c->keys);
	free(c->spool.bytes);
	free(c->spool.entries);
	arena_free(c->file_arena);
	arena_free(c->arena);
}

bool
collector_run(const struct trail *trail)
{
	struct collector c;
	bool opened = collector_open(&c, trail);
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	opened = opened && process_ready(NULL, NULL);
	while (opened && !loop_wait(loop, pause_ms)) {
		bool full = false;
		struct ctx cx;
		enum rc rc;

		arena_reset(c.arena);
		ctx_init(&cx, c.arena, c.pg);
		rc = turn(&c, &cx, &full);
		pause_ms = rc == RC_CONFLICT ? STANDBY_MS : full ? 0 : GATHER_MS;
		if (rc == RC_CONFLICT) {
			c.loaded = c.begun = false; /* another goes on from here */
			forget_backlog();
		}
		if (rc != RC_OK && rc != RC_CONFLICT) {
			c.loaded = false;
			count_backlog(&c, &cx);
			trouble_begin(&c.trouble, rc, cx.err.detail);
			pause_ms = trouble_pause_ms(&c.trouble);
		}
	}
	loop_end(loop);
	if (opened && c.begun)
		seal(&c);
	collector_close(&c);
	return opened;
}
