/* The rules of accounts and of changing passwords. */
#include <string.h>

#include "tests/unit/auth/fakes.h"

static enum rc
change(int64_t if_version, const struct account *changes)
{
	struct account saved;

	err_clear(&cx);
	return account_change(&cx, ADA, if_version, changes, &saved);
}

START_TEST(change_that_changes_nothing_is_not_written)
{
	ck_assert_int_eq(change(0, &(struct account){ .name = "Ada", .role = "STAFF", .enabled = SWITCH_ON }), RC_OK);
	ck_assert_int_eq(fakes.updates, 0);
	ck_assert_int_eq(fakes.ended_all, 0);
	ck_assert_int_eq(change(0, &(struct account){ 0 }), RC_INVALID);
}
END_TEST

START_TEST(another_name_ends_no_login)
{
	ck_assert_int_eq(change(3, &(struct account){ .name = "Ada L." }), RC_OK);
	ck_assert_int_eq(fakes.updates, 1);
	ck_assert_int_eq(fakes.admins_locked, 0);
	ck_assert_int_eq(fakes.ended_all, 0);
}
END_TEST

START_TEST(another_role_and_disabling_end_all_logins)
{
	ck_assert_int_eq(change(0, &(struct account){ .role = "ADMIN" }), RC_OK);
	ck_assert_int_eq(fakes.ended_all, 1);
	ck_assert_int_eq(change(0, &(struct account){ .enabled = SWITCH_OFF }), RC_OK);
	ck_assert_int_eq(fakes.ended_all, 2);
	ck_assert_int_eq(fakes.admins_locked, 2);
}
END_TEST

START_TEST(change_of_another_version_is_stale)
{
	ck_assert_int_eq(change(2, &(struct account){ .name = "Ada L." }), RC_STALE);
	ck_assert_int_eq(fakes.updates, 0);
	ck_assert_int_eq(fakes.transaction, RC_STALE);
}
END_TEST

START_TEST(last_admin_stays_one)
{
	fakes.stored.role = "ADMIN";
	fakes.admins = 0;
	ck_assert_int_eq(change(0, &(struct account){ .role = "STAFF" }), RC_CONFLICT);
	ck_assert_int_eq(fakes.transaction, RC_CONFLICT);
	ck_assert_int_eq(change(0, &(struct account){ .enabled = SWITCH_OFF }), RC_CONFLICT);
	ck_assert_int_eq(change(0, &(struct account){ .name = "Ada L." }), RC_OK);
	fakes.stored.enabled = SWITCH_OFF; /* who isn't one now isn't the last either */
	ck_assert_int_eq(change(0, &(struct account){ .role = "STAFF" }), RC_OK);
}
END_TEST

START_TEST(unknown_account_is_not_found)
{
	fakes.rc.lock = fakes.rc.find = RC_NOT_FOUND;
	ck_assert_int_eq(change(0, &(struct account){ .name = "x" }), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.message, "Account with the id " ADA " doesn't exist");
}
END_TEST

/* --- passwords --- */

static const char *whose;

static enum rc
new_password(const char *role, const struct password_change *asked)
{
	err_clear(&cx);
	cx.account = ADA;
	cx.role = role;
	return password_change(&cx, asked, &whose);
}

START_TEST(others_passwords_are_for_admins)
{
	const struct password_change reset = { .new_password = "quite another", .email = "bob@example.org" };

	fakes.stored.id = SESSION; /* somebody else */
	ck_assert_int_eq(new_password("AUDITOR", &reset), RC_FORBIDDEN);
	fakes.rc.find = RC_NOT_FOUND;
	ck_assert_int_eq(new_password("AUDITOR", &reset), RC_FORBIDDEN);
	ck_assert_int_eq(new_password("ADMIN", &reset), RC_NOT_FOUND);
	fakes.rc.find = RC_UNAVAILABLE;
	ck_assert_int_eq(new_password("AUDITOR", &reset), RC_UNAVAILABLE);
	ck_assert_ptr_null(fakes.hash);
}
END_TEST

START_TEST(all_that_is_wrong_with_a_new_password_is_said)
{
	ck_assert_int_eq(new_password("STAFF", &(struct password_change){ .new_password = "short" }), RC_INVALID);
	ck_assert_uint_eq(cx.err.field_count, 2);
	ck_assert_int_eq(fakes.waits, 0);
}
END_TEST

START_TEST(password_that_another_change_replaced_meanwhile_is_wrong)
{
	const struct password_change asked = { .old_password = PASSWORD, .new_password = "quite another" };

	ck_assert_int_eq(password_reset(&cx, ADA, PASSWORD), RC_OK);
	ck_assert_int_eq(fakes.password_version, 0);
	ck_assert_int_eq(fakes.ended_all, 1);
	fakes.rc.set_password = RC_NOT_FOUND;
	ck_assert_int_eq(new_password("STAFF", &asked), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "oldPassword");
	ck_assert_int_eq(fakes.ended_all, 1);
	fakes.rc.set_password = RC_OK;
	ck_assert_int_eq(new_password("STAFF", &asked), RC_OK);
	ck_assert_str_eq(whose, ADA);
	ck_assert_int_eq(fakes.password_version, 7);
	ck_assert_int_eq(fakes.ended_all, 2);
	ck_assert_int_eq(fakes.successes, 1);
}
END_TEST

Suite *
account_suite(void)
{
	Suite *suite = suite_create("accounts");
	TCase *tc = tcase_create("accounts");

	tcase_add_checked_fixture(tc, fakes_setup, fakes_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, change_that_changes_nothing_is_not_written);
	tcase_add_test(tc, another_name_ends_no_login);
	tcase_add_test(tc, another_role_and_disabling_end_all_logins);
	tcase_add_test(tc, change_of_another_version_is_stale);
	tcase_add_test(tc, last_admin_stays_one);
	tcase_add_test(tc, unknown_account_is_not_found);
	tcase_add_test(tc, others_passwords_are_for_admins);
	tcase_add_test(tc, all_that_is_wrong_with_a_new_password_is_said);
	tcase_add_test(tc, password_that_another_change_replaced_meanwhile_is_wrong);
	suite_add_tcase(suite, tc);
	return suite;
}
