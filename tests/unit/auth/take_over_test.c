/* Accounts of the system replaced: whose passwords are taken, and what becomes of them. */
#include <sodium.h>
#include <string.h>

#include "domain/auth/password.h"
#include "lib/base/config.h"
#include "tests/unit/auth/fakes.h"

#define BCRYPT "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
#define MOST 5

/* What the store says of each, and what it was given. */
static struct {
	enum rc foreseen[MOST], inserted[MOST], rc;
	struct foreign_account given[MOST];
	size_t count;
} store;

enum rc
account_store_foresee(struct ctx *c, const struct foreign_account *all, size_t count, enum rc *ret_each)
{
	(void)c;
	(void)all;
	memcpy(ret_each, store.foreseen, count * sizeof(*ret_each));
	return store.rc;
}

enum rc
account_store_insert_all(struct ctx *c, const struct foreign_account *all, size_t count, enum rc *ret_each)
{
	(void)c;
	memcpy(store.given, all, count * sizeof(*all));
	store.count = count;
	memcpy(ret_each, store.inserted, count * sizeof(*ret_each));
	return RC_OK;
}

static void
setup(void)
{
	fakes_setup();
	memset(&store, 0, sizeof(store));
}

static struct foreign_account
with(const char *password)
{
	return (struct foreign_account){ ADA, { "Ada", "ada@example.org", password, "STAFF" } };
}

START_TEST(passwords_are_taken_refused_or_called_weak)
{
	static const struct {
		const char *password;
		bool good, weak;
	} cases[] = {
		{ PASSWORD, true, false },
		{ BCRYPT, true, false },
		{ "{bcrypt}" BCRYPT, true, false },
		{ "{noop}" PASSWORD, true, false },
		{ "{noop}" BCRYPT, true, false }, /* so it says: that text is the password */
		{ "short", true, true },
		{ "{noop}short", true, true },
		{ "password1", true, true },
		{ "$ 100 in cash", true, false },
		{ "{ curly } too", true, false },
		{ "{noop}", false, false },
		{ "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", false, false },
		{ "{bcrypt}$2a$05$short", false, false },
		{ "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", false, false },
		{ "$6$salt$hash", false, false },
		{ "{pbkdf2@SpringSecurity_v5_8}ab12", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct foreign_account account = with(cases[i].password);
		const char *weak;
		enum rc rc;

		err_clear(&cx);
		rc = account_check_foreign(&cx, &account, &weak);
		ck_assert_msg(rc == (cases[i].good ? RC_OK : RC_INVALID), "%s", cases[i].password);
		ck_assert_msg((weak != NULL) == cases[i].weak, "%s", cases[i].password);
		ck_assert_uint_eq(cx.err.field_count, !cases[i].good);
	}
}
END_TEST

START_TEST(only_new_ones_in_clear_are_hashed)
{
	const struct foreign_account all[MOST] = { with(PASSWORD), with("{bcrypt}" BCRYPT), with("of one who is here"),
		with("{noop}another one"), with("whose address is taken") };
	enum rc each[MOST];
	bool good, outdated;

	store.foreseen[2] = RC_DUPLICATE;
	store.foreseen[4] = RC_CONFLICT;
	store.inserted[2] = RC_CONFLICT; /* the third of those left: its address went to the first */
	ck_assert_int_eq(account_take_over(&cx, all, MOST, false, each), RC_OK);
	ck_assert_uint_eq(store.count, 3);
	ck_assert_int_eq(each[0], RC_OK);
	ck_assert_int_eq(each[1], RC_OK);
	ck_assert_int_eq(each[2], RC_DUPLICATE);
	ck_assert_int_eq(each[3], RC_CONFLICT);
	ck_assert_int_eq(each[4], RC_CONFLICT);
	ck_assert_str_eq(store.given[1].as.password, BCRYPT);
	ck_assert_int_eq(password_verify(&cx, store.given[0].as.password, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(good && !outdated);
	ck_assert_int_eq(password_verify(&cx, store.given[2].as.password, 0, "another one", &good, &outdated), RC_OK);
	ck_assert(good && !outdated);
}
END_TEST

START_TEST(rehearsal_hashes_nothing_that_anybody_could_log_in_with)
{
	const struct foreign_account all[2] = { with(PASSWORD), with(BCRYPT) };
	enum rc each[2];
	bool good, outdated;

	ck_assert_int_eq(account_take_over(&cx, all, 2, true, each), RC_OK);
	ck_assert_int_eq(strncmp(store.given[0].as.password, "$argon2id$", 10), 0);
	ck_assert_int_eq(password_verify(&cx, store.given[0].as.password, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(!good);
}
END_TEST

START_TEST(store_that_is_away_is_said)
{
	const struct foreign_account one = with(PASSWORD);
	enum rc each;

	store.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(account_take_over(&cx, &one, 1, false, &each), RC_UNAVAILABLE);
	ck_assert_uint_eq(store.count, 0);
}
END_TEST

/* More than are hashed at once, each its own. */
START_TEST(many_are_hashed_at_once_and_none_is_mixed_up)
{
	static const char *const passwords[MOST] = { "the first", "the second", "the third", "the fourth", "the fifth" };
	const char *hashes[MOST];
	bool good, outdated;

	ck_assert_int_eq(password_hash_all(&cx, passwords, MOST, hashes), RC_OK);
	for (size_t i = 0; i < MOST; i++) {
		ck_assert_int_eq(password_verify(&cx, hashes[i], 0, passwords[i], &good, &outdated), RC_OK);
		ck_assert(good && !outdated);
	}
}
END_TEST

Suite *
take_over_suite(void)
{
	Suite *suite = suite_create("accounts of the system replaced");
	TCase *tc = tcase_create("accounts of the system replaced");

	tcase_add_checked_fixture(tc, setup, fakes_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, passwords_are_taken_refused_or_called_weak);
	tcase_add_test(tc, only_new_ones_in_clear_are_hashed);
	tcase_add_test(tc, rehearsal_hashes_nothing_that_anybody_could_log_in_with);
	tcase_add_test(tc, store_that_is_away_is_said);
	tcase_add_test(tc, many_are_hashed_at_once_and_none_is_mixed_up);
	suite_add_tcase(suite, tc);
	return suite;
}
