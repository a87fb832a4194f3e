#include "config.h" /* _GNU_SOURCE */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/web/limits.h"
#include "tests/unit/web/suites.h"

#define SECOND INT64_C(1000000)
#define START (1000 * SECOND)
#define FILE_NAME "toys.limits"

static char directory[] = "/tmp/medicore-limits-XXXXXX", path[64], lock_path[64];
static struct limits *limits;

static struct limits *
opened(void)
{
	const char *why = "";
	struct limits *l = limits_open(directory, "toys", &why);

	ck_assert_msg(why == NULL, "%s", why);
	return l;
}

static void
setup(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, FILE_NAME);
	snprintf(lock_path, sizeof(lock_path), "%s/%s.lock", directory, FILE_NAME);
	limits = opened();
}

static void
teardown(void)
{
	limits_close(limits);
	unlink(path);
	unlink(lock_path);
	ck_assert_int_eq(rmdir(directory), 0); /* nothing else is left there */
}

static bool
take(const char *client, int per_minute, int64_t now_us)
{
	struct limit limit;

	return limits_take(limits, client, strlen(client), per_minute, now_us, &limit);
}

/* How many of a client's requests are let through at one moment. */
static int
taken(struct limits *l, const char *client, int per_minute, int64_t now_us)
{
	struct limit limit;
	int n = 0;

	while (limits_take(l, client, strlen(client), per_minute, now_us, &limit))
		n++;
	return n;
}

START_TEST(a_whole_quota_may_come_at_once_and_no_more)
{
	static const int rates[] = { 1, 2, 7, 60, 1200, 7001, 999999, 1000000 };

	ck_assert_int_eq(taken(limits, "a", rates[_i], START), rates[_i]);
	ck_assert_int_eq(taken(limits, "a", rates[_i], START), 0);
	/* A minute later all of it is there again, and not more. */
	ck_assert_int_eq(taken(limits, "a", rates[_i], START + 60 * SECOND), rates[_i]);
	ck_assert_int_eq(taken(limits, "a", rates[_i], START + 1000 * SECOND), rates[_i]);
}
END_TEST

START_TEST(it_comes_back_step_by_step)
{
	ck_assert_int_eq(taken(limits, "a", 60, START), 60);
	ck_assert(!take("a", 60, START + SECOND - 1));
	ck_assert(take("a", 60, START + SECOND));
	ck_assert(!take("a", 60, START + SECOND));
	ck_assert_int_eq(taken(limits, "a", 60, START + 11 * SECOND), 10);
}
END_TEST

START_TEST(what_remains_and_how_long_to_wait_is_said)
{
	struct limit limit;

	ck_assert(limits_take(limits, "a", 1, 3, START, &limit));
	ck_assert_int_eq(limit.quota, 3);
	ck_assert_int_eq(limit.remaining, 2);
	ck_assert_int_eq(limit.reset_us, 20 * SECOND);
	ck_assert(limits_take(limits, "a", 1, 3, START + 5 * SECOND, &limit));
	ck_assert_int_eq(limit.remaining, 1);
	ck_assert_int_eq(limit.reset_us, 35 * SECOND);
	ck_assert(limits_take(limits, "a", 1, 3, START + 5 * SECOND, &limit));
	ck_assert_int_eq(limit.remaining, 0);
	ck_assert(!limits_take(limits, "a", 1, 3, START + 6 * SECOND, &limit));
	ck_assert_int_eq(limit.quota, 3);
	ck_assert_int_eq(limit.remaining, 0);
	ck_assert_int_eq(limit.reset_us, 54 * SECOND);
	ck_assert_int_eq(limit.wait_us, 14 * SECOND);
}
END_TEST

START_TEST(a_request_that_comes_too_early_does_not_count)
{
	ck_assert_int_eq(taken(limits, "a", 60, START), 60);
	for (int i = 0; i < 1000; i++)
		ck_assert(!take("a", 60, START + SECOND / 2));
	ck_assert(take("a", 60, START + SECOND));
}
END_TEST

START_TEST(who_looked_at_the_clock_earlier_gets_nothing_by_it)
{
	static const int64_t earlier[] = { 1, 1000, SECOND, 30 * SECOND, 60 * SECOND };

	ck_assert_int_eq(taken(limits, "a", 60, START), 60);
	ck_assert(!take("a", 60, START - earlier[_i]));
	ck_assert_int_eq(taken(limits, "a", 60, START + SECOND), 1);
}
END_TEST

START_TEST(clients_do_not_share_a_quota)
{
	ck_assert_int_eq(taken(limits, "a", 5, START), 5);
	ck_assert_int_eq(taken(limits, "b", 5, START), 5);
	ck_assert_int_eq(taken(limits, "", 5, START), 5);
	ck_assert_int_eq(taken(limits, "aa", 5, START), 5);
}
END_TEST

START_TEST(any_number_of_others_neither_frees_nor_stops_anybody)
{
	int refused = 0;
	char name[16];

	ck_assert_int_eq(taken(limits, "greedy", 60, START), 60);
	for (int i = 0; i < 300000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		refused += !take(name, 60, START + SECOND / 2);
	}
	ck_assert_int_eq(refused, 0);
	ck_assert(!take("greedy", 60, START + SECOND / 2));
}
END_TEST

START_TEST(a_clock_that_begins_again_harms_nobody)
{
	int64_t end = INT64_C(1) << 40; /* the bits that are kept */

	ck_assert_int_eq(taken(limits, "a", 60, end - 2 * SECOND), 60);
	ck_assert_int_eq(taken(limits, "a", 60, end + SECOND), 3);
	ck_assert_int_eq(taken(limits, "a", 60, end + 100 * SECOND), 60);
	/* The machine was started again, the file stayed. */
	ck_assert_int_eq(taken(limits, "a", 60, 5 * SECOND), 60);
}
END_TEST

START_TEST(processes_share_what_they_count)
{
	struct limits *other = opened();

	ck_assert_int_eq(taken(limits, "a", 10, START), 10);
	ck_assert_int_eq(taken(other, "a", 10, START), 0);
	limits_close(other);
	other = opened(); /* one that was started again */
	ck_assert_int_eq(taken(other, "a", 10, START + 6 * SECOND), 1);
	limits_close(other);
}
END_TEST

#define PROCESSES 4
#define THREADS 4

static void *
hammer(void *allowed)
{
	/* For a tenth of a second, in which 16 come back, and which is another one for each thread. */
	for (int64_t now = START; now < START + SECOND / 10; now++)
		*(int *)allowed += take("a", 10000, now);
	return NULL;
}

/* In a process of its own: the sum, for its parent. */
static void
hammer_by_threads(int to)
{
	pthread_t threads[THREADS];
	int allowed[THREADS] = { 0 }, sum = 0;

	limits = opened();
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, hammer, &allowed[i]) != 0)
			_exit(1);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += allowed[i];
	}
	_exit(write(to, &sum, sizeof(sum)) == sizeof(sum) ? 0 : 1);
}

START_TEST(none_is_counted_twice_or_not_at_all_by_threads_of_several_processes)
{
	int ends[2], sum = 0, one, status;

	ck_assert_int_eq(pipe(ends), 0);
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			hammer_by_threads(ends[1]);
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(ends[0], &one, sizeof(one)), sizeof(one));
		sum += one;
	}
	close(ends[0]);
	close(ends[1]);
	ck_assert_int_eq(sum, 10000 + 16);
}
END_TEST

START_TEST(garbage_in_the_table_lets_clients_wait_two_minutes_at_most)
{
	unsigned char garbage[4096];
	struct stat st;
	int fd = open(path, O_RDWR);
	char name[16];

	ck_assert_int_eq(fstat(fd, &st), 0);
	srand(7);
	for (off_t at = 64; at < st.st_size; at += (off_t)sizeof(garbage)) {
		size_t n =
		    st.st_size - at < (off_t)sizeof(garbage) ? (size_t)(st.st_size - at) : sizeof(garbage);

		for (size_t i = 0; i < n; i++)
			garbage[i] = (unsigned char)rand();
		ck_assert_int_eq(pwrite(fd, garbage, n, at), n);
	}
	close(fd);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ck_assert_int_eq(taken(limits, name, 5, START), 5);
		ck_assert(take(name, 5, START + 121 * SECOND));
	}
}
END_TEST

static void
put(const char *content, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, content, length), length);
	close(fd);
}

START_TEST(a_file_that_is_not_ours_gives_way)
{
	static char large[4096 * 64 + 64] = "something else of the right size";
	char other[80];

	snprintf(other, sizeof(other), "%s/other", directory);
	for (int i = 0; i < 5; i++) {
		unlink(path);
		if (i == 0)
			put("", 0);
		else if (i == 1)
			put("short", 5);
		else if (i == 2)
			put(large, sizeof(large));
		else if (i == 3)
			ck_assert_int_eq(symlink("/etc/passwd", path), 0);
		else
			ck_assert_int_eq(mkfifo(path, 0600), 0);
		limits_close(limits);
		limits = opened();
		ck_assert_int_eq(taken(limits, "a", 5, START), 5);
	}
}
END_TEST

START_TEST(a_directory_in_its_place_leaves_each_process_to_itself)
{
	const char *why = NULL;

	limits_close(limits);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	limits = limits_open(directory, "toys", &why);
	ck_assert_ptr_nonnull(why);
	ck_assert_int_eq(taken(limits, "a", 5, START), 5);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(without_a_directory_each_process_counts_for_itself)
{
	const char *why = "";
	struct limits *alone = limits_open("", "toys", &why), *lost;

	ck_assert_ptr_null(why);
	ck_assert_int_eq(taken(alone, "a", 5, START), 5);
	ck_assert_int_eq(taken(limits, "a", 5, START), 5);
	limits_close(alone);
	lost = limits_open("/nonexistent", "toys", &why);
	ck_assert_str_eq(why, "No such file or directory");
	ck_assert_int_eq(taken(lost, "a", 5, START), 5);
	limits_close(lost);
	limits_close(NULL);
}
END_TEST

Suite *
limits_suite(void)
{
	Suite *s = suite_create("limits");
	TCase *tc = tcase_create("limits");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_whole_quota_may_come_at_once_and_no_more, 0, 8);
	tcase_add_test(tc, it_comes_back_step_by_step);
	tcase_add_test(tc, what_remains_and_how_long_to_wait_is_said);
	tcase_add_test(tc, a_request_that_comes_too_early_does_not_count);
	tcase_add_loop_test(tc, who_looked_at_the_clock_earlier_gets_nothing_by_it, 0, 5);
	tcase_add_test(tc, clients_do_not_share_a_quota);
	tcase_add_test(tc, any_number_of_others_neither_frees_nor_stops_anybody);
	tcase_add_test(tc, a_clock_that_begins_again_harms_nobody);
	tcase_add_test(tc, processes_share_what_they_count);
	tcase_add_test(tc, none_is_counted_twice_or_not_at_all_by_threads_of_several_processes);
	tcase_add_test(tc, garbage_in_the_table_lets_clients_wait_two_minutes_at_most);
	tcase_add_test(tc, a_file_that_is_not_ours_gives_way);
	tcase_add_test(tc, a_directory_in_its_place_leaves_each_process_to_itself);
	tcase_add_test(tc, without_a_directory_each_process_counts_for_itself);
	return s;
}
