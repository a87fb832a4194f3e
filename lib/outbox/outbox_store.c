/*
 * outbox_store.c - events waiting to be published, in the table that Debezium's outbox event router can read as well.
 */
#include "lib/outbox/outbox_store.h"

#include <inttypes.h>

#include "lib/base/bytes.h"
#include "lib/pg/pg.h"

/* --- writing --- */

struct written {
	struct outbox_columns columns;
};

static const struct field written_fields[] = { OUTBOX_COLUMNS(struct written, columns), FIELD_END };

static const struct pg_stmt insert_events = {
	.name = "insert_events",
	.kind = PG_WRITE,
	.sql = OUTBOX_INTO("$1", "$2", "$3", "$4", "$5", "$6"),
	.takes = TAKES_OUTBOX,
	.in = written_fields,
};

/* As bytea takes it from text. */
static const char *
hex_of(struct ctx *cx, const struct field_bytes *payload)
{
	char *text = arena_alloc(cx->arena, 2 * payload->length + 3);

	text[0] = '\\';
	text[1] = 'x';
	hex_write(text + 2, payload->bytes, payload->length);
	return text;
}

struct outbox_columns
outbox_columns(struct ctx *cx, const struct outbox_row *rows, size_t count)
{
	struct pg_array c[6]; /* in the order of struct outbox_columns */

	for (size_t i = 0; i < 6; i++)
		c[i] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		pg_array_add(&c[0], rows[i].id);
		pg_array_add(&c[1], rows[i].aggregate);
		pg_array_add(&c[2], rows[i].key);
		pg_array_add(&c[3], rows[i].type);
		pg_array_add(&c[4], hex_of(cx, &rows[i].payload));
		pg_array_add(&c[5], rows[i].headers);
	}
	return (struct outbox_columns){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]), pg_array_end(&c[5]) };
}

enum rc
outbox_insert(struct ctx *cx, const struct outbox_row *rows, size_t count)
{
	struct written arg;

	if (count == 0)
		return RC_OK;
	arg.columns = outbox_columns(cx, rows, count);
	return pg_execute(cx, &insert_events, &arg, NULL);
}

/* --- for the relay --- */

/* Rows that one statement of outbox_purge deletes: few enough to end in time. */
#define PURGE_ROWS 10000
#define QUOTED(number) #number
#define TEXT_OF(number) QUOTED(number)

struct pending {
	int64_t seq;
	const char *id, *type, *key, *time, *traceparent;
	struct field_bytes payload;
};

#define AT(member) offsetof(struct pending, member)

static const struct field pending_fields[] = {
	{ .name = "seq", .type = F_INT, .at = AT(seq) },
	{ .name = "id", .type = F_UUID, .at = AT(id) },
	{ .name = "type", .type = F_TEXT, .at = AT(type) },
	{ .name = "key", .type = F_TEXT, .at = AT(key) },
	{ .name = "time", .type = F_TEXT, .at = AT(time) },
	{ .name = "traceparent", .type = F_TEXT, .at = AT(traceparent) },
	{ .name = "payload", .type = F_BYTES, .at = AT(payload) },
	FIELD_END,
};

struct relay_args {
	int64_t count;
	const char *seqs;
};

static const struct field relay_args_fields[] = {
	{ .name = "count", .type = F_INT, .at = offsetof(struct relay_args, count) },
	{ .name = "seqs", .type = F_TEXT, .at = offsetof(struct relay_args, seqs) },
	FIELD_END,
};

/* Never from a high-water mark: transactions don't commit in the order of seq. */
static const struct pg_stmt pending_events = {
	.name = "pending_events",
	.kind = PG_READ,
	.sql =
	    "select seq, id, type, aggregateid as key, payload, headers->>'traceparent' as traceparent,"
	    " coalesce(headers->>'ce_time', to_char(created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) as time"
	    " from outbox where published_at is null order by seq limit $1::bigint",
	.takes = "count",
	.in = relay_args_fields,
	.out = pending_fields,
};

struct backlog {
	int64_t count;
	struct instant since;
};

static const struct field backlog_fields[] = {
	{ .name = "count", .type = F_INT, .at = offsetof(struct backlog, count) },
	{ .name = "since", .type = F_INSTANT, .at = offsetof(struct backlog, since) },
	FIELD_END,
};

static const struct pg_stmt count_pending = {
	.name = "count_pending_events",
	.kind = PG_READ,
	.sql =
	    "select (select count(*) from (select from outbox where published_at is null limit $1::bigint) as waiting) as count,"
	    " (select created_at from outbox where published_at is null order by seq limit 1) as since",
	.takes = "count",
	.in = relay_args_fields,
	.out = backlog_fields,
};

static const struct pg_stmt publish_events = {
	.name = "publish_events",
	.kind = PG_WRITE,
	.sql =
	    "update outbox set published_at = now() where seq = any($1::bigint[]) and published_at is null",
	.takes = "seqs",
	.in = relay_args_fields,
};

/* No trigger tells the relay of an update. */
static const struct pg_stmt publish_again = {
	.name = "publish_again",
	.kind = PG_WRITE,
	.sql = "with again as (update outbox set published_at = null where id = $1::uuid returning id)"
	       " select pg_notify('" OUTBOX_CHANNEL "', '') from again",
	.takes = "id",
	.in = pending_fields,
};

static const struct pg_stmt purge_events = {
	.name = "purge_events",
	.kind = PG_WRITE,
	.sql = "delete from outbox where id in (select id from outbox"
	       " where published_at < now() - make_interval(secs => $1::bigint) limit " TEXT_OF(PURGE_ROWS) ")",
	.takes = "count",
	.in = relay_args_fields,
};

enum rc
outbox_pending(struct ctx *cx, const struct outbox *outbox, size_t max, struct event **ret_events,
    int64_t **ret_seqs, size_t *ret_count)
{
	struct relay_args args = { .count = (int64_t)max };
	struct pending *rows;
	struct event *events;
	int64_t *seqs;
	size_t count;
	enum rc rc;

	rc = pg_fetch_all(cx, &pending_events, &args, sizeof(*rows), &rows, &count);
	if (rc != RC_OK)
		return rc;
	events = arena_zalloc_n(cx->arena, count, sizeof(*events));
	seqs = arena_zalloc_n(cx->arena, count, sizeof(*seqs));
	for (size_t i = 0; i < count; i++) {
		events[i] = (struct event){
			.topic = outbox->topic,
			.key = rows[i].key,
			.id = rows[i].id,
			.type = rows[i].type,
			.source = outbox->source,
			.time = rows[i].time,
			.traceparent = rows[i].traceparent,
			.payload = rows[i].payload.bytes,
			.length = rows[i].payload.length,
		};
		seqs[i] = rows[i].seq;
	}
	*ret_events = events;
	*ret_seqs = seqs;
	*ret_count = count;
	return RC_OK;
}

enum rc
outbox_backlog(struct ctx *cx, int64_t max, int64_t *ret_count, int64_t *ret_since_us)
{
	struct relay_args args = { .count = max };
	struct backlog found;
	enum rc rc = pg_fetch_one(cx, &count_pending, &args, &found);

	if (rc != RC_OK)
		return rc;
	*ret_count = found.count;
	*ret_since_us = found.since.known ? found.since.us : 0;
	return RC_OK;
}

enum rc
outbox_published(struct ctx *cx, const int64_t *seqs, size_t count)
{
	struct pg_array list = PG_ARRAY(cx->arena);
	struct relay_args args = { 0 };

	if (count == 0)
		return RC_OK;
	for (size_t i = 0; i < count; i++)
		pg_array_add(&list, arena_printf(cx->arena, "%" PRId64, seqs[i]));
	args.seqs = pg_array_end(&list);
	return pg_execute(cx, &publish_events, &args, NULL);
}

enum rc
outbox_publish_again(struct ctx *cx, const char *id, bool *ret_known)
{
	struct pending asked = { .id = id };
	int64_t known = 0;
	enum rc rc = pg_execute(cx, &publish_again, &asked, &known);

	if (rc == RC_OK)
		*ret_known = known > 0;
	return rc;
}

enum rc
outbox_purge(struct ctx *cx, int64_t keep_s, int64_t *ret_purged)
{
	struct relay_args args = { .count = keep_s };
	int64_t purged = 0, more = PURGE_ROWS;
	enum rc rc = RC_OK;

	while (rc == RC_OK && more == PURGE_ROWS) {
		rc = pg_execute(cx, &purge_events, &args, &more);
		if (rc == RC_OK)
			purged += more;
	}
	if (rc == RC_OK)
		*ret_purged = purged;
	return rc;
}
