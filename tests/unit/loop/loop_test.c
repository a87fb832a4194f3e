#include "lib/loop/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/unit/loop/suites.h"

#define MS INT64_C(1000000)

static struct loop *l;
static char said[256];

static void
setup(void)
{
	l = loop_new();
	ck_assert_ptr_nonnull(l);
	said[0] = '\0';
}

static void
teardown(void)
{
	loop_free(l);
}

static void
say(const char *word)
{
	size_t length = strlen(said);

	snprintf(said + length, sizeof(said) - length, "%s%s", length == 0 ? "" : " ", word);
}

static void
start(void (*body)(void *arg), const void *arg)
{
	ck_assert(fiber_start(l, body, (void *)(uintptr_t)arg));
}

/* --- turns --- */

static void
say_twice(void *word)
{
	ck_assert_ptr_nonnull(fiber_self());
	ck_assert_ptr_eq(loop_self(), l);
	say(word);
	fiber_yield();
	say(word);
}

START_TEST(fibers_take_turns)
{
	start(say_twice, "a");
	start(say_twice, "b");
	loop_run(l);
	ck_assert_str_eq(said, "a b a b");
	ck_assert_ptr_null(fiber_self());
	ck_assert_ptr_null(loop_self());
}
END_TEST

static void
start_another(void *arg)
{
	say("one");
	start(say_twice, arg);
	say("more");
}

START_TEST(a_fiber_may_start_others)
{
	start(start_another, "another");
	loop_run(l);
	ck_assert_str_eq(said, "one more another another");
}
END_TEST

static void
fill_stack(void *count)
{
	char room[LOOP_STACK / 2];
	size_t same = 0;

	memset(room, 'x', sizeof(room));
	fiber_yield();
	while (same < sizeof(room) && room[same] == 'x')
		same++;
	*(int *)count += same == sizeof(room);
}

START_TEST(each_has_a_stack_of_its_own_and_ended_ones_serve_again)
{
	int count = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++)
			start(fill_stack, &count);
		loop_run(l);
	}
	ck_assert_int_eq(count, 600);
}
END_TEST

/* Half of a page for each frame, so that the guard can't be missed. */
static int
dig(int depth)
{
	volatile char room[2048];

	memset((char *)(uintptr_t)room, depth & 0x7f, sizeof(room));
	return depth == 0 ? room[1] : dig(depth - 1) + room[7];
}

static void
overflow(void *arg)
{
	*(int *)arg = dig(1 << 20);
}

START_TEST(a_stack_that_is_used_up_ends_the_process)
{
	static char elsewhere[64 * 1024];
	stack_t other = { .ss_sp = elsewhere, .ss_size = sizeof(elsewhere) };
	int n;

	/* Sanitizers say a lot, and end it by abort. */
	signal(SIGSEGV, SIG_DFL);
	sigaltstack(&other, NULL);
	start(overflow, &n);
	loop_run(l);
}
END_TEST

/* --- lists --- */

static struct fiber_list waiting;

static void
wait_here(void *word)
{
	ck_assert(fiber_wait(&waiting, 0));
	say(word);
}

static void
wake_two_then_all(void *arg)
{
	(void)arg;
	ck_assert(fiber_wake(&waiting));
	ck_assert(fiber_wake(&waiting));
	say("woken");
	fiber_yield();
	fiber_wake_all(&waiting);
	ck_assert(!fiber_wake(&waiting));
}

START_TEST(who_waited_longest_is_woken_first_and_runs_later)
{
	static const char *const words[] = { "1", "2", "3", "4" };

	for (int i = 0; i < 4; i++)
		start(wait_here, words[i]);
	start(wake_two_then_all, NULL);
	loop_run(l);
	ck_assert_str_eq(said, "woken 1 2 3 4");
}
END_TEST

static void
wait_again(void *arg)
{
	int *left = arg;

	while (--*left > 0)
		ck_assert(fiber_wait(&waiting, 0));
}

static void
wake_all_five_times(void *arg)
{
	(void)arg;
	for (int i = 0; i < 5; i++) {
		fiber_wake_all(&waiting);
		fiber_yield();
	}
}

START_TEST(those_who_wait_again_are_not_woken_twice)
{
	int left[3] = { 4, 4, 4 };

	for (int i = 0; i < 3; i++)
		start(wait_again, &left[i]);
	start(wake_all_five_times, NULL);
	loop_run(l);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(left[i], 0);
}
END_TEST

static void
wait_in_vain(void *ms)
{
	int64_t began = clock_monotonic_ns(), patience = *(int *)ms * MS;

	ck_assert(!fiber_wait(&waiting, began + patience));
	ck_assert_int_ge(clock_monotonic_ns() - began, patience);
	say(*(int *)ms < 20 ? "soon" : "later");
}

START_TEST(a_wait_ends_at_its_deadline)
{
	int soon = 10, later = 30;

	waiting = (struct fiber_list){ NULL, NULL };
	start(wait_in_vain, &later);
	start(wait_in_vain, &soon);
	loop_run(l);
	ck_assert_str_eq(said, "soon later");
	ck_assert_ptr_null(waiting.first);
}
END_TEST

static void
leave_early(void *arg)
{
	(void)arg;
	ck_assert(!fiber_wait(&waiting, clock_monotonic_ns() + 10 * MS));
	fiber_wake_all(&waiting);
}

START_TEST(who_gave_up_is_out_of_the_list_wherever_it_stood)
{
	waiting = (struct fiber_list){ NULL, NULL };
	start(wait_here, "first");
	start(leave_early, NULL);
	start(wait_here, "last");
	loop_run(l);
	ck_assert_str_eq(said, "first last");
}
END_TEST

/* --- descriptors --- */

static int ends[2];

static void
pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
}

static void
read_words(void *arg)
{
	char c;

	(void)arg;
	for (;;) {
		ssize_t n = read(ends[0], &c, 1);

		if (n == 0)
			break;
		if (n == 1) {
			say((char[]){ c, '\0' });
			continue;
		}
		ck_assert_int_eq(errno, EAGAIN);
		ck_assert_int_gt(fiber_poll(ends[0], POLLIN, 0), 0);
	}
	say("end");
}

static void
write_words(void *arg)
{
	(void)arg;
	for (const char *c = "xyz"; *c != '\0'; c++) {
		ck_assert_int_eq(write(ends[1], c, 1), 1);
		ck_assert_int_eq(fiber_poll(ends[1], POLLOUT, 0), 1);
		fiber_yield();
	}
	close(ends[1]);
}

START_TEST(a_fiber_waits_for_a_descriptor)
{
	pair();
	start(read_words, NULL);
	start(write_words, NULL);
	loop_run(l);
	ck_assert_str_eq(said, "x y z end");
	close(ends[0]);
}
END_TEST

static void
poll_in_vain(void *arg)
{
	int64_t began = clock_monotonic_ns();

	(void)arg;
	ck_assert_int_eq(fiber_poll(ends[0], POLLIN, began + 10 * MS), 0);
	ck_assert_int_ge(clock_monotonic_ns() - began, 10 * MS);
	/* What comes late wakes nobody who waits for something else. */
	ck_assert_int_eq(write(ends[1], "late", 4), 4);
	waiting = (struct fiber_list){ NULL, NULL };
	ck_assert(!fiber_wait(&waiting, clock_monotonic_ns() + 10 * MS));
	ck_assert_int_gt(fiber_poll(ends[0], POLLIN, 0), 0);
}

START_TEST(a_descriptor_is_waited_for_until_the_deadline)
{
	pair();
	start(poll_in_vain, NULL);
	loop_run(l);
}
END_TEST

static void
poll_until_interrupted(void *self)
{
	*(struct fiber **)self = fiber_self();
	ck_assert_int_eq(fiber_poll(ends[0], POLLIN, 0), -1);
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_int_eq(fiber_poll(ends[0], POLLIN, clock_monotonic_ns() + MS), 0);
}

static void
interrupt(void *other)
{
	fiber_interrupt(*(struct fiber **)other);
	fiber_interrupt(*(struct fiber **)other); /* it isn't in a poll any more */
}

START_TEST(a_poll_can_be_interrupted)
{
	struct fiber *other = NULL;

	pair();
	start(poll_until_interrupted, &other);
	start(interrupt, &other);
	loop_run(l);
}
END_TEST

/* The kernel gives the lowest number that is free, so that it is another socket's each time. */
static void
reuse(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		pair();
		ck_assert_int_eq(fiber_poll(ends[0], POLLIN, clock_monotonic_ns() + MS), 0);
		ck_assert_int_eq(write(ends[1], "x", 1), 1);
		ck_assert_int_gt(fiber_poll(ends[0], POLLIN, 0), 0);
		close(ends[0]);
		close(ends[1]);
	}
}

START_TEST(a_descriptors_number_may_become_anothers)
{
	start(reuse, NULL);
	loop_run(l);
}
END_TEST

/* Two who come while it is waited for, one while it isn't, and one after that. */
static void
take_comers(void *fd)
{
	for (int i = 0; i < 4; i++) {
		int comer;

		if (i == 2)
			ck_assert(!fiber_wait(&waiting, clock_monotonic_ns() + 20 * MS));
		ck_assert_int_gt(fiber_poll(*(int *)fd, POLLIN, clock_monotonic_ns() + 10000 * MS), 0);
		comer = accept(*(int *)fd, NULL, NULL);
		ck_assert_int_ge(comer, 0);
		close(comer);
		say("came");
	}
}

static void
come(void *at)
{
	for (int i = 0; i < 4; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		ck_assert_int_eq(connect(fd, at, sizeof(struct sockaddr_un)), 0);
		fiber_yield();
		close(fd);
	}
}

START_TEST(a_listening_socket_stays_watched_but_where_nobody_takes_who_comes)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	waiting = (struct fiber_list){ NULL, NULL };
	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "medicore-loop-test-%d", (int)getpid());
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	loop_listens(l, fd);
	start(take_comers, &fd);
	start(come, &at);
	loop_run(l);
	ck_assert_str_eq(said, "came came came came");
	close(fd);
}
END_TEST

static void
poll_file(void *arg)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)arg;
	ck_assert_int_gt(fiber_poll(fd, POLLIN, 0), 0);
	close(fd);
}

START_TEST(a_file_is_always_ready)
{
	start(poll_file, NULL);
	loop_run(l);
}
END_TEST

START_TEST(outside_of_fibers_the_thread_waits)
{
	int64_t began = clock_monotonic_ns();

	pair();
	ck_assert_int_eq(fiber_poll(ends[0], POLLIN, began + 10 * MS), 0);
	ck_assert_int_ge(clock_monotonic_ns() - began, 10 * MS);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_gt(fiber_poll(ends[0], POLLIN, 0), 0);
	fiber_yield();
}
END_TEST

/* --- other threads --- */

static void
wake_one(void *list)
{
	ck_assert_ptr_null(fiber_self());
	say("posted");
	fiber_wake(list);
}

static void *
post(void *call)
{
	loop_post(l, call);
	return NULL;
}

START_TEST(another_thread_asks_the_loop)
{
	struct loop_call call = { .fn = wake_one, .arg = &waiting };
	pthread_t thread;

	waiting = (struct fiber_list){ NULL, NULL };
	start(wait_here, "woken");
	ck_assert_int_eq(pthread_create(&thread, NULL, post, &call), 0);
	loop_run(l);
	pthread_join(thread, NULL);
	ck_assert_str_eq(said, "posted woken");
}
END_TEST

Suite *
loop_suite(void)
{
	Suite *suite = suite_create("loop");
	TCase *t = tcase_create("loop");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, fibers_take_turns);
	tcase_add_test(t, a_fiber_may_start_others);
	tcase_add_test(t, each_has_a_stack_of_its_own_and_ended_ones_serve_again);
	tcase_add_test_raise_signal(t, a_stack_that_is_used_up_ends_the_process, SIGSEGV);
	tcase_add_test(t, who_waited_longest_is_woken_first_and_runs_later);
	tcase_add_test(t, those_who_wait_again_are_not_woken_twice);
	tcase_add_test(t, a_wait_ends_at_its_deadline);
	tcase_add_test(t, who_gave_up_is_out_of_the_list_wherever_it_stood);
	tcase_add_test(t, a_fiber_waits_for_a_descriptor);
	tcase_add_test(t, a_descriptor_is_waited_for_until_the_deadline);
	tcase_add_test(t, a_poll_can_be_interrupted);
	tcase_add_test(t, a_descriptors_number_may_become_anothers);
	tcase_add_test(t, a_listening_socket_stays_watched_but_where_nobody_takes_who_comes);
	tcase_add_test(t, a_file_is_always_ready);
	tcase_add_test(t, outside_of_fibers_the_thread_waits);
	tcase_add_test(t, another_thread_asks_the_loop);
	suite_add_tcase(suite, t);
	return suite;
}
