/* pool_test.c - a pool's connections, as the fibers of one loop use them. */
#include <stdio.h>

#include "lib/loop/loop.h"
#include "tests/system/pg/pg_test.h"

#define GUESTS_MOST 64

/* A fiber of a test, which stands for a request. */
struct guest {
	struct ctx cx;
	int number;
	int rounds;
	void (*body)(struct guest *g);
};

static struct loop *loop;
static struct pg_pool *pool;
static struct guest guests[GUESTS_MOST];
static struct fiber_list gate;

/* --- statements --- */

static const struct pg_stmt find = {
	.name = "find",
	.kind = PG_LOOKUP,
	.sql = "select id, name from thing where id = $1::uuid",
	.takes = "id",
	.in = thing_fields,
	.out = thing_fields,
};

static const struct pg_stmt shared_pid = {
	.name = "shared_pid",
	.kind = PG_LOOKUP,
	.sql = "select pg_backend_pid() as number",
	.out = thing_fields,
};

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

/* --- fixture --- */

static void
pool_setup(void)
{
	setup();
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	pool = pg_pool_open("postgres", "postgres", 4);
	ck_assert_ptr_nonnull(pool);
	for (int i = 0; i < GUESTS_MOST; i++) {
		struct guest *g = &guests[i];

		*g = (struct guest){ .number = i };
		ctx_init(&g->cx, arena_new(), pg_pool_handle(pool));
	}
	gate = (struct fiber_list){ NULL, NULL };
}

static void
pool_teardown(void)
{
	for (int i = 0; i < GUESTS_MOST; i++) {
		pg_close(guests[i].cx.pg);
		arena_free(guests[i].cx.arena);
	}
	pg_pool_close(pool);
	loop_free(loop);
	teardown();
}

static void
as_guest(void *arg)
{
	struct guest *g = arg;

	next_request(&g->cx);
	g->body(g);
	pg_reset(g->cx.pg);
}

static void
start(int i, void (*body)(struct guest *g))
{
	guests[i].body = body;
	ck_assert(fiber_start(loop, as_guest, &guests[i]));
}

static void
run_all(int count, void (*body)(struct guest *g))
{
	for (int i = 0; i < count; i++)
		start(i, body);
	loop_run(loop);
}

/* A lookup's number; the test fails where it fails. */
static int64_t
ask(struct guest *g, const struct pg_stmt *stmt, int64_t about)
{
	struct thing found, t = { .number = about };
	enum rc rc = pg_fetch_one(&g->cx, stmt, &t, &found);

	ck_assert_msg(rc == RC_OK, "%s: %s", stmt->name, g->cx.err.detail);
	return found.number;
}

static void
write_and_find(struct guest *g, int round)
{
	char id[UUID_SIZE], name[UUID_SIZE + 32];
	struct thing found, t = { .id = id, .name = name };

	uuid_new(id);
	snprintf(name, sizeof(name), "%d/%d of %s", g->number, round, id);
	ck_assert_int_eq(pg_fetch_one(&g->cx, &find, &t, &found), RC_NOT_FOUND);
	ck_assert_int_eq(pg_execute(&g->cx, &insert_thing, &t, NULL), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&g->cx, &find, &t, &found), RC_OK);
	ck_assert_str_eq(found.name, name);
	ck_assert_str_eq(found.id, id);
}

/* --- many at a time --- */

static void
write_and_find_often(struct guest *g)
{
	for (int i = 0; i < 30; i++)
		write_and_find(g, i);
}

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

static int64_t seen_pid; /* of the lookups' connection, lately */

static void
note_shared_pid(struct guest *g)
{
	seen_pid = ask(g, &shared_pid, 0);
}

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
	tcase_add_test(t, a_bad_parameter_fails_for_its_asker_alone);
	tcase_add_test(t, a_statement_that_cant_be_prepared_fails_for_its_askers_alone);
	tcase_add_test(t, a_slow_statement_delays_nobody_until_its_end);
	tcase_add_test(t, a_deadline_ends_one_wait_and_disturbs_no_other);
	tcase_add_test(t, a_lookup_whose_connection_is_ended_is_repeated);
	tcase_add_test(t, a_lookup_that_ends_its_connection_each_time_takes_nobody_with_it);
	tcase_add_test(t, a_connection_that_is_ended_while_idle_is_made_anew);
	tcase_add_test(t, a_migration_in_between_is_not_noticed);
	tcase_add_test(t, lookups_fail_at_once_while_the_server_is_down_and_succeed_once_it_is_back);
	tcase_add_test(t, a_mute_server_holds_nobody_longer_than_their_deadline);
	tcase_add_test(t, hosts_are_found_by_their_names);
	tcase_add_test(t, who_waits_for_a_connection_has_it_in_turn_or_is_told_in_time);
	tcase_add_test(t, what_a_connection_keeps_is_not_to_be_had_from_a_pool);
	suite_add_tcase(s, t);
	return s;
}
