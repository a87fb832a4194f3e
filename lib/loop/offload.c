/* offload.c - threads for what blocks, so that a loop goes on meanwhile. */
#include "lib/loop/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/ctx.h"

/* On the stack of the fiber that waits for it. */
struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
	struct loop *loop;
	struct fiber_list waiting;
	struct loop_call done;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *first, **last;
	unsigned queued, idle; /* jobs, threads that wait for one */
	bool ending;
	pthread_t *threads;
	unsigned count, most;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void
job_done(void *arg)
{
	struct job *job = arg;

	fiber_wake(&job->waiting);
}

static struct job *
next_job(void)
{
	struct job *job;

	pthread_mutex_lock(&pool.lock);
	pool.idle++;
	while (pool.first == NULL && !pool.ending)
		pthread_cond_wait(&pool.changed, &pool.lock);
	pool.idle--;
	job = pool.first;
	if (job != NULL) {
		pool.first = job->next;
		if (pool.first == NULL)
			pool.last = &pool.first;
		pool.queued--;
	}
	pthread_mutex_unlock(&pool.lock);
	return job;
}

static void *
work(void *arg)
{
	struct job *job;

	while ((job = next_job()) != NULL) {
		job->fn(job->arg);
		loop_post(job->loop, &job->done);
	}
	return arg;
}

/* One more where all are busy; with the lock.  False where there is no thread at all. */
static bool
thread_for_job(void)
{
	if (pool.queued >= pool.idle && pool.count < pool.most &&
	    pthread_create(&pool.threads[pool.count], NULL, work, NULL) == 0)
		pool.count++;
	return pool.count > 0;
}

static bool
queue(struct job *job)
{
	bool taken;

	pthread_mutex_lock(&pool.lock);
	taken = thread_for_job();
	if (taken) {
		*pool.last = job;
		pool.last = &job->next;
		pool.queued++;
		pthread_cond_signal(&pool.changed);
	}
	pthread_mutex_unlock(&pool.lock);
	return taken;
}

static void
run_elsewhere(void (*fn)(void *arg), void *arg)
{
	struct job job = { .fn = fn, .arg = arg, .loop = loop_self(), .done = { .fn = job_done, .arg = &job } };

	if (job.loop == NULL || !queue(&job))
		fn(arg);
	else
		fiber_wait(&job.waiting, 0);
}

bool
loop_offload_begin(unsigned most)
{
	pool.threads = calloc(most, sizeof(*pool.threads));
	if (pool.threads == NULL)
		return false;
	pool.last = &pool.first;
	pool.most = most;
	pool.count = pool.idle = pool.queued = 0;
	pool.ending = false;
	offload_set(run_elsewhere);
	return true;
}

void
loop_offload_end(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.ending = true;
	pthread_cond_broadcast(&pool.changed);
	pthread_mutex_unlock(&pool.lock);
	for (unsigned i = 0; i < pool.count; i++)
		pthread_join(pool.threads[i], NULL);
	free(pool.threads);
	pool.threads = NULL;
	pool.most = pool.count = 0;
}
