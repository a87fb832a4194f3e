/*
 * outbox_store.c - events waiting to be published, in the table that Debezium's outbox event router can read as well.
 */
#include "domain/scheduling/outbox_store.h"

#include <inttypes.h>
#include <string.h>

#include "domain/scheduling/scheduling.h"
#include "lib/base/clock.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define SOURCE "/medicore/scheduling"

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

static const struct pg_stmt publish_events = {
	.name = "publish_events",
	.kind = PG_WRITE,
	.sql =
	    "update outbox set published_at = now() where seq = any($1::bigint[]) and published_at is null",
	.takes = "seqs",
	.in = relay_args_fields,
};

static const struct pg_stmt purge_events = {
	.name = "purge_events",
	.kind = PG_WRITE,
	.sql = "delete from outbox where id in (select id from outbox"
	       " where published_at < now() - make_interval(secs => $1::bigint) limit " TEXT_OF(PURGE_ROWS) ")",
	.takes = "count",
	.in = relay_args_fields,
};

/* W3C Trace Context, version 00: 00-<32 hex>-<16 hex>-<2 hex>. */
static bool
is_traceparent(const char *id)
{
	static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

	if (strlen(id) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x' ? strchr("0123456789abcdef", id[i]) == NULL : id[i] != form[i])
			return false;
	return true;
}

/* The request's own; or one whose trace id are the digits of its id, where that is a UUID, as those that we make are; else a new
 * one, which request_id beside it ties to the request. */
static const char *
traceparent(struct ctx *cx)
{
	char id[UUID_SIZE];

	if (is_traceparent(cx->request_id))
		return cx->request_id;
	if (!uuid_parse(cx->request_id, strlen(cx->request_id), id))
		uuid_new(id);
	return arena_printf(cx->arena, "00-%.8s%.4s%.4s%.4s%.12s-%.4s%.12s-00", id, id + 9, id + 14, id + 19,
	    id + 24, id + 19, id + 24);
}

void
outbox_row_init(struct ctx *cx, struct outbox_row *row, const char *type, const char *appointment_id)
{
	struct buf headers = { .arena = cx->arena };
	char id[UUID_SIZE], now[INSTANT_SIZE];

	uuid_new(id);
	instant_format(clock_now_us(), now);
	buf_addf(
	    &headers, "{\"ce_time\":\"%s\",\"appointment_id\":\"%s\",\"request_id\":", now, appointment_id);
	buf_add_json(&headers, cx->request_id);
	buf_addf(&headers, ",\"traceparent\":\"%s\"}", traceparent(cx));
	*row = (struct outbox_row){
		.id = arena_strdup(cx->arena, id),
		.type = type,
		.headers = headers.bytes,
	};
}

enum rc
outbox_pending(struct ctx *cx, size_t max, struct event **ret_events, int64_t **ret_seqs, size_t *ret_count)
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
			.topic = TOPIC_APPOINTMENT,
			.key = rows[i].key,
			.id = rows[i].id,
			.type = rows[i].type,
			.source = SOURCE,
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
