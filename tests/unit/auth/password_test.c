/* What may be a password, and how many are hashed at once. */
#include "domain/auth/password.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "tests/unit/auth/fakes.h"

static struct config own;

static void
setup(void)
{
	fakes_setup();
	own = *config;
	own.auth.hashes_at_once = 1;
	config = &own;
}

START_TEST(password_has_a_length_and_is_not_common)
{
	static const struct {
		const char *password;
		bool good;
	} cases[] = {
		{ "1234567", false },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", false }, /* eight bytes, four characters */
		{ "password", false },
		{ "PASSWORD1", false },
		{ "qwertyuiop", false },
		{ "1q2w3e4r5t", false }, /* of the first ten */
		{ "long enough", true },
		{ "password\n", true },
		{ "word1234567890123", true }, /* the end of one and more */
		{ "\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91"
		  "\xf0\x9f\x94\x91", true },
	};
	char longest[130];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err_clear(&cx);
		ck_assert_msg(password_check(&cx, "p", cases[i].password) == (cases[i].good ? RC_OK : RC_INVALID), "%s",
		    cases[i].password);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[129] = '\0';
	ck_assert_int_eq(password_check(&cx, "p", longest), RC_INVALID);
	err_clear(&cx);
	ck_assert_int_eq(password_check(&cx, "p", longest + 1), RC_OK);
}
END_TEST

START_TEST(hash_is_argon2id_with_the_configured_parameters)
{
	const char *hash, *other;
	bool good, outdated;

	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &other), RC_OK);
	ck_assert_int_eq(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	ck_assert_str_ne(hash, other);
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(good && !outdated);
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD "!", &good, &outdated), RC_OK);
	ck_assert(!good);
	own.auth.hash_memory = INT64_C(20) << 20;
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(good && outdated);
}
END_TEST

START_TEST(nobodys_password_is_never_good_and_takes_as_long)
{
	clock_t start, hashed, verified; /* of the processor: who waits for a turn on it is no slower */
	const char *hash;
	bool good, outdated;

	ck_assert_int_eq(password_verify(&cx, NULL, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(!good && !outdated);
	start = clock();
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
	hashed = clock() - start;
	start = clock();
	ck_assert_int_eq(password_verify(&cx, NULL, 0, PASSWORD, &good, &outdated), RC_OK);
	verified = clock() - start;
	ck_assert_int_gt(verified * 5, hashed);
}
END_TEST

struct other {
	pthread_t id;
	struct ctx cx;
	atomic_bool done;
};

static void *
hash_long(void *arg)
{
	struct other *other = arg;
	const char *hash;

	while (password_hash(&other->cx, PASSWORD, &hash) != RC_OK)
		err_clear(&other->cx);
	atomic_store(&other->done, true);
	return NULL;
}

START_TEST(who_gets_no_turn_in_time_is_told_so)
{
	struct other other = { .done = false };
	const char *hash;
	bool refused = false;

	own.auth.hash_passes = 60; /* a second or more */
	ctx_init(&other.cx, arena_new(), NULL);
	ck_assert_int_eq(pthread_create(&other.id, NULL, hash_long, &other), 0);
	while (!refused && !atomic_load(&other.done)) {
		cx.deadline_ns = clock_monotonic_ns() + 20000000;
		refused = password_hash(&cx, PASSWORD, &hash) == RC_UNAVAILABLE;
	}
	ck_assert(refused);
	pthread_join(other.id, NULL);
	ck_assert(atomic_load(&other.done));
	cx.deadline_ns = 0;
	own.auth.hash_passes = 2;
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
	arena_free(other.cx.arena);
}
END_TEST

/* A second waits, a third too; the fourth is told at once, although it would have time. */
START_TEST(who_comes_when_the_line_is_long_is_told_so_at_once)
{
	struct other others[3] = { 0 };
	const char *hash;
	int64_t start;
	bool refused = false, going = true;

	own.auth.hash_passes = 60;
	for (size_t i = 0; i < 3; i++) {
		ctx_init(&others[i].cx, arena_new(), NULL);
		ck_assert_int_eq(pthread_create(&others[i].id, NULL, hash_long, &others[i]), 0);
	}
	while (!refused && going) {
		usleep(2000); /* else nobody comes to the place that this one leaves */
		start = clock_monotonic_ns();
		cx.deadline_ns = start + 1000000; /* as long as there is place in the line, it is not for long */
		refused = password_hash(&cx, PASSWORD, &hash) == RC_UNAVAILABLE && clock_monotonic_ns() - start < 900000;
		going = !atomic_load(&others[0].done) || !atomic_load(&others[1].done) || !atomic_load(&others[2].done);
	}
	ck_assert(refused);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(others[i].id, NULL);
		arena_free(others[i].cx.arena);
	}
}
END_TEST

Suite *
password_suite(void)
{
	Suite *suite = suite_create("passwords");
	TCase *tc = tcase_create("passwords");

	tcase_add_checked_fixture(tc, setup, fakes_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, password_has_a_length_and_is_not_common);
	tcase_add_test(tc, hash_is_argon2id_with_the_configured_parameters);
	tcase_add_test(tc, nobodys_password_is_never_good_and_takes_as_long);
	tcase_add_test(tc, who_gets_no_turn_in_time_is_told_so);
	tcase_add_test(tc, who_comes_when_the_line_is_long_is_told_so_at_once);
	suite_add_tcase(suite, tc);
	return suite;
}
