#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/system/pg/pg_test.h"

START_TEST(the_first_request_after_the_servers_return_succeeds)
{
	int64_t start;

	ck_assert_int_eq(insert(&cx, "before"), RC_OK);
	server("kill");
	start = now_ms();
	ck_assert_int_eq(insert(&cx, "down"), RC_UNAVAILABLE);
	ck_assert_int_eq(insert(&cx, "down"), RC_UNAVAILABLE);
	ck_assert_int_lt(now_ms() - start, 250);
	server("start");
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "after"), RC_OK);
	server("restart");
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "once more"), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 3);
}
END_TEST

START_TEST(a_write_on_a_connection_that_died_idle_succeeds)
{
	for (int i = 0; i < 20; i++) {
		next_request(&cx);
		ck_assert_int_eq(insert(&cx, NULL), RC_OK);
		terminate(&cx);
		if (i % 2 == 1)
			ck_assert_int_eq(pg_begin(&cx), RC_OK);
		ck_assert_int_eq(insert(&cx, NULL), RC_OK);
		if (i % 2 == 1)
			ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	}
	ck_assert_int_eq(number(&cx, &count_things), 40);
}
END_TEST

struct killer {
	pthread_t thread;
	const char *action;
	struct ctx *victim_of; /* connection that watches for a sleeping statement */
};

static const struct pg_stmt sleepers = {
	.name = "sleepers",
	.kind = PG_READ,
	.sql = "select count(*) as number from pg_stat_activity where state = 'active' and query like "
	       "'%pg_sleep(60)%'"
	       " and pid <> pg_backend_pid()",
	.out = thing_fields,
};

/* Does it as soon as the statement is under way. */
static void *
strike(void *arg)
{
	struct killer *k = arg;

	while (number(k->victim_of, &sleepers) == 0)
		;
	server(k->action);
	return NULL;
}

START_TEST(a_server_that_dies_under_a_statement_is_unavailable_at_once)
{
	struct killer k = { .action = "kill", .victim_of = &other };
	int64_t start = now_ms();

	ck_assert_int_eq(pthread_create(&k.thread, NULL, strike, &k), 0);
	ck_assert_int_eq(pg_execute(&cx, &sleep_long, NULL, NULL), RC_UNAVAILABLE);
	ck_assert_int_lt(now_ms() - start, STATEMENT_TIMEOUT_MS);
	pthread_join(k.thread, NULL);
	server("start");
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "after"), RC_OK);
}
END_TEST

START_TEST(a_mute_server_costs_one_deadline_and_one_attempt_to_connect)
{
	int64_t start;

	ck_assert_int_eq(insert(&cx, "before"), RC_OK);
	server("pause");
	start = now_ms();
	ck_assert_int_eq(insert(&cx, "mute"), RC_TIMEOUT);
	ck_assert_int_lt(now_ms() - start, STATEMENT_TIMEOUT_MS + 600);
	start = now_ms();
	ck_assert_int_eq(insert(&cx, "mute"), RC_UNAVAILABLE);
	ck_assert_int_eq(insert(&cx, "mute"), RC_UNAVAILABLE);
	ck_assert_int_lt(now_ms() - start, CONNECT_TIMEOUT_MS + 350);
	server("resume");
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "after"), RC_OK);
}
END_TEST

/* A statement that takes longer than its request has. */
static void
in_vain(int64_t ms)
{
	next_request(&cx);
	cx.deadline_ns = clock_monotonic_ns() + ms * 1000000;
	ck_assert_int_ne(pg_execute(&cx, &sleep_long, NULL, NULL), RC_OK);
	next_request(&cx);
}

START_TEST(a_short_deadline_costs_its_own_connection_alone)
{
	int64_t before = number(&other, &backend_pid), own = number(&cx, &backend_pid);

	in_vain(CONNECT_TIMEOUT_MS / 4);
	ck_assert_int_ne(number(&cx, &backend_pid), own);
	in_vain(CONNECT_TIMEOUT_MS / 4);
	ck_assert_int_eq(number(&other, &backend_pid), before);
}
END_TEST

START_TEST(who_has_no_time_to_connect_has_timed_out)
{
	ck_assert_int_eq(insert(&cx, "before"), RC_OK);
	server("pause");
	in_vain(CONNECT_TIMEOUT_MS / 4);
	cx.deadline_ns = clock_monotonic_ns() + CONNECT_TIMEOUT_MS / 4 * INT64_C(1000000);
	ck_assert_int_eq(insert(&cx, "late"), RC_TIMEOUT);
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "mute"), RC_UNAVAILABLE);
	server("resume");
}
END_TEST

START_TEST(a_server_that_was_mute_is_asked_by_new_connections_however_short_deadlines_are)
{
	int64_t before = number(&other, &backend_pid);

	ck_assert_int_eq(insert(&cx, "before"), RC_OK);
	server("pause");
	in_vain(_i == 0 ? CONNECT_TIMEOUT_MS + 100 : 2 * STATEMENT_TIMEOUT_MS);
	server("resume");
	ck_assert_int_ne(number(&other, &backend_pid), before);
	ck_assert_int_eq(insert(&cx, "after"), RC_OK);
}
END_TEST

START_TEST(a_transaction_whose_connection_dies_has_no_effect)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	terminate(&cx);
	ck_assert_int_eq(insert(&cx, "b"), RC_UNAVAILABLE);
	/* Not on a connection that knows nothing of the first. */
	ck_assert_int_eq(insert(&cx, "c"), RC_UNAVAILABLE);
	ck_assert_int_eq(pg_begin(&cx), RC_UNAVAILABLE);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_UNAVAILABLE);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, insert(&cx, "d")), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 1);
}
END_TEST

START_TEST(a_commit_on_a_lost_connection_is_not_called_done)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	terminate(&cx);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_UNAVAILABLE);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

/* --- a backend that is ended again and again --- */

static _Atomic bool over;
static _Atomic int64_t done; /* statements so far */

static const struct pg_stmt terminate_all = {
	.name = "terminate_all",
	.kind = PG_WRITE,
	.sql = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'victim'",
};

/* Never twice during one statement. */
static void *
harass(void *arg)
{
	int64_t *times = arg, last = 0;

	while (!over) {
		int64_t ended = 0;

		if (done < last + 3) {
			sched_yield();
			continue;
		}
		ck_assert_int_eq(pg_execute(&other, &terminate_all, NULL, &ended), RC_OK);
		*times += ended;
		last = done;
	}
	return NULL;
}

static void
as_victim(void)
{
	ck_assert_int_eq(
	    pg_script(&other, "do $$ begin if not exists (select from pg_roles where rolname = 'victim')"
			      " then create role victim login; end if; end $$; grant all on thing to victim"),
	    RC_OK);
	pg_close(cx.pg);
	cx.pg = pg_open("postgres", "victim");
}

START_TEST(connections_that_are_ended_all_the_time_give_no_wrong_answer)
{
	int64_t times = 0, written = 0, unknown = 0, stored;
	pthread_t thread;

	as_victim();
	ck_assert_int_eq(pthread_create(&thread, NULL, harass, &times), 0);
	for (int i = 0; i < 1000; i++) {
		struct thing found;
		enum rc rc;

		next_request(&cx);
		rc = insert(&cx, NULL);
		ck_assert_msg(
		    rc == RC_OK || rc == RC_UNAVAILABLE, "%s: %s", rc_meaning(rc)->name, cx.err.detail);
		written += rc == RC_OK;
		unknown += rc == RC_UNAVAILABLE;
		done++;
		next_request(&cx);
		rc = pg_fetch_one(&cx, &count_things, NULL, &found);
		/* All that can refuse a read is that the new connection was ended as well, while it was made. */
		ck_assert_msg(rc == RC_OK || strncmp(cx.err.detail, "database connection", 19) == 0, "%s: %s",
		    rc_meaning(rc)->name, cx.err.detail);
		if (rc == RC_OK)
			ck_assert_int_ge(found.number, written);
		done++;
	}
	over = true;
	pthread_join(thread, NULL);
	stored = number(&other, &count_things);
	ck_assert_int_ge(stored, written);
	ck_assert_int_le(stored, written + unknown);
	ck_assert_int_gt(times, 50);
	ck_assert_int_gt(written, 500);
}
END_TEST

START_TEST(a_read_whose_connection_dies_under_it_is_repeated)
{
	/* The first time it ends its own backend, the second time it answers. */
	static const struct pg_stmt suicide = {
		.name = "suicide",
		.kind = PG_READ,
		.sql = "select case when nextval('tries') = 1 then pg_terminate_backend(pg_backend_pid()) "
		       "end is null as flag",
		.out = thing_fields,
	};
	static const struct pg_stmt suicidal_write = {
		.name = "suicidal_write",
		.kind = PG_WRITE,
		.sql = "select case when nextval('tries') = 1 then pg_terminate_backend(pg_backend_pid()) "
		       "end is null as flag",
		.out = thing_fields,
	};
	struct thing found;

	ck_assert_int_eq(pg_fetch_one(&cx, &suicide, NULL, &found), RC_OK);
	ck_assert(found.flag);
	ck_assert_ptr_null(cx.err.detail);
	ck_assert_int_eq(pg_script(&other, "alter sequence tries restart"), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&cx, &suicidal_write, NULL, &found), RC_UNAVAILABLE);
}
END_TEST

START_TEST(a_server_without_room_for_us_is_unavailable)
{
	ck_assert_int_eq(
	    pg_script(&other, "do $$ begin if not exists (select from pg_roles where rolname = 'crowd')"
			      " then create role crowd login connection limit 0; end if; end $$"),
	    RC_OK);
	pg_close(cx.pg);
	cx.pg = pg_open("postgres", "crowd");
	ck_assert_ptr_nonnull(cx.pg);
	ck_assert_int_eq(pg_execute(&cx, &count_things, NULL, NULL), RC_UNAVAILABLE);
	ck_assert_ptr_nonnull(cx.err.detail);
}
END_TEST

Suite *
lost_suite(void)
{
	Suite *s = suite_create("pg lost connections");
	TCase *t = tcase_create("pg lost connections");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_first_request_after_the_servers_return_succeeds);
	tcase_add_test(t, a_write_on_a_connection_that_died_idle_succeeds);
	tcase_add_test(t, a_server_that_dies_under_a_statement_is_unavailable_at_once);
	tcase_add_test(t, a_mute_server_costs_one_deadline_and_one_attempt_to_connect);
	tcase_add_test(t, a_short_deadline_costs_its_own_connection_alone);
	tcase_add_test(t, who_has_no_time_to_connect_has_timed_out);
	tcase_add_loop_test(t, a_server_that_was_mute_is_asked_by_new_connections_however_short_deadlines_are, 0, 2);
	tcase_add_test(t, a_transaction_whose_connection_dies_has_no_effect);
	tcase_add_test(t, a_commit_on_a_lost_connection_is_not_called_done);
	tcase_add_test(t, connections_that_are_ended_all_the_time_give_no_wrong_answer);
	tcase_add_test(t, a_read_whose_connection_dies_under_it_is_repeated);
	tcase_add_test(t, a_server_without_room_for_us_is_unavailable);
	suite_add_tcase(s, t);
	return s;
}
