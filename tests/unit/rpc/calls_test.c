#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

static int64_t
ms_since(int64_t started_ns)
{
	return (clock_monotonic_ns() - started_ns) / 1000000;
}

START_TEST(a_call_is_answered)
{
	struct fixture f;
	bool exists = false;

	fixture_open(&f, 2);
	ck_assert_int_eq(ask(&f, &f.cx, "anybody", 5000, &exists), RC_OK);
	ck_assert(exists);
	fixture_close(&f);
}
END_TEST

START_TEST(the_request_id_and_the_deadline_are_known)
{
	struct fixture f;
	bool exists = false;

	fixture_open(&f, 2);
	f.cx.request_id = "known-request";
	ck_assert_int_eq(ask(&f, &f.cx, "request", 5000, &exists), RC_OK);
	ck_assert(exists);
	exists = false;
	ck_assert_int_eq(ask(&f, &f.cx, "deadline", 5000, &exists), RC_OK);
	ck_assert(exists);
	fixture_close(&f);
}
END_TEST

START_TEST(a_failure_comes_back_as_its_rc_with_the_servers_message)
{
	struct fixture f;
	bool exists;

	fixture_open(&f, 2);
	ck_assert_int_eq(ask(&f, &f.cx, "missing", 5000, &exists), RC_NOT_FOUND);
	ck_assert_str_eq(err_message(&f.cx, RC_NOT_FOUND), "100 % ünknown");
	fixture_close(&f);
}
END_TEST

START_TEST(a_method_that_gives_no_answer_is_internal_and_its_words_stay_here)
{
	struct fixture f;
	bool exists;

	fixture_open(&f, 2);
	ck_assert_int_eq(ask(&f, &f.cx, "silent", 5000, &exists), RC_INTERNAL);
	ck_assert_str_eq(err_message(&f.cx, RC_INTERNAL), rc_meaning(RC_INTERNAL)->title);
	fixture_close(&f);
}
END_TEST

START_TEST(a_string_that_is_no_text_is_refused)
{
	struct fixture f;
	bool exists;

	fixture_open(&f, 2);
	ck_assert_int_eq(ask(&f, &f.cx, "\xc0\xaf", 5000, &exists), RC_INVALID);
	ck_assert_ptr_nonnull(strstr(err_message(&f.cx, RC_INVALID), "patientId"));
	fixture_close(&f);
}
END_TEST

START_TEST(a_server_that_is_slow_costs_the_timeout_and_no_more)
{
	struct fixture f;
	int64_t started = clock_monotonic_ns();
	bool exists;

	fixture_open(&f, 2);
	ck_assert_int_eq(ask(&f, &f.cx, "wait", 200, &exists), RC_TIMEOUT);
	ck_assert_int_ge(ms_since(started), 190);
	ck_assert_int_lt(ms_since(started), 2000);
	gate_open();
	fixture_close(&f);
}
END_TEST

START_TEST(the_callers_own_deadline_is_kept_where_it_is_nearer)
{
	struct fixture f;
	bool exists;

	fixture_open(&f, 2);
	f.cx.deadline_ns = clock_monotonic_ns() + INT64_C(200000000);
	ck_assert_int_eq(ask(&f, &f.cx, "wait", 60000, &exists), RC_TIMEOUT);
	ck_assert_int_eq(
	    ask(&f, &f.cx, "anybody", 60000, &exists), RC_TIMEOUT); /* it has passed: not even asked */
	gate_open();
	fixture_close(&f);
}
END_TEST

/* A port that nobody listens on: bound for a moment by us. */
static int
dead_port(int *ret_fd, int backlog)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);

	*ret_fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(*ret_fd, 0);
	ck_assert_int_eq(bind(*ret_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (backlog > 0)
		ck_assert_int_eq(listen(*ret_fd, backlog), 0);
	ck_assert_int_eq(getsockname(*ret_fd, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static enum rc
ask_port(int port, int timeout_ms)
{
	struct fixture f = { .arena = arena_new() };
	char target[32];
	bool exists;
	enum rc rc;

	snprintf(target, sizeof(target), "127.0.0.1:%d", port);
	ctx_init(&f.cx, f.arena, NULL);
	f.channel = rpc_channel_new(target);
	rc = ask(&f, &f.cx, "anybody", timeout_ms, &exists);
	rpc_channel_free(f.channel);
	arena_free(f.arena);
	return rc;
}

START_TEST(a_server_that_is_not_there_is_unavailable_at_once)
{
	int64_t started = clock_monotonic_ns();
	int fd, port = dead_port(&fd, 0);

	ck_assert_int_eq(ask_port(port, 30000), RC_UNAVAILABLE);
	ck_assert_int_lt(ms_since(started), 2000);
	close(fd);
}
END_TEST

START_TEST(a_server_that_says_nothing_costs_no_more_than_the_timeout)
{
	int64_t started = clock_monotonic_ns();
	int fd, port = dead_port(&fd, 8);
	enum rc rc = ask_port(port, 300);

	ck_assert(rc == RC_TIMEOUT || rc == RC_UNAVAILABLE);
	ck_assert_int_lt(ms_since(started), 2000);
	close(fd);
}
END_TEST

START_TEST(a_client_finds_the_server_again_within_a_second_of_its_return)
{
	struct fixture f, second;
	int64_t returned;
	bool exists;

	fixture_open(&f, 2);
	second = f;
	ck_assert_int_eq(ask(&f, &f.cx, "anybody", 5000, &exists), RC_OK);
	ck_assert(rpc_server_stop(f.server, 1000));
	rpc_server_free(f.server);
	while (ask(&f, &f.cx, "anybody", 1000, &exists) != RC_UNAVAILABLE)
		;
	fixture_open(&second, 2);
	ck_assert_int_eq(rename(second.address + 5, f.address + 5), 0);
	returned = clock_monotonic_ns();
	while (ask(&f, &f.cx, "anybody", 1000, &exists) != RC_OK)
		usleep(1000);
	ck_assert_int_lt(ms_since(returned), 1500);
	f.server = second.server;
	rpc_channel_free(second.channel);
	arena_free(second.arena);
	fixture_close(&f);
	rmdir(second.directory);
}
END_TEST

/* --- stopping --- */

struct waiting {
	pthread_t thread;
	struct fixture *f;
	enum rc rc;
	bool exists;
};

static void *
ask_and_wait(void *arg)
{
	struct waiting *w = arg;
	struct arena *a = arena_new();
	struct ctx cx;

	ctx_init(&cx, a, NULL);
	w->rc = ask(w->f, &cx, "wait", 20000, &w->exists);
	arena_free(a);
	return NULL;
}

static void *
open_gate_soon(void *arg)
{
	(void)arg;
	usleep(100000); /* the server has been told to stop by then, or nothing is proved */
	gate_open();
	return NULL;
}

START_TEST(calls_in_flight_finish_when_the_server_stops)
{
	struct fixture f;
	struct waiting w[3] = { 0 };
	pthread_t opener;

	fixture_open(&f, 3);
	for (int i = 0; i < 3; i++) {
		w[i].f = &f;
		ck_assert_int_eq(pthread_create(&w[i].thread, NULL, ask_and_wait, &w[i]), 0);
	}
	gate_await_waiting(3);
	ck_assert_int_eq(pthread_create(&opener, NULL, open_gate_soon, NULL), 0);
	ck_assert(rpc_server_stop(f.server, 10000));
	for (int i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		ck_assert_int_eq(w[i].rc, RC_OK);
		ck_assert(w[i].exists);
	}
	pthread_join(opener, NULL);
	fixture_close(&f);
}
END_TEST

START_TEST(a_method_that_does_not_end_does_not_keep_the_server_from_stopping)
{
	struct fixture f;
	struct waiting w = { .f = &f };
	int64_t started;

	fixture_open(&f, 1);
	ck_assert_int_eq(pthread_create(&w.thread, NULL, ask_and_wait, &w), 0);
	gate_await_waiting(1);
	started = clock_monotonic_ns();
	ck_assert(!rpc_server_stop(f.server, 100));
	ck_assert_int_lt(ms_since(started), 3000);
	pthread_join(w.thread, NULL);
	ck_assert(w.rc == RC_CANCELLED || w.rc == RC_UNAVAILABLE);
	_exit(0); /* as a program has to, then */
}
END_TEST

START_TEST(a_server_can_be_stopped_and_made_again_many_times)
{
	for (int i = 0; i < 20; i++) {
		struct fixture f;
		bool exists;

		fixture_open(&f, 2);
		ck_assert_int_eq(ask(&f, &f.cx, "anybody", 5000, &exists), RC_OK);
		fixture_close(&f);
	}
}
END_TEST

Suite *
calls_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tc = tcase_create("calls");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_call_is_answered);
	tcase_add_test(tc, the_request_id_and_the_deadline_are_known);
	tcase_add_test(tc, a_failure_comes_back_as_its_rc_with_the_servers_message);
	tcase_add_test(tc, a_method_that_gives_no_answer_is_internal_and_its_words_stay_here);
	tcase_add_test(tc, a_string_that_is_no_text_is_refused);
	tcase_add_test(tc, a_server_that_is_slow_costs_the_timeout_and_no_more);
	tcase_add_test(tc, the_callers_own_deadline_is_kept_where_it_is_nearer);
	tcase_add_test(tc, a_server_that_is_not_there_is_unavailable_at_once);
	tcase_add_test(tc, a_server_that_says_nothing_costs_no_more_than_the_timeout);
	tcase_add_test(tc, a_client_finds_the_server_again_within_a_second_of_its_return);
	tcase_add_test(tc, calls_in_flight_finish_when_the_server_stops);
	tcase_add_exit_test(tc, a_method_that_does_not_end_does_not_keep_the_server_from_stopping, 0);
	tcase_add_test(tc, a_server_can_be_stopped_and_made_again_many_times);
	suite_add_tcase(suite, tc);
	return suite;
}
