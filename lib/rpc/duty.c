/*
 * duty.c - which of the workers take calls.
 *
 * Each thread more that waits for events costs every call: the library hands the connections from one to the other.  So no more than
 * options.active do, and the others rest until one of those is stuck in a method, as all are while the database stalls.  A lookout notices that,
 * calls another in, and, where nobody else looks at the connections any more, does so itself: Health is answered all the same.  It
 * sleeps too as long as there is nothing to look after.
 */
#include <time.h>

#include "lib/base/clock.h"
#include "lib/rpc/internal.h"

/* Where options.stuck_ms says nothing: most questions to the database take less. */
#define STUCK_MS 2

/* Looks in a row without work after which it sleeps. */
#define IDLE_LOOKS 10

/* A worker that may not be needed any more notices within this. */
#define SURPLUS_MS 100

static gpr_timespec
ms_from_now(int ms)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/* Those on duty that aren't stuck, but for one (NULL: no exception). */
static int
fresh(const struct rpc_server *s, const struct worker *but)
{
	int n = 0;

	for (int i = 0; i < s->options.threads; i++)
		n += &s->workers[i] != but && s->workers[i].on_duty && !pulse_stuck(&s->workers[i].pulse, s->options.stuck_ms);
	return n;
}

bool
duty_await(struct worker *w)
{
	struct rpc_server *s = w->server;
	struct duty *d = &s->duty;
	bool on_duty;

	pthread_mutex_lock(&d->lock);
	if (w->on_duty && fresh(s, w) >= s->options.active) {
		w->on_duty = false;
		d->on_duty--;
	}
	while (!w->on_duty && !d->over)
		pthread_cond_wait(&d->called, &d->lock);
	w->surplus = d->on_duty > s->options.active;
	on_duty = w->on_duty;
	pthread_mutex_unlock(&d->lock);
	return on_duty;
}

gpr_timespec
duty_until(const struct worker *w)
{
	return w->surplus ? ms_from_now(SURPLUS_MS) : gpr_inf_future(GPR_CLOCK_REALTIME);
}

void
duty_work_begins(struct rpc_server *s)
{
	struct duty *d = &s->duty;

	pthread_mutex_lock(&d->lock);
	if (!d->watching) {
		d->watching = true;
		pthread_cond_signal(&d->work_begun);
	}
	pthread_mutex_unlock(&d->lock);
}

/* --- the lookout; all with the lock held --- */

static bool
any_work(const struct rpc_server *s)
{
	for (int i = 0; i < s->options.threads; i++)
		if (atomic_load_explicit(&s->workers[i].pulse.at_ns, memory_order_relaxed) != 0)
			return true;
	return false;
}

static void
call_in(struct rpc_server *s)
{
	for (int i = 0; i < s->options.threads; i++)
		if (!s->workers[i].on_duty) {
			s->workers[i].on_duty = true;
			s->duty.on_duty++;
			pthread_cond_broadcast(&s->duty.called);
			return;
		}
}

/* Until the next look; at the connections, where nobody else does. */
static void
pass_time(struct duty *d, int ms, bool alone)
{
	int64_t at = clock_monotonic_ns() + ms * INT64_C(1000000);
	struct timespec until = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };

	if (!alone) {
		pthread_cond_timedwait(&d->work_begun, &d->lock, &until);
		return;
	}
	pthread_mutex_unlock(&d->lock);
	grpc_completion_queue_next(d->queue, ms_from_now(ms), NULL); /* there are no events */
	pthread_mutex_lock(&d->lock);
}

static void *
look_out(void *server)
{
	struct rpc_server *s = server;
	struct duty *d = &s->duty;
	int idle = 0;

	pthread_mutex_lock(&d->lock);
	while (!d->over) {
		if (!d->watching) {
			pthread_cond_wait(&d->work_begun, &d->lock);
			idle = 0;
			continue;
		}
		if (fresh(s, NULL) < s->options.active)
			call_in(s);
		pass_time(d, s->options.stuck_ms, fresh(s, NULL) == 0);
		idle = any_work(s) ? 0 : idle + 1;
		d->watching = idle < IDLE_LOOKS;
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- its life --- */

void
duty_open(struct rpc_server *s)
{
	struct duty *d = &s->duty;
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->called, NULL);
	pthread_cond_init(&d->work_begun, &monotonic);
	pthread_condattr_destroy(&monotonic);
	d->queue = grpc_completion_queue_create_for_next(NULL);
}

void
duty_start(struct rpc_server *s)
{
	struct rpc_options *o = &s->options;

	if (o->active <= 0 || o->active > o->threads)
		o->active = o->threads;
	if (o->stuck_ms <= 0)
		o->stuck_ms = STUCK_MS;
	for (int i = 0; i < o->active; i++)
		s->workers[i].on_duty = true;
	s->duty.on_duty = o->active;
	thread_start(&s->duty.lookout, look_out, s);
}

void
duty_end(struct rpc_server *s)
{
	struct duty *d = &s->duty;

	pthread_mutex_lock(&d->lock);
	d->over = true;
	pthread_cond_broadcast(&d->called);
	pthread_cond_broadcast(&d->work_begun);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->lookout, NULL);
}

void
duty_close(struct rpc_server *s)
{
	struct duty *d = &s->duty;

	grpc_completion_queue_shutdown(d->queue);
	while (grpc_completion_queue_next(d->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).type != GRPC_QUEUE_SHUTDOWN)
		;
	grpc_completion_queue_destroy(d->queue);
	pthread_cond_destroy(&d->called);
	pthread_cond_destroy(&d->work_begun);
	pthread_mutex_destroy(&d->lock);
}
