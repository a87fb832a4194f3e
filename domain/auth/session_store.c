/* session_store.c - logins in PostgreSQL. */
#include "domain/auth/auth_store.h"
#include "lib/pg/pg.h"

#define AT(member) offsetof(struct session, member)

static const struct field session_fields[] = {
	{ .name = "id", .type = F_UUID, .at = AT(id) },
	{ .name = "accountId", .type = F_UUID, .at = AT(account_id) },
	{ .name = "role", .type = F_TEXT, .at = AT(role) },
	{ .name = "tokenHash", .type = F_BYTES, .at = AT(token_hash) },
	{ .name = "usedHash", .type = F_BYTES, .at = AT(used_hash) },
	{ .name = "accessUntil", .type = F_INSTANT, .at = AT(access_until) },
	{ .name = "expiresAt", .type = F_INSTANT, .at = AT(expires_at) },
	FIELD_END,
};

static const struct pg_stmt insert_session = {
	.name = "insert_session",
	.kind = PG_WRITE,
	.sql = "insert into session (id, account_id, token_hash, access_until, expires_at)"
	       " values ($1::uuid, $2::uuid, $3::bytea, $4::timestamptz, $5::timestamptz)",
	.takes = "id accountId tokenHash accessUntil expiresAt",
	.in = session_fields,
};

static const struct pg_stmt find_session = {
	.name = "find_session",
	.kind = PG_LOOKUP,
	.sql = "select s.id, s.account_id, a.role from session s join account a on a.id = s.account_id"
	       " where s.id = $1::uuid and s.account_id = $2::uuid and s.ended_at is null and a.enabled",
	.takes = "id accountId",
	.in = session_fields,
	.out = session_fields,
};

/* Of any number that bring the same token at once, the first changes what the others look for. */
static const struct pg_stmt rotate_session = {
	.name = "rotate_session",
	.kind = PG_WRITE,
	.sql = "update session set token_hash = $3::bytea, expires_at = $5::timestamptz,"
	       " access_until = greatest(access_until, $4::timestamptz)"
	       " where id = $1::uuid and token_hash = $2::bytea and ended_at is null",
	.takes = "id usedHash tokenHash accessUntil expiresAt",
	.in = session_fields,
};

/*
 * Numbers are given under a lock that is held until the commit, so that they are seen in their order: whoever has read up to
 * one has missed none before it.
 */
#define END_SESSIONS(condition) \
	"with turn as materialized (select pg_advisory_xact_lock(1, 2))" \
	" update session set ended_at = now(), ended_seq = nextval('session_ended_seq') from turn" \
	" where " condition " and ended_at is null"

static const struct pg_stmt end_session = {
	.name = "end_session",
	.kind = PG_WRITE,
	.sql = END_SESSIONS("id = $1::uuid"),
	.takes = "id",
	.in = session_fields,
};

static const struct pg_stmt end_sessions = {
	.name = "end_sessions",
	.kind = PG_WRITE,
	.sql = END_SESSIONS("account_id = $1::uuid"),
	.takes = "accountId",
	.in = session_fields,
};

static const struct pg_stmt end_everybodys = {
	.name = "end_everybodys",
	.kind = PG_WRITE,
	.sql = END_SESSIONS("true"),
};

struct ended_args {
	int64_t after, limit;
};

static const struct field ended_args_fields[] = {
	{ .name = "after", .type = F_INT, .at = offsetof(struct ended_args, after) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct ended_args, limit) },
	FIELD_END,
};

static const struct field ended_fields[] = {
	{ .name = "session", .type = F_UUID, .at = offsetof(struct ended_session, session) },
	{ .name = "until", .type = F_INT, .at = offsetof(struct ended_session, until_s) },
	{ .name = "seq", .type = F_INT, .at = offsetof(struct ended_session, seq) },
	FIELD_END,
};

static const struct pg_stmt list_ended = {
	.name = "list_ended",
	.kind = PG_LOOKUP,
	.sql = "select id as session, ceil(extract(epoch from access_until))::bigint as until, ended_seq as seq from session"
	       " where ended_seq > $1::bigint and access_until > now() order by ended_seq limit $2::bigint",
	.takes = "after limit",
	.in = ended_args_fields,
	.out = ended_fields,
};

/* Whoever knows of more than there ever were knew another database, before this one was restored: then the last number there is. */
static const struct pg_stmt next_ended = {
	.name = "next_ended",
	.kind = PG_LOOKUP,
	.sql = "select least($1::bigint, coalesce(pg_sequence_last_value('session_ended_seq'), 0)) as seq",
	.takes = "after",
	.in = ended_args_fields,
	.out = ended_fields,
};

enum rc
session_store_insert(struct ctx *cx, const struct session *s)
{
	return pg_execute(cx, &insert_session, s, NULL);
}

enum rc
session_store_find(struct ctx *cx, const char *id, const char *account_id, struct session *ret_session)
{
	return pg_fetch_one(
	    cx, &find_session, &(struct session){ .id = id, .account_id = account_id }, ret_session);
}

enum rc
session_store_rotate(struct ctx *cx, const struct session *s)
{
	int64_t affected;
	enum rc rc = pg_execute(cx, &rotate_session, s, &affected);

	return rc == RC_OK && affected == 0 ? RC_NOT_FOUND : rc;
}

enum rc
session_store_end(struct ctx *cx, const char *id)
{
	return pg_execute(cx, &end_session, &(struct session){ .id = id }, NULL);
}

enum rc
session_store_end_all(struct ctx *cx, const char *account_id)
{
	return pg_execute(cx, &end_sessions, &(struct session){ .account_id = account_id }, NULL);
}

enum rc
session_store_end_everybodys(struct ctx *cx, int64_t *ret_ended)
{
	return pg_execute(cx, &end_everybodys, NULL, ret_ended);
}

enum rc
session_store_ended(
    struct ctx *cx, int64_t after, int64_t limit, struct ended_session **ret_sessions, size_t *ret_count)
{
	struct ended_args args = { .after = after, .limit = limit };

	return pg_fetch_all(cx, &list_ended, &args, sizeof(**ret_sessions), ret_sessions, ret_count);
}

enum rc
session_store_next_ended(struct ctx *cx, int64_t after, int64_t *ret_next)
{
	struct ended_session next;
	enum rc rc = pg_fetch_one(cx, &next_ended, &(struct ended_args){ .after = after }, &next);

	if (rc == RC_OK)
		*ret_next = next.seq;
	return rc;
}
