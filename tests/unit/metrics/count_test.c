#include "config.h" /* _GNU_SOURCE */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "tests/unit/metrics/fixture.h"
#include "tests/unit/metrics/suites.h"

#define CHILDREN 4
#define ROUNDS 50000

#define REQUESTS "medicore_http_requests_total{program=\"toys\",route=\"/toys\",status=\"200\"} "
#define SECONDS(what) "medicore_http_request_duration_seconds_" what

static bool
requests(long n)
{
	char line[160];

	snprintf(line, sizeof(line), REQUESTS "%ld", n);
	return has(line);
}

/* --- many at once --- */

static void *
count_rounds(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		metrics_add(M_HTTP_REQUESTS, 0, 1);
		metrics_observe(M_HTTP_SECONDS, 0, 1000000);
	}
	return arg;
}

/* Two threads in a process that was begun anew, as programs are. */
static _Noreturn void
child(void)
{
	pthread_t thread;

	open_toys("medicore-toys.fcgi", METRICS_HTTP);
	pthread_create(&thread, NULL, count_rounds, NULL);
	count_rounds(NULL);
	pthread_join(thread, NULL);
	_exit(0);
}

START_TEST(processes_and_threads_at_once_count_exactly)
{
	int status;

	for (int i = 0; i < CHILDREN; i++)
		if (fork() == 0)
			child();
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert(requests(2L * CHILDREN * ROUNDS));
	ck_assert(has(SECONDS("count{program=\"toys\",route=\"/toys\"} 400000")));
	ck_assert(has(SECONDS("sum{program=\"toys\",route=\"/toys\"} 400")));
	ck_assert(has("medicore_process_starts_total{program=\"toys\"} 4"));
	ck_assert(has("medicore_processes{program=\"toys\"} 0"));
}
END_TEST

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The best of many rounds: other processes may have had our processor in some. */
START_TEST(what_a_request_counts_costs_less_than_two_microseconds)
{
	int64_t best = INT64_MAX;

	open_toys("toys", METRICS_HTTP | METRICS_TOKENS | METRICS_DATABASE);
	for (int round = 0; round < 50; round++) {
		int64_t began = cpu_ns(), took;

		for (int i = 0; i < 1000; i++) {
			metrics_add(M_TOKEN_CACHE, CACHE_HIT, 1);
			metrics_observe(M_DATABASE_SECONDS, STATEMENT_READ, clock_monotonic_ns() - began);
			metrics_add(M_HTTP_REQUESTS, 0, 1);
			metrics_observe(M_HTTP_SECONDS, 0, clock_monotonic_ns() - began);
		}
		took = (cpu_ns() - began) / 1000;
		best = took < best ? took : best;
	}
	ck_assert_int_lt(best, 2000);
	ck_assert(requests(50000));
}
END_TEST

/* --- killed --- */

static _Atomic long *tally; /* shared with the children */

static pid_t
start_counting(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	open_toys("toys", METRICS_HTTP | METRICS_OUTBOX);
	metrics_set(M_OUTBOX_EVENTS, 0, 7);
	for (;;) {
		metrics_add(M_HTTP_REQUESTS, 0, 1);
		atomic_fetch_add(tally, 1);
	}
}

static void
end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void
await_more(long than)
{
	while (atomic_load(tally) < than)
		usleep(100);
}

START_TEST(a_process_that_is_killed_leaves_its_counts_whole_and_no_gauge)
{
	pid_t first, second;
	bool found = false;
	long n;

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	first = start_counting();
	second = start_counting();
	while (!has("medicore_processes{program=\"toys\"} 2"))
		usleep(100);
	await_more(100000);
	ck_assert(has("medicore_outbox_events{program=\"toys\"} 7")); /* each counts the same */
	end(first);
	await_more(atomic_load(tally) + 100000);
	ck_assert(has("medicore_processes{program=\"toys\"} 1"));
	ck_assert(has("medicore_outbox_events{program=\"toys\"} 7"));
	end(second);
	n = atomic_load(tally);
	for (long extra = 0; extra <= 2; extra++) /* each may have died behind the one and before the other */
		found = found || requests(n + extra);
	ck_assert_msg(found, "%ld: %s", n, text());
	ck_assert(has("medicore_processes{program=\"toys\"} 0"));
	ck_assert_ptr_null(strstr(text(), "medicore_outbox_events"));
	ck_assert_ptr_null(strstr(text(), "medicore_start_time_seconds"));
	munmap((void *)tally, sizeof(*tally));
}
END_TEST

START_TEST(more_processes_than_are_seen_count_all_the_same)
{
	int ready[2], go[2], status, count = 40;
	char byte;

	ck_assert_int_eq(pipe(ready) | pipe(go), 0);
	for (int i = 0; i < count; i++) {
		if (fork() != 0)
			continue;
		close(go[1]);
		open_toys("toys", METRICS_HTTP | METRICS_OUTBOX);
		metrics_add(M_HTTP_REQUESTS, 0, 1);
		metrics_set(M_OUTBOX_EVENTS, 0, 1);
		_exit(write(ready[1], "", 1) == 1 && read(go[0], &byte, 1) == 0 ? 0 : 1);
	}
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert(has("medicore_processes{program=\"toys\"} 32"));
	ck_assert(requests(count));
	close(go[1]);
	for (int i = 0; i < count; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	close(go[0]);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

/* --- the file --- */

START_TEST(a_restart_goes_on_where_it_was)
{
	struct stat st;

	open_toys("medicore-toys.fcgi", METRICS_HTTP);
	metrics_add(M_HTTP_REQUESTS, 0, 3);
	ck_assert(has("medicore_processes{program=\"toys\"} 1"));
	metrics_close();
	ck_assert(requests(3));
	open_toys("medicore-toys.fcgi", METRICS_HTTP);
	metrics_add(M_HTTP_REQUESTS, 0, 4);
	ck_assert(requests(7));
	ck_assert(has("medicore_process_starts_total{program=\"toys\"} 2"));
	ck_assert_int_eq(stat(path_of("toys.metrics"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
}
END_TEST

START_TEST(another_layout_gets_a_file_of_its_own)
{
	pid_t old;

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	old = start_counting();
	await_more(1000);
	open_toys("toys", METRICS_HTTP); /* not the outbox */
	ck_assert(requests(0));
	await_more(atomic_load(tally) + 1000); /* the old one goes on, unseen */
	ck_assert(requests(0));
	metrics_add(M_HTTP_REQUESTS, 0, 1);
	ck_assert(requests(1));
	ck_assert(has("medicore_processes{program=\"toys\"} 1"));
	end(old);
	munmap((void *)tally, sizeof(*tally));
}
END_TEST

static const char *const contents[] = { "", "nonsense", "MCMETR01" };

START_TEST(whatever_is_in_the_files_place_gives_way)
{
	const char *content = contents[_i];
	FILE *f = fopen(path_of("toys.metrics"), "we");

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 2000; i++)
		fputs(content, f);
	fclose(f);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	open_toys("toys", METRICS_HTTP);
	metrics_add(M_HTTP_REQUESTS, 0, 1);
	ck_assert(requests(1));
	ck_assert(has("medicore_metrics_files_unreadable 0"));
}
END_TEST

START_TEST(a_link_is_replaced_and_not_followed)
{
	ck_assert_int_eq(symlink("/etc/passwd", path_of("toys.metrics")), 0);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	open_toys("toys", METRICS_HTTP);
	ck_assert(requests(0));
}
END_TEST

START_TEST(without_a_directory_a_process_counts_for_itself)
{
	metrics_begin(METRICS_HTTP | METRICS_OUTBOX);
	metrics_open("", "toys", listen_to);
	ck_assert_str_eq(said, "");
	metrics_set(M_OUTBOX_EVENTS, 0, 1);
	metrics_begin(METRICS_HTTP | METRICS_OUTBOX);
	metrics_series(M_HTTP_REQUESTS, "route=\"/toys\"", true);
	metrics_open("/nonexistent", "toys", listen_to);
	ck_assert_str_eq(said, "[metrics] directory /nonexistent: No such file or directory; nobody sees what this process counts");
	metrics_add(M_HTTP_REQUESTS, 0, 1);
	metrics_set(M_OUTBOX_EVENTS, 0, 1);
}
END_TEST

START_TEST(what_was_not_opened_counts_into_nothing)
{
	metrics_add(M_HTTP_REQUESTS, 0, 1);
	metrics_observe(M_DATABASE_SECONDS, STATEMENT_READ, 1);
	metrics_set(M_OUTBOX_EVENTS, 0, 1);
	open_toys("toys", METRICS_HTTP);
	metrics_add(M_HTTP_REQUESTS, 2, 1); /* no such series */
	metrics_observe(M_HTTP_SECONDS, 1, 1);
	metrics_observe(M_DATABASE_SECONDS, STATEMENT_READ, 1); /* no such group */
	metrics_set(M_OUTBOX_EVENTS, 0, 1);
	ck_assert(requests(0));
	ck_assert_ptr_null(strstr(text(), "_bucket"));
	ck_assert_ptr_null(strstr(text(), "medicore_outbox"));
}
END_TEST

/* --- as Prometheus reads it --- */

START_TEST(a_histogram_has_its_buckets_sum_and_count)
{
	static const int64_t took[] = { 0, 250000, 250001, 3000000, 20000000000 };

	open_toys("toys", METRICS_HTTP);
	for (size_t i = 0; i < sizeof(took) / sizeof(*took); i++)
		metrics_observe(M_HTTP_SECONDS, 0, took[i]);
	ck_assert(has("# TYPE medicore_http_request_duration_seconds histogram"));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"0.00025\"} 2")));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"0.0005\"} 3")));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"0.0025\"} 3")));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"0.005\"} 4")));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"10\"} 4")));
	ck_assert(has(SECONDS("bucket{program=\"toys\",route=\"/toys\",le=\"+Inf\"} 5")));
	ck_assert(has(SECONDS("sum{program=\"toys\",route=\"/toys\"} 20.003500001")));
	ck_assert(has(SECONDS("count{program=\"toys\",route=\"/toys\"} 5")));
}
END_TEST

START_TEST(what_was_never_counted_is_shown_where_alerts_ask_for_it)
{
	open_toys("toys", METRICS_HTTP | METRICS_LOGINS);
	ck_assert(requests(0));
	ck_assert_ptr_null(strstr(text(), "status=\"404\""));
	ck_assert(has("medicore_logins_total{program=\"toys\"} 0"));
	ck_assert(has("medicore_logins_refused_total{program=\"toys\",reason=\"credentials\"} 0"));
	metrics_add(M_HTTP_REQUESTS, 1, 1);
	ck_assert(has("medicore_http_requests_total{program=\"toys\",route=\"/toys\",status=\"404\"} 1"));
}
END_TEST

static double
oldest(void)
{
	const char *name = "\nmedicore_outbox_oldest_age_seconds{program=\"toys\"} ", *at = strstr(text(), name);

	return at == NULL ? -1 : strtod(at + strlen(name), NULL);
}

START_TEST(an_age_grows_by_itself_and_is_nothing_where_there_is_nothing)
{
	double age;

	open_toys("toys", METRICS_OUTBOX);
	ck_assert_double_eq(oldest(), -1);
	metrics_set(M_OUTBOX_OLDEST, 0, 0);
	ck_assert_double_eq(oldest(), 0);
	metrics_set(M_OUTBOX_OLDEST, 0, clock_now_us() - 90000000);
	age = oldest();
	ck_assert_double_ge(age, 90);
	ck_assert_double_lt(age, 100);
	while (oldest() == age)
		;
	ck_assert_double_gt(oldest(), age);
	metrics_set(M_OUTBOX_OLDEST, 0, clock_now_us() + 90000000); /* somebody's clock is ahead */
	ck_assert_double_eq(oldest(), 0);
	metrics_unset(M_OUTBOX_OLDEST, 0);
	ck_assert_double_eq(oldest(), -1);
}
END_TEST

START_TEST(families_of_several_programs_stay_together)
{
	const char *first, *second;

	open_toys("boats", METRICS_HTTP);
	open_toys("toys", METRICS_HTTP);
	first = strstr(text(), "# TYPE medicore_http_requests_total");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "# TYPE medicore_http_requests_total"));
	second = strstr(first, "program=\"toys\",route");
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_nonnull(strstr(first, "program=\"boats\",route"));
	ck_assert(strchr(first + 1, '#') > second);
}
END_TEST

Suite *
count_suite(void)
{
	Suite *suite = suite_create("counting");
	TCase *tests = tcase_create("counting");

	tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
	tcase_add_test(tests, processes_and_threads_at_once_count_exactly);
	tcase_add_test(tests, what_a_request_counts_costs_less_than_two_microseconds);
	tcase_add_test(tests, a_process_that_is_killed_leaves_its_counts_whole_and_no_gauge);
	tcase_add_test(tests, more_processes_than_are_seen_count_all_the_same);
	tcase_add_test(tests, a_restart_goes_on_where_it_was);
	tcase_add_test(tests, another_layout_gets_a_file_of_its_own);
	tcase_add_loop_test(tests, whatever_is_in_the_files_place_gives_way, 0, 3);
	tcase_add_test(tests, a_link_is_replaced_and_not_followed);
	tcase_add_test(tests, without_a_directory_a_process_counts_for_itself);
	tcase_add_test(tests, what_was_not_opened_counts_into_nothing);
	tcase_add_test(tests, a_histogram_has_its_buckets_sum_and_count);
	tcase_add_test(tests, what_was_never_counted_is_shown_where_alerts_ask_for_it);
	tcase_add_test(tests, an_age_grows_by_itself_and_is_nothing_where_there_is_nothing);
	tcase_add_test(tests, families_of_several_programs_stay_together);
	suite_add_tcase(suite, tests);
	return suite;
}
