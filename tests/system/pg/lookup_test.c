/* lookup_test.c - reads by key that share a connection: one's mistake, slowness or bad luck is no other's. */
#include "tests/system/pg/pool_fixture.h"

/* Answers after so many ms. */
static const struct pg_stmt slow = {
	.name = "slow",
	.kind = PG_LOOKUP,
	.sql = "select $1::bigint as number from pg_sleep($1::bigint / 1000.0)",
	.takes = "number",
	.in = thing_fields,
	.out = thing_fields,
};

static const struct pg_stmt as_number = {
	.name = "as_number",
	.kind = PG_LOOKUP,
	.sql = "select $1::text::bigint as number",
	.takes = "text",
	.in = thing_fields,
	.out = thing_fields,
};

/* --- one's mistake --- */

static void
ask_for_number(struct guest *g)
{
	struct thing found, t = { .text = g->number % 17 == 3 ? "none" : "7" };
	enum rc rc = pg_fetch_one(&g->cx, &as_number, &t, &found);

	if (g->number % 17 != 3) {
		ck_assert_msg(rc == RC_OK, "%s", g->cx.err.detail);
		ck_assert_int_eq(found.number, 7);
		return;
	}
	ck_assert_int_eq(rc, RC_INTERNAL);
	ck_assert_str_eq(g->cx.err.detail, "as_number: SQLSTATE 22P02");
}

START_TEST(a_bad_parameter_fails_for_its_asker_alone)
{
	run_all(GUESTS_MOST, ask_for_number);
	run_all(GUESTS_MOST, ask_for_number);
}
END_TEST

static const struct pg_stmt impossible = {
	.name = "impossible",
	.kind = PG_LOOKUP,
	.sql = "select number from nowhere",
	.out = thing_fields,
};

static void
ask_for_the_impossible(struct guest *g)
{
	struct thing found;

	if (g->number % 3 != 0) {
		ck_assert_int_ne(ask(g, &shared_pid, 0), 0);
		return;
	}
	ck_assert_int_eq(pg_fetch_one(&g->cx, &impossible, NULL, &found), RC_INTERNAL);
	ck_assert_ptr_nonnull(strstr(g->cx.err.detail, "SQLSTATE 42P01"));
}

START_TEST(a_statement_that_cant_be_prepared_fails_for_its_askers_alone)
{
	run_all(30, ask_for_the_impossible);
}
END_TEST

static void
ask_slowly(struct guest *g)
{
	struct thing found, t = { .number = 20000 };

	if (g->number == 0) {
		ck_assert_int_eq(pg_fetch_one(&g->cx, &slow, &t, &found), RC_TIMEOUT);
		ck_assert_ptr_nonnull(strstr(g->cx.err.detail, "57014"));
	} else {
		for (int i = 0; i < 10; i++)
			write_and_find(g, i);
	}
}

START_TEST(a_slow_statement_delays_nobody_until_its_end)
{
	int64_t start_ms = now_ms();

	run_all(20, ask_slowly);
	ck_assert_int_lt(now_ms() - start_ms, 2 * STATEMENT_TIMEOUT_MS);
	ck_assert_int_eq(number(&cx, &count_things), 19 * 10);
}
END_TEST

static int64_t pids[4]; /* of the lookups' connection, as each guest saw it */

static void
ask_briefly(struct guest *g)
{
	struct thing found, t = { .number = g->number == 0 ? 150 : 0 };
	enum rc rc;

	if (g->number == 1)
		g->cx.deadline_ns = clock_monotonic_ns() + 20000000;
	rc = pg_fetch_one(&g->cx, &slow, &t, &found);
	ck_assert_int_eq(rc, g->number == 1 ? RC_TIMEOUT : RC_OK);
	next_request(&g->cx);
	pids[g->number] = ask(g, &shared_pid, 0);
}

START_TEST(a_deadline_ends_one_wait_and_disturbs_no_other)
{
	run_all(1, note_shared_pid);
	run_all(4, ask_briefly);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pids[i], seen_pid);
}
END_TEST

/* --- a connection's end --- */

static int running;

static void
look_up_often(struct guest *g)
{
	for (int i = 0; i < 300; i++) {
		next_request(&g->cx);
		seen_pid = ask(g, &shared_pid, 0);
		ck_assert_int_eq(ask(g, &slow, 0), 0);
	}
	running--;
}

static const struct pg_stmt terminate_pid = {
	.name = "terminate_pid",
	.kind = PG_WRITE,
	.sql = "select pg_terminate_backend($1::integer) as flag",
	.takes = "number",
	.in = thing_fields,
	.out = thing_fields,
};

static void
terminate_often(struct guest *g)
{
	int64_t last = 0;

	for (; running > 0 && g->rounds < 100; fiber_yield()) {
		struct thing t = { .number = seen_pid };

		if (seen_pid == last)
			continue;
		last = seen_pid;
		next_request(&g->cx);
		ck_assert_int_eq(pg_fetch_one(&g->cx, &terminate_pid, &t, &t), RC_OK);
		g->rounds++;
	}
}

START_TEST(a_lookup_whose_connection_is_ended_is_repeated)
{
	running = 20;
	for (int i = 0; i < running; i++)
		start(i, look_up_often);
	start(20, terminate_often);
	loop_run(loop);
	ck_assert_int_gt(guests[20].rounds, 20);
}
END_TEST

static const struct pg_stmt suicide = {
	.name = "suicide",
	.kind = PG_LOOKUP,
	.sql = "select pg_terminate_backend(pg_backend_pid()) as flag",
	.out = thing_fields,
};

static void
die_or_ask(struct guest *g)
{
	struct thing found;

	if (g->number == 7)
		ck_assert_int_eq(pg_fetch_one(&g->cx, &suicide, NULL, &found), RC_UNAVAILABLE);
	else
		for (int i = 0; i < 50; i++)
			ck_assert_int_ne(ask(g, &shared_pid, 0), 0);
}

START_TEST(a_lookup_that_ends_its_connection_each_time_takes_nobody_with_it)
{
	run_all(30, die_or_ask);
}
END_TEST

/* While it is idle, too, and what was prepared on it is prepared anew. */
START_TEST(a_connection_that_is_ended_while_idle_is_made_anew)
{
	for (int i = 0; i < 5; i++) {
		struct thing t;

		run_all(2, note_shared_pid);
		t = (struct thing){ .number = seen_pid };
		ck_assert_int_eq(pg_fetch_one(&cx, &terminate_pid, &t, &t), RC_OK);
		run_all(3, ask_for_number);
	}
}
END_TEST

static const struct pg_stmt whole_thing = {
	.name = "whole_thing",
	.kind = PG_LOOKUP,
	.sql = "select * from (select * from other_thing) as t",
	.out = thing_fields,
};

static void
ask_for_the_whole(struct guest *g)
{
	struct thing found;
	enum rc rc = pg_fetch_one(&g->cx, &whole_thing, NULL, &found);

	ck_assert_msg(rc == RC_OK, "%s", g->cx.err.detail);
	ck_assert_int_eq(found.number, 5);
	ck_assert_int_ne(ask(g, &shared_pid, 0), 0);
}

START_TEST(a_migration_in_between_is_not_noticed)
{
	ck_assert_int_eq(pg_script(&cx, "create temporary table unused (x int); drop table if exists other_thing;"
					"create table other_thing as select 5::bigint as number"),
	    RC_OK);
	run_all(20, ask_for_the_whole);
	ck_assert_int_eq(pg_script(&cx, "drop table other_thing; create table other_thing as select 'a' as name, 5::bigint as number"), RC_OK);
	run_all(20, ask_for_the_whole);
	ck_assert_int_eq(pg_script(&cx, "alter table other_thing add column text text"), RC_OK);
	run_all(20, ask_for_the_whole);
	ck_assert_int_eq(pg_script(&cx, "drop table other_thing"), RC_OK);
}
END_TEST

Suite *
lookup_suite(void)
{
	Suite *s = suite_create("pg lookups");
	TCase *t = tcase_create("pg lookups");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, pool_setup, pool_teardown);
	tcase_add_test(t, a_bad_parameter_fails_for_its_asker_alone);
	tcase_add_test(t, a_statement_that_cant_be_prepared_fails_for_its_askers_alone);
	tcase_add_test(t, a_slow_statement_delays_nobody_until_its_end);
	tcase_add_test(t, a_deadline_ends_one_wait_and_disturbs_no_other);
	tcase_add_test(t, a_lookup_whose_connection_is_ended_is_repeated);
	tcase_add_test(t, a_lookup_that_ends_its_connection_each_time_takes_nobody_with_it);
	tcase_add_test(t, a_connection_that_is_ended_while_idle_is_made_anew);
	tcase_add_test(t, a_migration_in_between_is_not_noticed);
	suite_add_tcase(s, t);
	return s;
}
