#include <poll.h>
#include <stdio.h>

#include "lib/loop/loop.h"
#include "tests/system/pg/pg_test.h"

#define ROWS 300000

static const struct pg_stmt many = {
	.name = "many",
	.kind = PG_READ,
	.sql = "select n as number, repeat('x', 100) as text from generate_series(1, 300000) as n",
	.out = thing_fields,
};

static const struct pg_stmt many_then_error = {
	.name = "many_then_error",
	.kind = PG_READ,
	.sql = "select 10 / (1000 - n) as number from generate_series(1, 2000) as n",
	.out = thing_fields,
};

struct seen {
	int64_t rows, sum, stop_at, pause_ms;
	long resident_at_start, resident_most;
};

static long
resident_kib(void)
{
	long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld %ld", &size, &pages), 2);
	fclose(f);
	return pages * 4;
}

static enum rc
see(void *closure, const void *row)
{
	const struct thing *t = row;
	struct seen *s = closure;

	s->rows++;
	s->sum += t->number;
	if (s->rows % 1000 == 1) {
		long now = resident_kib();

		if (s->resident_at_start == 0)
			s->resident_at_start = now;
		if (now > s->resident_most)
			s->resident_most = now;
	}
	if (s->rows == 1 && s->pause_ms > 0)
		poll(NULL, 0, (int)s->pause_ms);
	return s->stop_at == s->rows ? RC_CANCELLED : RC_OK;
}

START_TEST(all_rows_come_at_flat_memory)
{
	struct seen s = { 0 };

	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), see, &s), RC_OK);
	ck_assert_int_eq(s.rows, ROWS);
	ck_assert_int_eq(s.sum, (int64_t)ROWS * (ROWS + 1) / 2);
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory for a while */
	ck_assert_int_lt(s.resident_most - s.resident_at_start, 1024);
#endif
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

START_TEST(a_reader_may_be_slower_than_the_statement_timeout)
{
	static const struct pg_stmt timeout = {
		.name = "timeout",
		.kind = PG_READ,
		.sql = "select setting::bigint as number from pg_settings where name = 'statement_timeout'",
		.out = thing_fields,
	};
	struct seen s = { .pause_ms = STATEMENT_TIMEOUT_MS + 300 };

	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), see, &s), RC_OK);
	ck_assert_int_eq(s.rows, ROWS);
	ck_assert_int_eq(number(&cx, &timeout), STATEMENT_TIMEOUT_MS);
}
END_TEST

START_TEST(a_stream_may_outlast_its_requests_deadline)
{
	int64_t before = number(&cx, &backend_pid);
	struct seen s = { .pause_ms = 700 };

	cx.deadline_ns = clock_monotonic_ns() + 600 * INT64_C(1000000);
	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), see, &s), RC_OK);
	ck_assert_int_eq(s.rows, ROWS);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &backend_pid), before);
}
END_TEST

START_TEST(a_reader_may_stop_and_the_next_statement_is_served)
{
	struct seen s = { .stop_at = 10 };

	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), see, &s), RC_CANCELLED);
	ck_assert_int_eq(s.rows, 10);
	ck_assert_int_eq(number(&cx, &count_things), 0);

	s.rows = 0;
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), see, &s), RC_CANCELLED);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 1);
}
END_TEST

START_TEST(an_error_after_some_rows_is_an_error)
{
	int64_t before = number(&cx, &backend_pid);
	struct seen s = { 0 };

	ck_assert_int_eq(
	    pg_for_each(&cx, &many_then_error, NULL, sizeof(struct thing), see, &s), RC_INTERNAL);
	ck_assert_int_eq(s.rows, 999);
	ck_assert_msg(strstr(cx.err.detail, "22012") != NULL, "%s", cx.err.detail);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &backend_pid), before);
}
END_TEST

static enum rc
ask_again(void *closure, const void *row)
{
	(void)row;
	return pg_execute(closure, &count_things, NULL, NULL);
}

START_TEST(a_statement_inside_is_a_bug)
{
	ck_assert_int_eq(pg_for_each(&cx, &many, NULL, sizeof(struct thing), ask_again, &cx), RC_INTERNAL);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

START_TEST(a_server_that_stops_in_the_middle_costs_one_rows_deadline)
{
	static const struct pg_stmt stalls = {
		.name = "stalls",
		.kind = PG_READ,
		.sql = "select n as number, repeat('x', 10000) as text,"
		       " case when n = 100 then pg_sleep(60) end is null as flag from generate_series(1, "
		       "200) as n",
		.out = thing_fields,
	};
	int64_t start = now_ms();
	struct seen s = { 0 };

	ck_assert_int_eq(pg_for_each(&cx, &stalls, NULL, sizeof(struct thing), see, &s), RC_TIMEOUT);
	ck_assert_int_lt(now_ms() - start, STATEMENT_TIMEOUT_MS + 900);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

/* --- in a fiber --- */

static struct {
	struct ctx cx;
	struct seen seen;
	bool over;
	int turns; /* that the other fiber had meanwhile */
	int64_t last, most; /* rows between two of them */
} shared;

static void
take_many(void *arg)
{
	(void)arg;
	ck_assert_int_eq(pg_for_each(&shared.cx, &many, NULL, sizeof(struct thing), see, &shared.seen), RC_OK);
	shared.over = true;
}

static void
run_beside(void *arg)
{
	(void)arg;
	while (!shared.over) {
		int64_t since = shared.seen.rows - shared.last;

		if (since > shared.most)
			shared.most = since;
		shared.last = shared.seen.rows;
		shared.turns++;
		fiber_yield();
	}
}

START_TEST(others_have_their_turn_while_rows_come)
{
	struct pg_pool *pool = pg_pool_open("postgres", "postgres", 1);
	struct loop *loop = loop_new();

	ck_assert(pool != NULL && loop != NULL);
	ctx_init(&shared.cx, cx.arena, pg_pool_handle(pool));
	next_request(&shared.cx);
	ck_assert(fiber_start(loop, take_many, NULL));
	ck_assert(fiber_start(loop, run_beside, NULL));
	loop_run(loop);
	ck_assert_int_eq(shared.seen.rows, ROWS);
	ck_assert_int_ge(shared.turns, ROWS / 64);
	ck_assert_int_le(shared.most, 64);
	pg_reset(shared.cx.pg);
	pg_close(shared.cx.pg);
	pg_pool_close(pool);
	loop_free(loop);
}
END_TEST

Suite *
stream_suite(void)
{
	Suite *s = suite_create("pg streams");
	TCase *t = tcase_create("pg streams");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_rows_come_at_flat_memory);
	tcase_add_test(t, a_reader_may_be_slower_than_the_statement_timeout);
	tcase_add_test(t, a_stream_may_outlast_its_requests_deadline);
	tcase_add_test(t, a_reader_may_stop_and_the_next_statement_is_served);
	tcase_add_test(t, an_error_after_some_rows_is_an_error);
	tcase_add_test(t, a_statement_inside_is_a_bug);
	tcase_add_test(t, a_server_that_stops_in_the_middle_costs_one_rows_deadline);
	tcase_add_test(t, others_have_their_turn_while_rows_come);
	suite_add_tcase(s, t);
	return s;
}
