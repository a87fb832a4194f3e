#include <pthread.h>
#include <stdio.h>

#include "tests/system/pg/pg_test.h"

#define RAISE(state) "do $$ begin raise exception 'Jane Doe' using errcode = '" state "'; end $$"

/* clang-format off */
static const struct {
	const char *sql;
	enum rc rc;
	const char *detail, *constraint;
} cases[] = {
	{ "insert into thing (id, name) values (gen_random_uuid(), 'taken')", RC_DUPLICATE, "23505", "thing_name" },
	{ "insert into thing (id, during) values (gen_random_uuid(), '[2026-01-01,2026-01-03)')", RC_OVERLAP, "23P01",
	    "thing_during" },
	{ "insert into thing (id, count) values (gen_random_uuid(), 4711)", RC_INTERNAL,
	    "SQLSTATE 23514, constraint thing_count, table thing", NULL },
	{ "select 'Jane Doe'::text::integer as number", RC_INTERNAL, "22P02", NULL },
	{ "select number from nowhere", RC_INTERNAL, "relation \"nowhere\" does not exist", NULL },
	{ "select 1 as number from pg_sleep(60)", RC_TIMEOUT, "57014", NULL },
	{ RAISE("40001"), RC_UNAVAILABLE, "40001", NULL },
	{ RAISE("40P01"), RC_UNAVAILABLE, "40P01", NULL },
	{ RAISE("53100"), RC_UNAVAILABLE, "53100", NULL },
	{ RAISE("53300"), RC_UNAVAILABLE, "53300", NULL },
	{ RAISE("57P01"), RC_UNAVAILABLE, "57P01", NULL },
	{ RAISE("57P03"), RC_UNAVAILABLE, "57P03", NULL },
	{ RAISE("08006"), RC_UNAVAILABLE, "08006", NULL },
	{ RAISE("25006"), RC_UNAVAILABLE, "25006", NULL },
	{ RAISE("P0001"), RC_INTERNAL, "P0001", NULL },
};
/* clang-format on */

START_TEST(each_sqlstate_is_sorted_and_its_detail_holds_no_data)
{
	const struct pg_stmt stmt = { .name = "case", .kind = PG_WRITE, .sql = cases[_i].sql };
	enum rc rc;

	ck_assert_int_eq(pg_script(&other, "insert into thing (id, name, during) values"
					   " (gen_random_uuid(), 'taken', '[2026-01-02,2026-01-04)')"),
	    RC_OK);
	rc = pg_execute(&cx, &stmt, NULL, NULL);
	ck_assert_msg(rc == cases[_i].rc, "%s: %s", rc_meaning(rc)->name, cx.err.detail);
	ck_assert_ptr_nonnull(cx.err.detail);
	ck_assert_msg(strstr(cx.err.detail, cases[_i].detail) != NULL, "%s", cx.err.detail);
	ck_assert_ptr_null(strstr(cx.err.detail, "Jane"));
	ck_assert_ptr_null(strstr(cx.err.detail, "4711"));
	if (cases[_i].constraint != NULL)
		ck_assert_str_eq(cx.err.constraint, cases[_i].constraint);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 1);
}
END_TEST

START_TEST(a_statement_that_times_out_on_the_server_leaves_the_connection_whole)
{
	int64_t before = number(&cx, &backend_pid), start = now_ms();

	ck_assert_int_eq(pg_execute(&cx, &sleep_long, NULL, NULL), RC_TIMEOUT);
	ck_assert_int_lt(now_ms() - start, STATEMENT_TIMEOUT_MS + 600);
	ck_assert_int_eq(number(&cx, &backend_pid), before);
}
END_TEST

START_TEST(the_requests_deadline_counts_where_it_is_nearer)
{
	int64_t before = number(&cx, &backend_pid), start = now_ms();

	cx.deadline_ns = clock_monotonic_ns() + 50 * 1000000;
	ck_assert_int_eq(pg_execute(&cx, &sleep_long, NULL, NULL), RC_TIMEOUT);
	ck_assert_int_lt(now_ms() - start, 600);
	/* With no time left nothing is sent; and a connection in the middle of an answer is not used again. */
	ck_assert_int_eq(insert(&cx, "late"), RC_TIMEOUT);
	next_request(&cx);
	ck_assert_int_ne(number(&cx, &backend_pid), before);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

static const struct pg_stmt serialize = {
	.name = "serialize",
	.kind = PG_WRITE,
	.sql = "do $$ begin if nextval('tries') < 4 then raise exception 'x' using errcode = '40001'; end "
	       "if; end $$",
};

static const struct pg_stmt tried = {
	.name = "tried",
	.kind = PG_READ,
	.sql = "select last_value as number from tries",
	.out = thing_fields,
};

START_TEST(a_lone_statement_that_the_server_undid_is_repeated)
{
	ck_assert_int_eq(pg_execute(&cx, &serialize, NULL, NULL), RC_OK);
	ck_assert_int_eq(number(&cx, &tried), 4);
	ck_assert_ptr_null(cx.err.detail);
}
END_TEST

START_TEST(in_a_transaction_it_is_the_callers_to_repeat)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, pg_execute(&cx, &serialize, NULL, NULL)), RC_UNAVAILABLE);
	ck_assert_int_eq(number(&cx, &tried), 1);
}
END_TEST

#define RACERS 8
#define NAMES 40

struct racer {
	pthread_t thread;
	int won, lost;
};

static void *
race(void *arg)
{
	struct racer *r = arg;
	struct ctx c;
	char name[24];

	ctx_init(&c, arena_new(), pg_open("postgres", "postgres"));
	for (int i = 0; i < NAMES; i++) {
		enum rc rc;

		snprintf(name, sizeof(name), "name %d", i);
		rc = insert(&c, name);
		r->won += rc == RC_OK;
		r->lost += rc == RC_DUPLICATE;
	}
	pg_close(c.pg);
	arena_free(c.arena);
	return NULL;
}

START_TEST(of_racing_inserts_of_a_name_exactly_one_wins)
{
	struct racer racers[RACERS] = { 0 };
	int won = 0, lost = 0;

	for (int i = 0; i < RACERS; i++)
		ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (int i = 0; i < RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		won += racers[i].won;
		lost += racers[i].lost;
	}
	ck_assert_int_eq(won, NAMES);
	ck_assert_int_eq(lost, (RACERS - 1) * NAMES);
}
END_TEST

static const struct pg_stmt two_rows = {
	.name = "two_rows",
	.kind = PG_READ,
	.sql = "select generate_series(1, 2) as number",
	.out = thing_fields,
};

static const struct pg_stmt strange_column = {
	.name = "strange_column",
	.kind = PG_READ,
	.sql = "select 1 as somewhere",
	.out = thing_fields,
};

static const struct pg_stmt strange_member = {
	.name = "strange_member",
	.kind = PG_READ,
	.sql = "select $1::int as number",
	.takes = "nowhere",
	.in = thing_fields,
	.out = thing_fields,
};

static const struct pg_stmt wrong_type = {
	.name = "wrong_type",
	.kind = PG_READ,
	.sql = "select 'x' as number",
	.out = thing_fields,
};

static const struct pg_stmt no_row = {
	.name = "no_row",
	.kind = PG_READ,
	.sql = "select number from generate_series(1, 0) number",
	.out = thing_fields,
};

START_TEST(statements_that_contradict_their_tables_are_bugs_that_say_which)
{
	const struct pg_stmt *wrong[] = { &two_rows, &strange_column, &strange_member, &wrong_type };
	struct thing t;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		next_request(&cx);
		ck_assert_int_eq(pg_fetch_one(&cx, wrong[i], &t, &t), RC_INTERNAL);
		ck_assert_msg(strstr(cx.err.detail, wrong[i]->name) != NULL, "%s", cx.err.detail);
	}
	next_request(&cx);
	ck_assert_int_eq(pg_fetch_one(&cx, &no_row, NULL, &t), RC_NOT_FOUND);
	ck_assert_ptr_null(cx.err.detail);
}
END_TEST

static const struct pg_stmt all_counts = {
	.name = "all_counts",
	.kind = PG_READ,
	.sql = "select count as number from thing",
	.out = thing_fields,
};

START_TEST(a_read_prepared_before_a_migration_is_prepared_anew)
{
	struct thing t = { 0 };

	ck_assert_int_eq(pg_fetch_one(&cx, &all_counts, NULL, &t), RC_NOT_FOUND);
	ck_assert_int_eq(insert(&cx, "somebody"), RC_OK);
	ck_assert_int_eq(
	    pg_script(&other, "update thing set count = 5; alter table thing alter count type integer"), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&cx, &all_counts, NULL, &t), RC_OK);
	ck_assert_int_eq(t.number, 5);
	ck_assert_ptr_null(cx.err.detail);
}
END_TEST

Suite *
errors_suite(void)
{
	Suite *s = suite_create("pg errors");
	TCase *t = tcase_create("pg errors");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(
	    t, each_sqlstate_is_sorted_and_its_detail_holds_no_data, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(t, a_statement_that_times_out_on_the_server_leaves_the_connection_whole);
	tcase_add_test(t, the_requests_deadline_counts_where_it_is_nearer);
	tcase_add_test(t, a_lone_statement_that_the_server_undid_is_repeated);
	tcase_add_test(t, in_a_transaction_it_is_the_callers_to_repeat);
	tcase_add_test(t, of_racing_inserts_of_a_name_exactly_one_wins);
	tcase_add_test(t, a_read_prepared_before_a_migration_is_prepared_anew);
	tcase_add_test(t, statements_that_contradict_their_tables_are_bugs_that_say_which);
	suite_add_tcase(s, t);
	return s;
}
