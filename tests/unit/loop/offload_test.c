#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "lib/base/ctx.h"
#include "lib/loop/loop.h"
#include "tests/unit/loop/suites.h"

static struct loop *l;
static sem_t go;

static void
setup(void)
{
	l = loop_new();
	ck_assert_ptr_nonnull(l);
	sem_init(&go, 0, 0);
}

static void
teardown(void)
{
	loop_offload_end();
	loop_free(l);
}

static void
note_thread(void *thread)
{
	ck_assert_ptr_null(fiber_self());
	*(pthread_t *)thread = pthread_self();
}

static void
offload_once(void *thread)
{
	offload(note_thread, thread);
	ck_assert_ptr_nonnull(fiber_self());
}

START_TEST(what_blocks_runs_on_another_thread)
{
	pthread_t thread = pthread_self();

	ck_assert(loop_offload_begin(2));
	ck_assert(fiber_start(l, offload_once, &thread));
	loop_run(l);
	ck_assert(!pthread_equal(thread, pthread_self()));
}
END_TEST

START_TEST(outside_of_fibers_it_is_just_called)
{
	pthread_t thread;

	ck_assert(loop_offload_begin(2));
	offload(note_thread, &thread);
	ck_assert(pthread_equal(thread, pthread_self()));
}
END_TEST

static void
block(void *arg)
{
	(void)arg;
	sem_wait(&go);
}

static void
offload_block(void *ended)
{
	offload(block, NULL);
	++*(int *)ended;
}

static void
let_go(void *ended)
{
	ck_assert_int_eq(*(int *)ended, 0);
	for (int i = 0; i < 20; i++)
		sem_post(&go);
}

START_TEST(the_loop_goes_on_meanwhile_however_many_wait)
{
	int ended = 0;

	ck_assert(loop_offload_begin(3));
	for (int i = 0; i < 20; i++)
		ck_assert(fiber_start(l, offload_block, &ended));
	ck_assert(fiber_start(l, let_go, &ended));
	loop_run(l);
	ck_assert_int_eq(ended, 20);
}
END_TEST

static atomic_int at_once, most_at_once;

static void
count_at_once(void *arg)
{
	int now = atomic_fetch_add(&at_once, 1) + 1, most = atomic_load(&most_at_once);

	(void)arg;
	while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
		;
	sem_wait(&go);
	atomic_fetch_sub(&at_once, 1);
}

static void
offload_count(void *arg)
{
	offload(count_at_once, arg);
}

START_TEST(there_are_never_more_threads_than_were_asked_for)
{
	int none = 0;

	ck_assert(loop_offload_begin(2));
	for (int i = 0; i < 10; i++)
		ck_assert(fiber_start(l, offload_count, NULL));
	ck_assert(fiber_start(l, let_go, &none));
	loop_run(l);
	ck_assert_int_le(atomic_load(&most_at_once), 2);
	ck_assert_int_eq(atomic_load(&at_once), 0);
}
END_TEST

Suite *
offload_suite(void)
{
	Suite *suite = suite_create("offload");
	TCase *t = tcase_create("offload");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_blocks_runs_on_another_thread);
	tcase_add_test(t, outside_of_fibers_it_is_just_called);
	tcase_add_test(t, the_loop_goes_on_meanwhile_however_many_wait);
	tcase_add_test(t, there_are_never_more_threads_than_were_asked_for);
	suite_add_tcase(suite, t);
	return suite;
}
