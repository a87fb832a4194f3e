#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/bus/bus.h"
#include "worker/billing_worker.h"
#include "worker/process.h"
#include "worker/replay.h"
#include "worker/takers.h"

/* How long a stop may have to wait while nothing comes. */
#define POLL_MS 200

/* How often offsets are committed while there is more to do than fits a batch: each waits for the broker. */
#define COMMIT_EVERY_NS INT64_C(250000000)

struct worker {
	struct bus_consumer *consumer;
	struct takers *takers;
	struct arena *arena;
	struct trouble trouble, commit_trouble;
	int64_t committed_ns;
};

/* Offsets after the transactions: what isn't committed to Kafka comes again, and the inbox knows it. */
static void
commit(struct worker *w, struct ctx *cx)
{
	enum rc rc;

	err_clear(cx);
	w->committed_ns = clock_monotonic_ns();
	rc = bus_commit(cx, w->consumer, takers_in_hand(w->takers));
	if (rc == RC_OK)
		trouble_end(&w->commit_trouble);
	else
		trouble_begin(&w->commit_trouble, rc, cx->err.detail);
}

static void
go_back(struct worker *w)
{
	bus_rewind(w->consumer);
	takers_drop(w->takers);
}

/* Whether it is known that nothing waits for us. */
static bool
count_lag(const struct worker *w)
{
	int64_t lag;

	if (!bus_lag(w->consumer, &lag)) {
		metrics_unset(M_CONSUMER_LAG, 0);
		return false;
	}
	metrics_set(M_CONSUMER_LAG, 0, lag);
	return lag == 0;
}

static void
turned(const struct worker *w)
{
	if (w->trouble.attempts == 0 && w->commit_trouble.attempts == 0)
		metrics_task_done(TASK_EVENTS);
}

static bool
full(size_t count)
{
	return count == (size_t)config->events.batch;
}

/* Few events, and those that failed, are one thread's, and awaited.  In a backlog there is always more to do for both. */
static enum rc
hand_over(struct worker *w, struct ctx *cx, const struct event *events, size_t count, size_t *ret_done)
{
	bool alone = takers_in_hand(w->takers) == 0 && (!full(count) || w->trouble.attempts > 0);

	if (count > 0)
		takers_give(w->takers, events, count, alone);
	return takers_await(cx, w->takers, alone || count == 0 ? 0 : TAKERS_IN_HAND - 1, ret_done);
}

/* Nothing is in hand, and nothing has come. */
static void
rest(struct worker *w, struct ctx *cx, bool none)
{
	commit(w, cx); /* where something is left */
	if (none)
		trouble_end(&w->trouble); /* what it was about is another's by now */
	turned(w);
}

/* How long to pause before the next turn. */
static int
turn(struct worker *w)
{
	bool none = count_lag(w), idle = takers_in_hand(w->takers) == 0;
	struct event *events = NULL;
	struct ctx cx;
	size_t count = 0, done;
	enum rc consumed, rc;

	arena_reset(w->arena);
	ctx_init(&cx, w->arena, NULL);
	consumed = bus_consume(&cx, w->consumer, takers_room(w->takers), (size_t)config->events.batch, idle ? POLL_MS : 0, &events, &count);
	if (consumed == RC_OK && count == 0 && idle) {
		rest(w, &cx, none);
		return 0;
	}
	rc = hand_over(w, &cx, events, count, &done);
	rc = rc == RC_OK ? consumed : rc;
	if (rc != RC_OK) {
		trouble_begin(&w->trouble, rc, cx.err.detail);
		if (consumed == RC_OK)
			commit(w, &cx); /* so that what failed is what comes again first, and all its failures are counted */
		go_back(w);
		return trouble_pause_ms(&w->trouble);
	}
	if (done == 0)
		return 0;
	trouble_end(&w->trouble);
	if ((takers_in_hand(w->takers) == 0 && !full(count)) || clock_monotonic_ns() - w->committed_ns >= COMMIT_EVERY_NS)
		commit(w, &cx);
	turned(w);
	return 0;
}

/* What was taken and not committed yet would come once more; so would what is in hand. */
static void
end(struct worker *w)
{
	size_t done;
	struct ctx cx;

	arena_reset(w->arena);
	ctx_init(&cx, w->arena, NULL);
	(void)takers_await(&cx, w->takers, 0, &done);
	commit(w, &cx);
}

bool
billing_from_kafka(const struct billing_ports *ports)
{
	static const char *const topics[] = { TOPIC_APPOINTMENT, NULL };
	struct worker w = {
		.consumer =
		    bus_consumer_new(config->events.brokers, GROUP_BILLING, config->events.instance, topics),
		.takers = takers_start(ports),
		.arena = arena_new(),
		.trouble = { .what = "appointments", .task = TASK_EVENTS },
		.commit_trouble = { .what = "offsets", .task = TASK_EVENTS },
	};
	bool ready = w.consumer != NULL && w.takers != NULL;
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	ready = ready && process_ready(NULL, NULL);
	if (ready)
		replay_start(ports);
	while (ready && !loop_wait(loop, pause_ms))
		pause_ms = turn(&w);
	loop_end(loop);
	if (ready) {
		end(&w);
		replay_join();
	}
	takers_stop(w.takers);
	bus_consumer_free(w.consumer);
	arena_free(w.arena);
	return ready;
}
