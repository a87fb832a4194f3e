#include "lib/web/attention.h"

#include "lib/base/config.h"
#include "tests/unit/web/suites.h"

#define THREADS 3

static struct pulse pulses[THREADS];

static struct attention
attention_of(const struct web_program *program)
{
	return (struct attention){ .pulses = pulses, .threads = THREADS, .prober = { .program = program } };
}

static void
began(int thread, int64_t seconds_ago)
{
	atomic_store(&pulses[thread].at_ns, clock_monotonic_ns() - seconds_ago * 1000000000);
}

START_TEST(a_program_is_alive_while_one_of_its_threads_gets_on)
{
	static const struct web_program program = { .name = "toys" };
	struct attention a = attention_of(&program);

	ck_assert(config_load("/dev/null"));
	ck_assert(attention_alive(&a)); /* none has anything to do */
	for (int i = 0; i < THREADS; i++)
		began(i, 3600);
	ck_assert(!attention_alive(&a));
	pulse_rest(&pulses[1]);
	ck_assert(attention_alive(&a));
	began(1, 1);
	ck_assert(attention_alive(&a));
}
END_TEST

START_TEST(threads_that_a_slow_database_keeps_are_not_stuck)
{
	static const struct web_program program = { .name = "toys" };
	struct attention a = attention_of(&program);

	ck_assert(config_load("/dev/null"));
	for (int i = 0; i < THREADS; i++)
		began(i, (config->web.request_timeout_ms + config->database.statement_timeout_ms) / 1000);
	ck_assert(attention_alive(&a));
}
END_TEST

Suite *
attention_suite(void)
{
	Suite *s = suite_create("attention");
	TCase *tc = tcase_create("attention");

	tcase_add_test(tc, a_program_is_alive_while_one_of_its_threads_gets_on);
	tcase_add_test(tc, threads_that_a_slow_database_keeps_are_not_stuck);
	suite_add_tcase(s, tc);
	return s;
}
