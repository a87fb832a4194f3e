/* work.c - a worker: takes the calls that have come, and runs those that may be run together. */
#include <stdlib.h>

#include "lib/pg/pg.h"
#include "lib/rpc/internal.h"

/*
 * Whoever waited behind a method that took this long may be gone, as may so many calls that came meanwhile: those are watched before they are run.  It
 * costs the library another batch, so others aren't, which are run at once.
 */
#define LONG_MS 20
#define TO_WATCH 1000

/* Looks in a row that find nothing before a batch is as large as it can be: at each the library (1.51, epoll1) reads from one connection, and what was read
 * may be the beginning of a call.  verifyPatient over four connections is twice as fast with four looks as with one; more change nothing. */
#define LOOKS 4

/* Takes an event; the call of one that arrived is kept, with the event's reference. */
static void
take(struct worker *w, const grpc_event *ev)
{
	struct op *op = ev->tag;

	call_taken();
	if (op->kind == OP_ARRIVE && ev->success) {
		pulse_beat(&w->pulse);
		if (w->count == 0)
			duty_work_begins(w->server);
		method_begin(op->call, w->arena, w->pg);
		if (w->to_watch > 0) {
			w->to_watch--;
			call_watch_close(op->call);
		}
		w->calls[w->count++] = op->call;
		return;
	}
	if (op->kind == OP_CLOSE)
		call_closed(op->call);
	call_unref(op->call);
}

/* Whether the calls that were taken are to be run before another is looked for: a plain one, a full batch, one of another method. */
static bool
full(const struct worker *w)
{
	const struct method *m;

	if (w->count == 0)
		return false;
	m = w->calls[0]->method;
	return m->batched == NULL || w->count >= m->batched->max || w->calls[w->count - 1]->method != m;
}

/* Until it is full, or there is no more to take.  False: the queue is shut. */
static bool
fill(struct worker *w)
{
	int in_vain = 0;

	while (!full(w) && in_vain < LOOKS) {
		gpr_timespec until = w->count == 0 ? duty_until(w) : gpr_inf_past(GPR_CLOCK_REALTIME);
		grpc_event ev = grpc_completion_queue_next(w->server->methods, until, NULL);

		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			return false;
		if (ev.type == GRPC_QUEUE_TIMEOUT && w->count == 0)
			break;
		if (ev.type == GRPC_QUEUE_TIMEOUT) {
			in_vain++;
			continue;
		}
		take(w, &ev);
		in_vain = 0;
	}
	return true;
}

/* The calls of the first one's method; what is left of another comes next. */
static void
run(struct worker *w)
{
	size_t n = 1;

	while (n < w->count && w->calls[n]->method == w->calls[0]->method)
		n++;
	method_run(w->calls, n);
	if (pulse_stuck(&w->pulse, LONG_MS))
		w->to_watch = TO_WATCH;
	pg_reset(w->pg);
	for (size_t i = 0; i < n; i++)
		call_unref(w->calls[i]);
	for (size_t i = n; i < w->count; i++)
		w->calls[i - n] = w->calls[i];
	w->count -= n;
}

void *
work(void *worker)
{
	struct worker *w = worker;
	const struct rpc_options *o = &w->server->options;

	w->pg = o->database != NULL ? pg_open(o->database, o->role) : NULL;
	w->arena = arena_new();
	w->calls = calloc(w->server->batch_max + 1, sizeof(*w->calls));
	if (w->calls == NULL)
		abort();
	while ((w->count > 0 || duty_await(w)) && fill(w)) {
		if (w->count == 0)
			continue;
		run(w);
		if (w->count > 0)
			continue;
		arena_reset(w->arena);
		pulse_rest(&w->pulse);
	}
	arena_free(w->arena);
	pg_close(w->pg);
	free(w->calls);
	return NULL;
}
