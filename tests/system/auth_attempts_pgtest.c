/* Failed logins: who has to wait, and who hasn't. */
#include <string.h>

#include "domain/auth/auth_store.h"
#include "lib/pg/pg.h"
#include "tests/system/auth_fixture.h"

#define EVE "eve@example.org"
#define HOME "192.0.2.1"
#define AWAY "198.51.100.7"
#define LIMIT 5 /* [auth] login_failures, as it is without a configuration */
#define CROWD (10 * LIMIT)

/* As login() notes it, without the time that hashing takes. */
static bool
failed(const char *address, const char *email)
{
	struct attempt a = { .email = email, .address = address, .crowd = address, .limit = LIMIT };
	bool held;

	ck_assert_int_eq(attempt_store_failed(&rest, &a, &held), RC_OK);
	return !held;
}

static int64_t
waits(const char *address, const char *email)
{
	struct attempt a = { .email = email, .address = address, .crowd = address, .limit = LIMIT };
	int64_t wait_s;

	ck_assert_int_eq(attempt_store_wait(&rest, &a, &wait_s), RC_OK);
	return wait_s;
}

static void
known_at(const char *address, const char *email)
{
	struct attempt a = { .email = email, .address = address, .crowd = address, .limit = LIMIT };

	ck_assert_int_eq(attempt_store_succeeded(&rest, &a), RC_OK);
}

/* Lets the time pass that those who wait have to. */
static void
pass(void)
{
	run("update login_failure set held_until = now() - interval '1 ms' where held_until > now()");
}

START_TEST(each_failure_beyond_the_limit_doubles_the_wait)
{
	static const int64_t expected[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900 };

	account(EVE, "STAFF");
	for (int i = 0; i < LIMIT - 1; i++)
		ck_assert(failed(AWAY, EVE));
	ck_assert_int_eq(waits(AWAY, EVE), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		ck_assert(failed(AWAY, EVE));
		ck_assert_int_eq(waits(AWAY, EVE), expected[i]);
		ck_assert(!failed(AWAY, EVE)); /* and that one didn't count */
		pass();
	}
}
END_TEST

START_TEST(owner_gets_in_from_a_known_place_whatever_fails_elsewhere)
{
	struct token_pair pair;

	account(EVE, "STAFF");
	ck_assert_int_eq(log_in(&rest, HOME, EVE, PASSWORD, &pair), RC_OK);
	for (int i = 0; i < 20; i++) {
		failed(AWAY, EVE);
		pass();
	}
	failed(AWAY, EVE);
	ck_assert_int_gt(waits(AWAY, EVE), 0);
	ck_assert_int_gt(waits("203.0.113.5", EVE), 0);
	ck_assert_int_eq(log_in(&rest, AWAY, EVE, PASSWORD, &pair), RC_THROTTLED);
	ck_assert_int_gt(rest.err.retry_after_s, 0);
	ck_assert_int_eq(log_in(&rest, HOME, EVE, PASSWORD, &pair), RC_OK);
	/* Which doesn't help whoever guesses elsewhere. */
	ck_assert_int_gt(waits(AWAY, EVE), 0);
}
END_TEST

START_TEST(failures_at_a_known_place_count_there_alone)
{
	account(EVE, "STAFF");
	known_at(HOME, EVE);
	for (int i = 0; i < LIMIT; i++)
		ck_assert(failed(HOME, EVE));
	ck_assert_int_gt(waits(HOME, EVE), 0);
	ck_assert_int_eq(waits(AWAY, EVE), 0);
	known_at(HOME, EVE);
	ck_assert_int_eq(waits(HOME, EVE), 0);
}
END_TEST

START_TEST(one_place_that_tries_many_accounts_is_held_for_all_but_those_it_knows)
{
	account(EVE, "STAFF");
	known_at(AWAY, EVE);
	for (int i = 0; i < CROWD; i++)
		ck_assert(failed(AWAY, arena_printf(rest.arena, "%d@example.org", i)));
	ck_assert_int_gt(waits(AWAY, "ada@example.org"), 0);
	ck_assert_int_eq(waits(HOME, "ada@example.org"), 0);
	ck_assert_int_eq(waits(AWAY, EVE), 0);
	/* A good login of one's own doesn't clear it. */
	known_at(AWAY, EVE);
	ck_assert_int_gt(waits(AWAY, "ada@example.org"), 0);
}
END_TEST

START_TEST(counting_begins_anew_after_an_hour)
{
	account(EVE, "STAFF");
	for (int i = 0; i < LIMIT; i++)
		failed(AWAY, EVE);
	run("update login_failure set last_at = now() - interval '61 min', held_until = now() - interval '60 min'");
	for (int i = 0; i < LIMIT - 1; i++)
		ck_assert(failed(AWAY, EVE));
	ck_assert_int_eq(waits(AWAY, EVE), 0);
}
END_TEST

START_TEST(address_nobody_has_is_counted_alike_and_in_any_case)
{
	for (int i = 0; i < LIMIT; i++)
		ck_assert(failed(AWAY, i % 2 == 0 ? "nobody@example.org" : "NoBody@Example.ORG"));
	ck_assert_int_gt(waits(AWAY, "NOBODY@EXAMPLE.ORG"), 0);
	/* What was typed is not kept. */
	ck_assert_int_eq(number("select count(*) as n from login_failure where subject ilike '%%nobody%%'"), 0);
}
END_TEST

START_TEST(ipv6_counts_by_network_and_loopback_by_account_alone)
{
	static const struct {
		const char *address, *row;
		int64_t rows;
	} cases[] = {
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 1 },
		{ "2001:DB8:1:2::1", "2001:db8:1:2::", 1 },
		{ "::ffff:192.0.2.9", "192.0.2.9", 1 },
		{ "192.0.2.9", "192.0.2.9", 1 },
		{ "127.0.0.1", "127.0.0.1", 0 },
		{ "::1", "::", 0 },
		{ "", "", 0 },
		{ "unix:", "unix:", 0 },
	};
	struct token_pair pair;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run("truncate login_failure");
		ck_assert_int_eq(log_in(&rest, cases[i].address, EVE, PASSWORD, &pair), RC_UNAUTHENTICATED);
		ck_assert_int_eq(number("select count(*) as n from login_failure where subject <> ''"), 1);
		ck_assert_int_eq(number("select count(*) as n from login_failure where subject = ''"), cases[i].rows);
		ck_assert_int_eq(
		    number("select count(*) as n from login_failure where subject = '' and address = '%s'", cases[i].row),
		    cases[i].rows);
	}
}
END_TEST

static void
guess(void *closure, struct ctx *cx, size_t n)
{
	enum rc *rc = closure;
	struct token_pair pair;

	/* Whose password can't be hashed now asks again. */
	while ((rc[n] = log_in(cx, AWAY, EVE, "wrong one", &pair)) == RC_UNAVAILABLE)
		err_clear(cx);
}

START_TEST(guesses_at_once_hear_no_more_than_the_limit)
{
	enum rc rc[16];
	size_t heard = 0;

	account(EVE, "STAFF");
	at_once(16, guess, rc);
	for (size_t i = 0; i < 16; i++) {
		ck_assert(rc[i] == RC_UNAUTHENTICATED || rc[i] == RC_THROTTLED);
		heard += rc[i] == RC_UNAUTHENTICATED;
	}
	/* And one more after 1 s, 2 s, 4 s …, where the machine is that slow. */
	ck_assert_uint_ge(heard, LIMIT);
	ck_assert_uint_le(heard, LIMIT + 4);
}
END_TEST

Suite *
attempts_suite(void)
{
	Suite *suite = suite_create("failed logins on PostgreSQL");
	TCase *tc = tcase_create("attempts");

	tcase_add_checked_fixture(tc, auth_setup, auth_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_failure_beyond_the_limit_doubles_the_wait);
	tcase_add_test(tc, owner_gets_in_from_a_known_place_whatever_fails_elsewhere);
	tcase_add_test(tc, failures_at_a_known_place_count_there_alone);
	tcase_add_test(tc, one_place_that_tries_many_accounts_is_held_for_all_but_those_it_knows);
	tcase_add_test(tc, counting_begins_anew_after_an_hour);
	tcase_add_test(tc, address_nobody_has_is_counted_alike_and_in_any_case);
	tcase_add_test(tc, ipv6_counts_by_network_and_loopback_by_account_alone);
	tcase_add_test(tc, guesses_at_once_hear_no_more_than_the_limit);
	suite_add_tcase(suite, tc);
	return suite;
}
