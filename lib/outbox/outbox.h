/*
 * outbox.h - events that are written with the change they tell of, and published afterwards: the table outbox, the same in each
 * domain's database that has one.
 */
#ifndef OUTBOX_OUTBOX_H
#define OUTBOX_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/event.h"
#include "lib/field/field.h"

/* Whose: what its events' envelopes say. */
struct outbox {
	const char *source; /* ce_source */
	const char *topic;
};

/* An event about to be written. */
struct outbox_row {
	const char *id;        /* ce_id */
	const char *aggregate; /* what it is about: "appointment" */
	const char *key;       /* one key's events stay in order; the writer fills it in, and the payload */
	const char *type;      /* ce_type */
	struct field_bytes payload;
	const char *headers; /* JSON: ce_time, request_id, traceparent, and the id as <aggregate>_id */
};

/* A new event of now, about the aggregate of that id; a part of cx's trace. */
void outbox_row_init(
    struct ctx *cx, struct outbox_row *row, const char *aggregate, const char *type, const char *aggregate_id);

/* In the order given, by one statement, in the open transaction where there is one. */
enum rc outbox_insert(struct ctx *cx, const struct outbox_row *rows, size_t count);

/* --- for the relay --- */

/* Channel of a NOTIFY whenever rows come, where the database has a trigger for it: for pg_listen_wait. */
#define OUTBOX_CHANNEL "outbox"

/* Rows not yet published, oldest first, as events; ret_seqs[i] belongs to ret_events[i]. */
enum rc outbox_pending(struct ctx *cx, const struct outbox *outbox, size_t max, struct event **ret_events,
    int64_t **ret_seqs, size_t *ret_count);
/* How many there are, at most max, and since when the first of them waits (microseconds since 1970; 0: there is none). */
enum rc outbox_backlog(struct ctx *cx, int64_t max, int64_t *ret_count, int64_t *ret_since_us);

enum rc outbox_published(struct ctx *cx, const int64_t *seqs, size_t count);

/* Publishes one once more, as the relay's role; *ret_known is false where it was purged. */
enum rc outbox_publish_again(struct ctx *cx, const char *id, bool *ret_known);

/* Deletes what was published longer than keep_s ago. */
enum rc outbox_purge(struct ctx *cx, int64_t keep_s, int64_t *ret_purged);

#endif
