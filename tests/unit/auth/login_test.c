/* How logins begin, go on and end. */
#include <sodium.h>
#include <string.h>

#include "domain/auth/password.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "tests/unit/auth/fakes.h"

static const struct credentials right = { "ada@example.org", PASSWORD }, wrong = { "ada@example.org", "wrong one" };
static struct token_pair pair;
static struct config own;
static const struct config *usual;

static void
setup(void)
{
	fakes_setup();
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &fakes.hash), RC_OK);
	pair = (struct token_pair){ 0 };
	usual = config;
}

static void
teardown(void)
{
	config = usual;
	fakes_teardown();
}

static void
assert_hash_of(const struct field_bytes *hash, const char *token)
{
	unsigned char expected[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(expected, (const unsigned char *)token, strlen(token));
	ck_assert_uint_eq(hash->length, sizeof(expected));
	ck_assert_mem_eq(hash->bytes, expected, sizeof(expected));
}

static void
assert_nobody(enum rc rc, enum rc expected, const char *message)
{
	ck_assert_int_eq(rc, expected);
	ck_assert_str_eq(err_message(&cx, rc), message);
	ck_assert_str_eq(cx.account, "");
	ck_assert_ptr_null(pair.access_token);
}

/* --- login --- */

START_TEST(good_login_gets_tokens_of_one_session)
{
	const struct claims *access = &fakes.signed_claims[0], *refresh = &fakes.signed_claims[1];
	int64_t now_s = clock_now_us() / 1000000;

	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
	ck_assert(!fakes.signed_refresh[0] && fakes.signed_refresh[1]);
	ck_assert_str_eq(access->account, ADA);
	ck_assert_str_eq(access->role, "STAFF");
	ck_assert_ptr_null(refresh->role);
	ck_assert_str_eq(access->session, refresh->session);
	ck_assert_int_ge(access->issued_s, now_s);
	ck_assert_int_eq(access->expires_s - access->issued_s, 15 * 60);
	ck_assert_int_eq(refresh->expires_s - refresh->issued_s, 7 * 24 * 3600);
	ck_assert_str_eq(fakes.inserted.id, access->session);
	ck_assert_int_gt(fakes.inserted.access_until.us, access->expires_s * 1000000);
	assert_hash_of(&fakes.inserted.token_hash, "a new refresh token");
	ck_assert_int_eq(fakes.transaction, RC_OK);
	ck_assert_int_eq(fakes.successes, 1);
	ck_assert_int_eq(fakes.failures, 0);
	ck_assert_str_eq(cx.account, ADA);
	ck_assert_str_eq(cx.session, access->session);
	ck_assert_str_eq(cx.role, "STAFF");
}
END_TEST

START_TEST(unknown_wrong_and_disabled_fail_alike_and_count)
{
	assert_nobody(login(&cx, &fake_ports, &wrong, &pair), RC_UNAUTHENTICATED, "Email or Password is wrong");
	fakes.stored.enabled = SWITCH_OFF;
	assert_nobody(login(&cx, &fake_ports, &right, &pair), RC_UNAUTHENTICATED, "Email or Password is wrong");
	fakes.rc.credential = RC_NOT_FOUND;
	assert_nobody(login(&cx, &fake_ports, &right, &pair), RC_UNAUTHENTICATED, "Email or Password is wrong");
	ck_assert_int_eq(fakes.failures, 3);
	ck_assert_str_eq(fakes.attempt.email, "ada@example.org");
	ck_assert_str_eq(fakes.attempt.address, "192.0.2.1");
	ck_assert_int_eq(fakes.attempt.limit, 5);
}
END_TEST

START_TEST(account_that_changed_since_it_was_read_is_wrong)
{
	fakes.rc.begin_login = RC_NOT_FOUND;
	assert_nobody(login(&cx, &fake_ports, &right, &pair), RC_UNAUTHENTICATED, "Email or Password is wrong");
	ck_assert_int_eq(fakes.password_version, 7);
	ck_assert_int_eq(fakes.transaction, RC_UNAUTHENTICATED);
}
END_TEST

START_TEST(who_is_held_hears_nothing_of_the_password)
{
	fakes.wait_s = 8;
	assert_nobody(login(&cx, &fake_ports, &right, &pair), RC_THROTTLED, "Too many failed logins");
	ck_assert_int_eq(cx.err.retry_after_s, 8);
	ck_assert_int_eq(fakes.failures, 0);
	err_clear(&cx);
	fakes.wait_s = 0;
	fakes.held = true; /* only now, by others that were under way */
	assert_nobody(login(&cx, &fake_ports, &wrong, &pair), RC_THROTTLED, "Too many failed logins");
	ck_assert_int_ge(cx.err.retry_after_s, 1);
}
END_TEST

START_TEST(nobody_is_held_where_that_is_off)
{
	own = *config;
	own.auth.login_failures = 0;
	config = &own;
	fakes.wait_s = 8;
	assert_nobody(login(&cx, &fake_ports, &wrong, &pair), RC_UNAUTHENTICATED, "Email or Password is wrong");
	ck_assert_int_eq(fakes.waits, 0);
	ck_assert_int_eq(fakes.failures, 0);
	err_clear(&cx);
	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
}
END_TEST

START_TEST(dont_know_is_never_wrong)
{
	enum rc *each[] = { &fakes.rc.credential, &fakes.rc.wait, &fakes.rc.begin_login, &fakes.rc.succeeded, &fakes.rc.sign,
		&fakes.rc.insert_session };

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		*each[i] = RC_UNAVAILABLE;
		fakes.signed_count = 0;
		assert_nobody(login(&cx, &fake_ports, &right, &pair), RC_UNAVAILABLE, "Service Unavailable");
		*each[i] = RC_OK;
	}
	fakes.rc.failed = RC_UNAVAILABLE;
	assert_nobody(login(&cx, &fake_ports, &wrong, &pair), RC_UNAVAILABLE, "Service Unavailable");
}
END_TEST

START_TEST(hash_of_other_parameters_is_made_anew)
{
	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
	ck_assert_int_eq(fakes.rehashes, 0);
	own = *config;
	own.auth.hash_passes = 3;
	config = &own;
	fakes.signed_count = 0;
	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
	ck_assert_int_eq(fakes.rehashes, 1);
	ck_assert_int_eq(login(&cx, &fake_ports, &wrong, &pair), RC_UNAUTHENTICATED);
	ck_assert_int_eq(fakes.rehashes, 1);
}
END_TEST

/* --- refresh --- */

START_TEST(refresh_puts_one_hash_in_the_place_of_the_other)
{
	ck_assert_int_eq(login_refresh(&cx, &fake_ports, "refresh", &pair), RC_OK);
	assert_hash_of(&fakes.rotated.used_hash, "refresh");
	assert_hash_of(&fakes.rotated.token_hash, "a new refresh token");
	ck_assert_str_eq(fakes.rotated.id, SESSION);
	ck_assert_str_eq(fakes.signed_claims[0].session, SESSION);
	ck_assert_int_eq(fakes.ended, 0);
	ck_assert_str_eq(cx.account, ADA);
}
END_TEST

START_TEST(used_token_ends_its_login)
{
	fakes.rc.rotate = RC_NOT_FOUND;
	assert_nobody(login_refresh(&cx, &fake_ports, "refresh", &pair), RC_UNAUTHENTICATED, "Invalid or Rotated refresh token");
	ck_assert_int_eq(fakes.ended, 1);
}
END_TEST

START_TEST(database_that_is_away_ends_no_login)
{
	fakes.rc.rotate = RC_UNAVAILABLE;
	assert_nobody(login_refresh(&cx, &fake_ports, "refresh", &pair), RC_UNAVAILABLE, "Service Unavailable");
	ck_assert_int_eq(fakes.ended, 0);
}
END_TEST

START_TEST(token_of_an_ended_login_is_rotated_and_one_of_nobody_invalid)
{
	fakes.rc.find = RC_NOT_FOUND;
	assert_nobody(login_refresh(&cx, &fake_ports, "refresh", &pair), RC_UNAUTHENTICATED, "Invalid or Rotated refresh token");
	err_clear(&cx);
	assert_nobody(login_refresh(&cx, &fake_ports, "access", &pair), RC_UNAUTHENTICATED, "Invalid JWT");
	ck_assert_int_eq(fakes.ended, 0);
}
END_TEST

/* --- who asks, and good-bye --- */

START_TEST(token_of_a_login_that_goes_on_says_who_asks)
{
	ck_assert_int_eq(login_check(&cx, &fake_ports, "access"), RC_OK);
	ck_assert_str_eq(cx.account, ADA);
	ck_assert_str_eq(cx.role, "STAFF");
	ck_assert_str_eq(cx.session, SESSION);
}
END_TEST

START_TEST(token_that_says_another_role_is_none)
{
	fakes.claims.role = "ADMIN";
	assert_nobody(login_check(&cx, &fake_ports, "access"), RC_UNAUTHENTICATED, "Invalid or expired token");
}
END_TEST

START_TEST(ended_login_asks_nothing_and_may_be_ended_again)
{
	fakes.rc.find = RC_NOT_FOUND;
	assert_nobody(login_check(&cx, &fake_ports, "access"), RC_UNAUTHENTICATED, "Invalid or expired token");
	err_clear(&cx);
	ck_assert_int_eq(logout(&cx, &fake_ports, "access"), RC_OK);
	ck_assert_int_eq(fakes.ended, 1);
	ck_assert_str_eq(cx.account, ADA);
	ck_assert_int_eq(logout(&cx, &fake_ports, "refresh"), RC_UNAUTHENTICATED);
	ck_assert_int_eq(fakes.ended, 1);
}
END_TEST

Suite *
login_suite(void)
{
	Suite *suite = suite_create("logins");
	TCase *tc = tcase_create("logins");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, good_login_gets_tokens_of_one_session);
	tcase_add_test(tc, unknown_wrong_and_disabled_fail_alike_and_count);
	tcase_add_test(tc, account_that_changed_since_it_was_read_is_wrong);
	tcase_add_test(tc, who_is_held_hears_nothing_of_the_password);
	tcase_add_test(tc, nobody_is_held_where_that_is_off);
	tcase_add_test(tc, dont_know_is_never_wrong);
	tcase_add_test(tc, hash_of_other_parameters_is_made_anew);
	tcase_add_test(tc, refresh_puts_one_hash_in_the_place_of_the_other);
	tcase_add_test(tc, used_token_ends_its_login);
	tcase_add_test(tc, database_that_is_away_ends_no_login);
	tcase_add_test(tc, token_of_an_ended_login_is_rotated_and_one_of_nobody_invalid);
	tcase_add_test(tc, token_of_a_login_that_goes_on_says_who_asks);
	tcase_add_test(tc, token_that_says_another_role_is_none);
	tcase_add_test(tc, ended_login_asks_nothing_and_may_be_ended_again);
	suite_add_tcase(suite, tc);
	return suite;
}
