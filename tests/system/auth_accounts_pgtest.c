/* Accounts and logins on a real PostgreSQL (run by tests/lib/with-postgres): above all what happens at the same time. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "tests/system/auth_fixture.h"
#include "tests/system/pgtest.h"

#define ROUNDS 10

static const struct account off = { .enabled = SWITCH_OFF }, on = { .enabled = SWITCH_ON }, demoted = { .role = "STAFF" };

static int64_t
live_sessions(const char *account_id)
{
	return number("select count(*) as n from session where account_id = '%s' and ended_at is null", account_id);
}

static enum rc
check(struct ctx *cx, const struct token_pair *pair)
{
	err_clear(cx);
	return login_check(cx, &tokens, pair->access_token);
}

/* --- the last ADMIN --- */

START_TEST(last_enabled_admin_stays_one)
{
	const char *ada = account("ada@example.org", "ADMIN"), *bob = account("bob@example.org", "ADMIN");
	struct account saved;

	ck_assert_int_eq(account_change(&rest, bob, 0, &off, &saved), RC_OK);
	ck_assert_int_eq(account_change(&rest, ada, 0, &off, &saved), RC_CONFLICT);
	ck_assert_str_eq(rest.err.message, "The last enabled ADMIN can't be disabled, or get another role");
	err_clear(&rest);
	ck_assert_int_eq(account_change(&operator, ada, 0, &demoted, &saved), RC_CONFLICT);
	err_clear(&operator);
	ck_assert_int_eq(number("select count(*) as n from account where role = 'ADMIN' and enabled"), 1);
	/* What doesn't take it away may be done. */
	ck_assert_int_eq(account_change(&rest, ada, 0, &(struct account){ .name = "Ada" }, &saved), RC_OK);
	ck_assert_int_eq(account_change(&rest, bob, 0, &demoted, &saved), RC_OK);
	ck_assert_int_eq(account_change(&rest, bob, 0, &on, &saved), RC_OK);
	ck_assert_int_eq(account_change(&rest, ada, 0, &off, &saved), RC_CONFLICT);
}
END_TEST

struct duel {
	const char *admins[4];
	enum rc rc[4];
};

/* Each takes the next one's rights. */
static void
fight(void *closure, struct ctx *cx, size_t n)
{
	struct duel *d = closure;
	struct account saved;

	d->rc[n] = account_change(cx, d->admins[(n + 1) % 4], 0, n % 2 == 0 ? &off : &demoted, &saved);
}

START_TEST(admins_that_end_each_other_at_once_leave_one)
{
	struct duel d;

	for (int round = 0; round < ROUNDS; round++) {
		size_t good = 0;

		run("truncate account, session, login_address");
		for (size_t i = 0; i < 4; i++)
			d.admins[i] = account(arena_printf(super.arena, "%zu@example.org", i), "ADMIN");
		at_once(4, fight, &d);
		for (size_t i = 0; i < 4; i++) {
			ck_assert(d.rc[i] == RC_OK || d.rc[i] == RC_CONFLICT);
			good += d.rc[i] == RC_OK;
		}
		ck_assert_uint_eq(good, 3);
		ck_assert_int_eq(number("select count(*) as n from account where role = 'ADMIN' and enabled"), 1);
	}
}
END_TEST

/* --- logins against what ends them --- */

struct race {
	const char *id;
	struct token_pair pair;
	enum rc rc[16];
};

static void
log_in_or_disable(void *closure, struct ctx *cx, size_t n)
{
	struct race *r = closure;
	struct token_pair pair;
	struct account saved;

	if (n == 0)
		r->rc[n] = account_change(cx, r->id, 0, &off, &saved);
	else
		r->rc[n] = log_in(cx, "192.0.2.1", "eve@example.org", PASSWORD, &pair);
}

START_TEST(no_login_survives_a_disabling_at_the_same_time)
{
	struct race r = { .id = account("eve@example.org", "STAFF") };
	struct account saved;

	for (int round = 0; round < ROUNDS; round++) {
		ck_assert_int_eq(account_change(&rest, r.id, 0, &on, &saved), RC_OK);
		at_once(4, log_in_or_disable, &r);
		ck_assert_int_eq(r.rc[0], RC_OK);
		for (size_t i = 1; i < 4; i++)
			ck_assert(r.rc[i] == RC_OK || r.rc[i] == RC_UNAUTHENTICATED || r.rc[i] == RC_THROTTLED);
		ck_assert_int_eq(live_sessions(r.id), 0);
		run("truncate login_failure");
	}
}
END_TEST

static void
use_refresh_token(void *closure, struct ctx *cx, size_t n)
{
	struct race *r = closure;
	struct token_pair pair;

	r->rc[n] = login_refresh(cx, &tokens, r->pair.refresh_token, &pair);
}

START_TEST(of_refreshes_at_once_at_most_one_succeeds_and_the_login_ends)
{
	struct race r = { .id = account("eve@example.org", "STAFF") };

	for (int round = 0; round < ROUNDS; round++) {
		size_t good = 0;

		ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &r.pair), RC_OK);
		at_once(16, use_refresh_token, &r);
		for (size_t i = 0; i < 16; i++) {
			ck_assert(r.rc[i] == RC_OK || r.rc[i] == RC_UNAUTHENTICATED);
			good += r.rc[i] == RC_OK;
		}
		ck_assert_uint_le(good, 1);
		ck_assert_int_eq(live_sessions(r.id), 0);
	}
}
END_TEST

START_TEST(password_changed_meanwhile_is_the_old_one_no_more)
{
	const char *id = account("eve@example.org", "STAFF");
	struct token_pair pair;

	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &pair), RC_OK);
	ck_assert_int_eq(password_reset(&operator, id, "quite another one"), RC_OK);
	ck_assert_int_eq(check(&rest, &pair), RC_UNAUTHENTICATED);
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &pair), RC_UNAUTHENTICATED);
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", "quite another one", &pair), RC_OK);
	ck_assert_int_eq(check(&rest, &pair), RC_OK);
	ck_assert_str_eq(rest.account, id);
	ck_assert_str_eq(rest.role, "STAFF");
}
END_TEST

START_TEST(token_of_another_accounts_login_is_none)
{
	const char *id = account("eve@example.org", "STAFF"), *forged;
	struct token_pair pair;
	struct claims claims;

	account("ada@example.org", "ADMIN");
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "ada@example.org", PASSWORD, &pair), RC_OK);
	ck_assert_int_eq(tokens.verify(&rest, false, pair.access_token, &claims), RC_OK);
	claims.account = id;
	ck_assert_int_eq(tokens.sign(&rest, false, &claims, &forged), RC_OK);
	ck_assert_int_eq(login_check(&rest, &tokens, forged), RC_UNAUTHENTICATED);
}
END_TEST

START_TEST(hash_of_other_parameters_is_made_anew_at_login_and_ends_nothing)
{
	const char *id = account("eve@example.org", "STAFF");
	struct token_pair before, after;
	struct config other = *config;
	const struct config *usual = config;

	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &before), RC_OK);
	other.auth.hash_passes = 3;
	config = &other;
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &after), RC_OK);
	config = usual;
	ck_assert_int_eq(number("select count(*) as n from account where id = '%s' and password like '%%,t=3,%%'", id), 1);
	ck_assert_int_eq(check(&rest, &before), RC_OK);
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &after), RC_OK);
	ck_assert_int_eq(number("select count(*) as n from account where id = '%s' and password like '%%,t=2,%%'", id), 1);
}
END_TEST

/* --- what others are told, and what is forgotten --- */

/* An earlier number that is committed later would be missed by whoever has seen the later one. */
START_TEST(numbers_of_ended_logins_are_given_in_the_order_of_their_commits)
{
	struct token_pair first, second;
	struct ended_session *ended;
	struct claims claims;
	int64_t next;
	size_t count;

	account("eve@example.org", "STAFF");
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &first), RC_OK);
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &second), RC_OK);
	ck_assert_int_eq(pg_begin(&operator), RC_OK);
	ck_assert_int_eq(logout(&operator, &tokens, first.access_token), RC_OK);
	rest.deadline_ns = clock_monotonic_ns() + 300000000;
	ck_assert_int_eq(logout(&rest, &tokens, second.access_token), RC_TIMEOUT);
	rest.deadline_ns = 0;
	ck_assert_int_eq(pg_end(&operator, RC_OK), RC_OK);
	err_clear(&rest);
	ck_assert_int_eq(logout(&rest, &tokens, second.access_token), RC_OK);
	ck_assert_int_eq(ended_sessions(&rest, 0, &ended, &count, &next), RC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(tokens.verify(&rest, false, first.access_token, &claims), RC_OK);
	ck_assert_str_eq(ended[0].session, claims.session);
	ck_assert_int_lt(ended[0].seq, ended[1].seq);
	ck_assert_int_eq(next, ended[1].seq);
}
END_TEST

START_TEST(ended_login_is_told_until_its_access_tokens_have_ended)
{
	struct ended_session *ended;
	struct token_pair pair;
	struct claims claims;
	int64_t next;
	size_t count;

	account("eve@example.org", "STAFF");
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &pair), RC_OK);
	ck_assert_int_eq(logout(&rest, &tokens, pair.access_token), RC_OK);
	ck_assert_int_eq(ended_sessions(&rest, 0, &ended, &count, &next), RC_OK);
	ck_assert_uint_eq(count, 1);
	tokens.verify(&rest, false, pair.access_token, &claims);
	ck_assert_str_eq(ended[0].session, claims.session);
	ck_assert_int_ge(ended[0].until_s, claims.expires_s + 30);
	ck_assert_int_eq(next, ended[0].seq);
	run("update session set access_until = now() - interval '1 s'");
	ck_assert_int_eq(ended_sessions(&rest, 0, &ended, &count, &next), RC_OK);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(next, 0);
}
END_TEST

START_TEST(purge_keeps_what_is_needed)
{
	struct token_pair pair;

	account("eve@example.org", "STAFF");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", PASSWORD, &pair), RC_OK);
	ck_assert_int_eq(log_in(&rest, "192.0.2.1", "eve@example.org", "wrong one", &pair), RC_UNAUTHENTICATED);
	ck_assert_int_eq(auth_purge(&relay), RC_OK);
	ck_assert_int_eq(number("select count(*) as n from session"), 3);
	ck_assert_int_eq(number("select count(*) as n from login_failure"), 2);
	ck_assert_int_eq(number("select count(*) as n from login_address"), 1);
	run("update session set expires_at = now() - interval '2 days', access_until = now() - interval '9 days'"
	    " where id in (select id from session limit 2);"
	    "update login_failure set last_at = now() - interval '2 days';"
	    "update login_address set last_at = now() - interval '1 year'");
	ck_assert_int_eq(auth_purge(&relay), RC_OK);
	ck_assert_int_eq(number("select count(*) as n from session"), 1);
	ck_assert_int_eq(number("select count(*) as n from login_failure"), 0);
	ck_assert_int_eq(number("select count(*) as n from login_address"), 0);
}
END_TEST

Suite *
accounts_suite(void)
{
	Suite *suite = suite_create("accounts on PostgreSQL");
	TCase *tc = tcase_create("accounts");

	tcase_add_checked_fixture(tc, auth_setup, auth_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, last_enabled_admin_stays_one);
	tcase_add_test(tc, admins_that_end_each_other_at_once_leave_one);
	tcase_add_test(tc, no_login_survives_a_disabling_at_the_same_time);
	tcase_add_test(tc, of_refreshes_at_once_at_most_one_succeeds_and_the_login_ends);
	tcase_add_test(tc, password_changed_meanwhile_is_the_old_one_no_more);
	tcase_add_test(tc, token_of_another_accounts_login_is_none);
	tcase_add_test(tc, hash_of_other_parameters_is_made_anew_at_login_and_ends_nothing);
	tcase_add_test(tc, numbers_of_ended_logins_are_given_in_the_order_of_their_commits);
	tcase_add_test(tc, ended_login_is_told_until_its_access_tokens_have_ended);
	tcase_add_test(tc, purge_keeps_what_is_needed);
	suite_add_tcase(suite, tc);
	return suite;
}

int
main(void)
{
	return pgtest_main("auth", (Suite *[]){ accounts_suite(), attempts_suite(), NULL });
}
