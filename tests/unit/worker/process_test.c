#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/unit/worker/suites.h"
#include "worker/process.h"

static const struct process process = { .name = "a-program", .purpose = "Tests.", .argument = "THING" };

static int
start(char *one, char *two, const char **ret_argument)
{
	char name[] = "a-program";
	char *argv[] = { name, one, two, NULL };

	return process_start(&process, one == NULL ? 1 : two == NULL ? 2 : 3, argv, ret_argument);
}

START_TEST(a_program_goes_on_with_its_argument)
{
	char thing[] = "thing";
	const char *argument = NULL;

	setenv("MEDICORE_CONFIG", "/dev/null", 1);
	ck_assert_int_eq(start(thing, NULL, &argument), -1);
	ck_assert_str_eq(argument, "thing");
}
END_TEST

static const struct {
	const char *one, *two;
	int status;
} refusals[] = {
	{ "--help", NULL, 0 },
	{ "--version", NULL, 0 },
	{ "--print-config", NULL, 0 },
	{ NULL, NULL, 2 },
	{ "one", "two", 2 },
	{ "--nonsense", NULL, 2 },
	{ "--config", "/nowhere/at/all", 1 },
};

START_TEST(what_is_no_start_ends_with_its_status)
{
	const char *argument = NULL;
	char one[32], two[32];

	setenv("MEDICORE_CONFIG", "/dev/null", 1);
	snprintf(one, sizeof(one), "%s", refusals[_i].one == NULL ? "" : refusals[_i].one);
	snprintf(two, sizeof(two), "%s", refusals[_i].two == NULL ? "" : refusals[_i].two);
	ck_assert_int_eq(
	    start(refusals[_i].one == NULL ? NULL : one, refusals[_i].two == NULL ? NULL : two, &argument),
	    refusals[_i].status);
	ck_assert_ptr_null(argument);
}
END_TEST

static bool
asked_to_stop(int timeout_ms)
{
	struct pollfd asked = { .fd = stop_fd(), .events = POLLIN };

	return poll(&asked, 1, timeout_ms) == 1;
}

START_TEST(being_asked_to_stop_is_seen_at_once_and_ever_after)
{
	char thing[] = "thing";
	const char *argument;
	int64_t begun;

	setenv("MEDICORE_CONFIG", "/dev/null", 1);
	ck_assert_int_eq(start(thing, NULL, &argument), -1);
	ck_assert(process_ready(NULL, NULL));
	ck_assert(!asked_to_stop(0));
	ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
	begun = clock_monotonic_ns();
	ck_assert(asked_to_stop(10000));
	ck_assert(asked_to_stop(10000));
	ck_assert_int_lt(clock_monotonic_ns() - begun, INT64_C(1000000000));
	process_end();
}
END_TEST

START_TEST(pauses_grow_from_50_ms_to_half_a_second_and_start_again)
{
	static const int wanted[] = { 50, 100, 200, 400, 500, 500 };
	struct trouble t = { .what = "something" };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		trouble_begin(&t, RC_UNAVAILABLE, NULL);
		ck_assert_int_eq(trouble_pause_ms(&t), wanted[i]);
	}
	trouble_end(&t);
	trouble_begin(&t, RC_UNAVAILABLE, NULL);
	ck_assert_int_eq(trouble_pause_ms(&t), 50);
}
END_TEST

Suite *
process_suite(void)
{
	Suite *suite = suite_create("process");
	TCase *tests = tcase_create("process");

	tcase_add_test(tests, a_program_goes_on_with_its_argument);
	tcase_add_loop_test(
	    tests, what_is_no_start_ends_with_its_status, 0, (int)(sizeof(refusals) / sizeof(*refusals)));
	tcase_add_test(tests, being_asked_to_stop_is_seen_at_once_and_ever_after);
	tcase_add_test(tests, pauses_grow_from_50_ms_to_half_a_second_and_start_again);
	suite_add_tcase(suite, tests);
	return suite;
}
