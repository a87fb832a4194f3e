/*
 * attempt_store.c - failed logins in PostgreSQL, where all processes see them.
 *
 * An attempt from where the account logged in before is held by failures from there alone.  Any other is held by all such failures of
 * the account, and by all failures of its crowd: everybody at its address, who may be many and have ten times the limit.
 */
#include "domain/auth/auth_store.h"
#include "lib/pg/pg.h"

struct told {
	int64_t wait_s;
	bool held;
};

static const struct field attempt_fields[] = {
	{ .name = "email", .type = F_EMAIL, .at = offsetof(struct attempt, email) },
	{ .name = "address", .type = F_TEXT, .at = offsetof(struct attempt, address) },
	{ .name = "crowd", .type = F_TEXT, .at = offsetof(struct attempt, crowd) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct attempt, limit) },
	FIELD_END,
};

static const struct field told_fields[] = {
	{ .name = "wait", .type = F_INT, .at = offsetof(struct told, wait_s) },
	{ .name = "held", .type = F_BOOL, .at = offsetof(struct told, held) },
	FIELD_END,
};

/* Whether anybody has the e-mail address, $1, makes no difference that could be seen.  own: the row that tells this account's
 * failures, as far as they concern the address, $2. */
#define ROWS \
	"with own as (select encode(sha256(convert_to(lower($1), 'UTF8')), 'hex') as subject," \
	" case when exists (select from login_address l join account a on a.id = l.account_id" \
	" where lower(a.email) = lower($1) and l.address = $2) then $2 else '' end as address)," \
	" counted as (select subject, address, 1 as times from own" \
	" union all select '', $3, 10 where $3 <> '')"

static const struct pg_stmt attempt_wait = {
	.name = "attempt_wait",
	.kind = PG_READ,
	.sql = ROWS " select coalesce(ceil(extract(epoch from max(held_until) - now())), 0)::bigint as wait, false as held"
		    " from login_failure f join counted c using (subject, address)"
		    " where held_until > now() and (subject <> '' or (select address from own) = '')",
	.takes = "email address crowd",
	.in = attempt_fields,
	.out = told_fields,
};

/* After n failures in a row, at least as many as the limit: seconds until the next may be tried. */
#define HELD(n) \
	"case when " n " >= $4::bigint * times then now() +" \
	" make_interval(secs => least(900, power(2, least(" n " - $4::bigint * times, 10)))) else '-infinity' end"

/* After an hour of peace counting begins anew. */
#define NOW_COUNT "(case when f.last_at < now() - interval '1 hour' then 1 else f.failures + 1 end)"

/* Rows are locked in one order, and those whose time has not come yet don't count further. */
static const struct pg_stmt attempt_failed = {
	.name = "attempt_failed",
	.kind = PG_WRITE,
	.sql = ROWS ", noted as (insert into login_failure as f (subject, address, failures, held_until)"
		    " select subject, address, 1, " HELD("1") " from counted order by subject, address"
		    " on conflict (subject, address) do update set failures = " NOW_COUNT ", last_at = now(),"
		    " held_until = (select " HELD(NOW_COUNT) " from (select case when f.subject = '' then 10 else 1 end as times) t)"
		    " where f.held_until <= now() returning subject)"
		    " select 0 as wait, (select count(*) from noted where subject <> '') = 0"
		    " or ((select address from own) = '' and (select count(*) from noted) < (select count(*) from counted)) as held",
	.takes = "email address crowd limit",
	.in = attempt_fields,
	.out = told_fields,
};

/* Failures of the address stay: else one good login of an attacker's own would clear them. */
static const struct pg_stmt attempt_succeeded = {
	.name = "attempt_succeeded",
	.kind = PG_WRITE,
	.sql = ROWS ", cleared as (delete from login_failure f using own o"
		    " where f.subject = o.subject and f.address = o.address)"
		    " insert into login_address as l (account_id, address)"
		    " select id, $2 from account where lower(email) = lower($1) and $2 <> ''"
		    " on conflict (account_id, address) do update set last_at = now()"
		    " where l.last_at < now() - interval '1 day'",
	.takes = "email address crowd",
	.in = attempt_fields,
};

static const struct pg_stmt purge = {
	.name = "auth_purge",
	.kind = PG_WRITE,
	.sql = "with s as (delete from session where greatest(expires_at, access_until) < now() - interval '1 day'),"
	       " a as (delete from login_address where last_at < now() - interval '180 days')"
	       " delete from login_failure where last_at < now() - interval '1 day' and held_until < now()",
};

enum rc
attempt_store_wait(struct ctx *cx, const struct attempt *a, int64_t *ret_wait_s)
{
	struct told told;
	enum rc rc = pg_fetch_one(cx, &attempt_wait, a, &told);

	if (rc == RC_OK)
		*ret_wait_s = told.wait_s;
	return rc;
}

enum rc
attempt_store_failed(struct ctx *cx, const struct attempt *a, bool *ret_held)
{
	struct told told;
	enum rc rc = pg_fetch_one(cx, &attempt_failed, a, &told);

	if (rc == RC_OK)
		*ret_held = told.held;
	return rc;
}

enum rc
attempt_store_succeeded(struct ctx *cx, const struct attempt *a)
{
	return pg_execute(cx, &attempt_succeeded, a, NULL);
}

enum rc
auth_store_purge(struct ctx *cx)
{
	return pg_execute(cx, &purge, NULL, NULL);
}
