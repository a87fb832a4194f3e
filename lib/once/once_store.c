/* once_store.c - every statement about kept answers. */
#include "lib/once/once_store.h"

#include "lib/pg/pg.h"

static const struct field once_fields[] = {
	{ .name = "account", .type = F_TEXT, .at = offsetof(struct once, account) },
	{ .name = "route", .type = F_TEXT, .at = offsetof(struct once, route) },
	{ .name = "key", .type = F_BYTES, .at = offsetof(struct once, key) },
	{ .name = "fingerprint", .type = F_BYTES, .at = offsetof(struct once, fingerprint) },
	{ .name = "wait", .type = F_INT, .at = offsetof(struct once, wait_ms) },
	{ .name = "status", .type = F_INT, .at = offsetof(struct once, answer.status) },
	{ .name = "headers", .type = F_TEXT, .at = offsetof(struct once, answer.headers) },
	{ .name = "body", .type = F_BYTES, .at = offsetof(struct once, answer.body) },
	{ .name = "thing", .type = F_TEXT, .at = offsetof(struct once, answer.thing) },
	{ .name = "patientId", .type = F_UUID, .at = offsetof(struct once, answer.patient_id) },
	FIELD_END,
};

/* The primary key decides which of several at once does it; the others wait there for its commit.  lock_timeout goes on holding
 * until the transaction's end, which statement_timeout all but does anyway. */
static const struct pg_stmt take_key = {
	.name = "take_key",
	.kind = PG_WRITE,
	.sql = "insert into kept_answer (account, route, key, fingerprint)"
	       " select $1, $2, $3::bytea, $4::bytea from set_config('lock_timeout', $5, true)"
	       " on conflict do nothing",
	.takes = "account route key fingerprint wait",
	.in = once_fields,
};

static const struct pg_stmt find_kept = {
	.name = "find_kept",
	.kind = PG_LOOKUP,
	.sql = "select fingerprint, status, headers, body, thing, patient_id from kept_answer"
	       " where account = $1 and route = $2 and key = $3::bytea",
	.takes = "account route key",
	.in = once_fields,
	.out = once_fields,
};

static const struct pg_stmt keep_answer = {
	.name = "keep_answer",
	.kind = PG_WRITE,
	.sql = "update kept_answer set status = $4::integer, headers = $5, body = $6::bytea, thing = $7, patient_id = $8::uuid"
	       " where account = $1 and route = $2 and key = $3::bytea",
	.takes = "account route key status headers body thing patientId",
	.in = once_fields,
};

struct purge {
	int64_t keep_s, max;
};

static const struct field purge_fields[] = {
	{ .name = "keep", .type = F_INT, .at = offsetof(struct purge, keep_s) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct purge, max) },
	FIELD_END,
};

static const struct pg_stmt purge_kept = {
	.name = "purge_kept",
	.kind = PG_WRITE,
	.sql = "delete from kept_answer where created_at < now() - $1::bigint * interval '1 second' and created_at <="
	       " (select max(created_at) from"
	       " (select created_at from kept_answer order by created_at limit $2::bigint) oldest)",
	.takes = "keep max",
	.in = purge_fields,
};

enum rc
once_store_take(struct ctx *cx, const struct once *once, bool *ret_taken)
{
	int64_t taken = 0;
	enum rc rc = pg_execute(cx, &take_key, once, &taken);

	if (rc == RC_UNAVAILABLE && pg_lock_timed_out(cx->pg))
		return err_set(cx, RC_CONFLICT, "The request that came with this idempotency key before is still under way");
	*ret_taken = taken > 0;
	return rc;
}

enum rc
once_store_find(struct ctx *cx, const struct once *once, struct once *ret_kept)
{
	return pg_fetch_one(cx, &find_kept, once, ret_kept);
}

enum rc
once_store_answer(struct ctx *cx, const struct once *once)
{
	return pg_execute(cx, &keep_answer, once, NULL);
}

enum rc
once_store_purge(struct ctx *cx, int64_t keep_s, int64_t max, int64_t *ret_purged)
{
	return pg_execute(cx, &purge_kept, &(struct purge){ .keep_s = keep_s, .max = max }, ret_purged);
}
