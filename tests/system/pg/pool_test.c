/* pool_test.c - a pool's connections, as the fibers of one loop use them. */
#include "tests/system/pg/pool_fixture.h"

/* --- many at a time --- */

START_TEST(everybody_gets_the_answer_to_what_they_asked)
{
	run_all(GUESTS_MOST, write_and_find_often);
	ck_assert_int_eq(number(&cx, &count_things), GUESTS_MOST * 30);
}
END_TEST

static int64_t pids[GUESTS_MOST];

static void
note_pids(struct guest *g)
{
	struct thing *rows;
	size_t count;

	pids[g->number] = ask(g, &shared_pid, 0);
	ck_assert_int_ne(ask(g, &backend_pid, 0), pids[g->number]);
	/* In a transaction it sees what that wrote. */
	ck_assert_int_eq(pg_begin(&g->cx), RC_OK);
	write_and_find(g, 0);
	ck_assert_int_ne(ask(g, &shared_pid, 0), pids[g->number]);
	ck_assert_int_eq(pg_end(&g->cx, RC_OK), RC_OK);
	ck_assert_int_eq(pg_fetch_all(&g->cx, &shared_pid, NULL, sizeof(*rows), &rows, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(rows[0].number, pids[g->number]);
}

static const struct pg_stmt count_backends = {
	.name = "count_backends",
	.kind = PG_READ,
	.sql = "select count(*) as number from pg_stat_activity where backend_type = 'client backend'",
	.out = thing_fields,
};

START_TEST(lookups_share_one_connection_and_all_else_has_at_most_as_many_as_were_allowed)
{
	int64_t before = number(&cx, &count_backends);

	run_all(GUESTS_MOST, note_pids);
	for (int i = 1; i < GUESTS_MOST; i++)
		ck_assert_int_eq(pids[i], pids[0]);
	ck_assert_int_eq(number(&cx, &count_backends), before + 4 + 1);
}
END_TEST

/* --- a server that is gone or mute --- */

static void
ask_in_vain(struct guest *g)
{
	struct thing found;
	enum rc rc = pg_fetch_one(&g->cx, &shared_pid, NULL, &found);

	ck_assert_msg(rc == RC_UNAVAILABLE || rc == RC_TIMEOUT, "%s", rc_meaning(rc)->name);
	ck_assert_ptr_nonnull(g->cx.err.detail);
	rc = insert(&g->cx, NULL);
	ck_assert_msg(rc == RC_UNAVAILABLE || rc == RC_TIMEOUT, "%s", rc_meaning(rc)->name);
}

START_TEST(lookups_fail_at_once_while_the_server_is_down_and_succeed_once_it_is_back)
{
	int64_t start_ms;

	run_all(20, note_shared_pid);
	server("kill");
	start_ms = now_ms();
	run_all(GUESTS_MOST, ask_in_vain);
	ck_assert_int_lt(now_ms() - start_ms, 500);
	server("start");
	run_all(GUESTS_MOST, note_shared_pid);
	server("restart");
	run_all(GUESTS_MOST, note_shared_pid);
	run_all(4, write_and_find_often);
}
END_TEST

static int64_t longest_ms; /* that the loop was held up */

static void
watch_the_loop(struct guest *g)
{
	int64_t last_ms = now_ms();

	for (g->rounds = 0; g->rounds < 40; g->rounds++) {
		(void)fiber_wait(&gate, clock_monotonic_ns() + 10000000);
		if (now_ms() - last_ms > longest_ms)
			longest_ms = now_ms() - last_ms;
		last_ms = now_ms();
	}
}

START_TEST(a_mute_server_holds_nobody_longer_than_their_deadline)
{
	int64_t start_ms;

	run_all(20, write_and_find_often);
	server("pause");
	start_ms = now_ms();
	run_all(GUESTS_MOST, ask_in_vain);
	/* The lookup until its deadline, alone in the end; then who waits for a connection is told by who tried to make one. */
	ck_assert_int_lt(now_ms() - start_ms, STATEMENT_TIMEOUT_MS + 350 + CONNECT_TIMEOUT_MS + 600);
	start_ms = now_ms();
	longest_ms = 0;
	start(GUESTS_MOST - 1, watch_the_loop);
	run_all(GUESTS_MOST - 1, ask_in_vain);
	ck_assert_int_lt(longest_ms, CONNECT_TIMEOUT_MS / 2);
	ck_assert_int_lt(now_ms() - start_ms, 2 * CONNECT_TIMEOUT_MS + 500);
	server("resume");
	run_all(20, write_and_find_often);
}
END_TEST

#define LABEL_TOO_LONG "an-example-of-a-host-whose-name-has-a-label-longer-than-any-name-server-takes"

static const char *expected; /* in the log's words */

static void
connect_in_vain(struct guest *g)
{
	ck_assert_int_eq(pg_connect(&g->cx), RC_UNAVAILABLE);
	ck_assert_msg(strstr(g->cx.err.detail, expected) != NULL, "%s", g->cx.err.detail);
}

START_TEST(hosts_are_found_by_their_names)
{
	setenv("MEDICORE__DATABASE__PORT", "1", 1);
	setenv("MEDICORE__DATABASE__HOST", LABEL_TOO_LONG, 1);
	ck_assert(config_load(NULL));
	expected = "database connection: host " LABEL_TOO_LONG ": ";
	run_all(1, connect_in_vain);
	/* Nobody listens there, but libpq knows where to go. */
	setenv("MEDICORE__DATABASE__HOST", "localhost", 1);
	ck_assert(config_load(NULL));
	expected = "\", port 1 failed";
	run_all(1, connect_in_vain);
}
END_TEST

/* --- all are in use --- */

static int served[GUESTS_MOST], served_count;

static void
hold(struct guest *g)
{
	ck_assert_int_eq(pg_begin(&g->cx), RC_OK);
	ck_assert_int_eq(insert(&g->cx, NULL), RC_OK);
	(void)fiber_wait(&gate, 0);
	if (g->number % 2 == 0)
		ck_assert_int_eq(pg_end(&g->cx, RC_OK), RC_OK);
	/* Else it leaves it open, as a handler that failed would. */
}

static void
wait_too_short(struct guest *g)
{
	int64_t start_ms = now_ms();

	g->cx.deadline_ns = clock_monotonic_ns() + 100000000;
	ck_assert_int_eq(insert(&g->cx, NULL), RC_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(g->cx.err.detail, "free in time"));
	ck_assert_int_lt(now_ms() - start_ms, 400);
	/* Lookups need none of those. */
	next_request(&g->cx);
	ck_assert_int_ne(ask(g, &shared_pid, 0), 0);
	ck_assert(fiber_wake(&gate));
}

static void
wait_in_line(struct guest *g)
{
	ck_assert_int_eq(insert(&g->cx, NULL), RC_OK);
	served[served_count++] = g->number;
	if (g->number == GUESTS_MOST - 1)
		fiber_wake_all(&gate);
}

START_TEST(who_waits_for_a_connection_has_it_in_turn_or_is_told_in_time)
{
	served_count = 0;
	for (int i = 0; i < 4; i++)
		start(i, hold);
	start(4, wait_too_short);
	for (int i = 5; i < GUESTS_MOST; i++)
		start(i, wait_in_line);
	loop_run(loop);
	ck_assert_int_eq(served_count, GUESTS_MOST - 5);
	for (int i = 0; i < served_count; i++)
		ck_assert_int_eq(served[i], i + 5);
	/* Two of four transactions were left open, and are undone. */
	ck_assert_int_eq(number(&cx, &count_things), GUESTS_MOST - 5 + 2);
}
END_TEST

static void
lock_and_listen(struct guest *g)
{
	ck_assert_int_eq(pg_try_lock(&g->cx, 7), RC_INTERNAL);
	ck_assert_int_eq(pg_listen_wait(&g->cx, "things", 10, -1), RC_INTERNAL);
}

START_TEST(what_a_connection_keeps_is_not_to_be_had_from_a_pool)
{
	run_all(1, lock_and_listen);
}
END_TEST

Suite *
pool_suite(void)
{
	Suite *s = suite_create("pg pool");
	TCase *t = tcase_create("pg pool");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, pool_setup, pool_teardown);
	tcase_add_test(t, everybody_gets_the_answer_to_what_they_asked);
	tcase_add_test(t, lookups_share_one_connection_and_all_else_has_at_most_as_many_as_were_allowed);
	tcase_add_test(t, lookups_fail_at_once_while_the_server_is_down_and_succeed_once_it_is_back);
	tcase_add_test(t, a_mute_server_holds_nobody_longer_than_their_deadline);
	tcase_add_test(t, hosts_are_found_by_their_names);
	tcase_add_test(t, who_waits_for_a_connection_has_it_in_turn_or_is_told_in_time);
	tcase_add_test(t, what_a_connection_keeps_is_not_to_be_had_from_a_pool);
	suite_add_tcase(s, t);
	return s;
}
