#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/bus/bus.h"
#include "lib/pg/pg.h"
#include "worker/appointment_events.h"
#include "worker/billing_worker.h"
#include "worker/process.h"
#include "worker/replay.h"

/* How long a stop may have to wait while nothing comes. */
#define POLL_MS 200

/* How often offsets are committed while there is more to do than fits a batch: each waits for the broker. */
#define COMMIT_EVERY_NS INT64_C(250000000)

struct worker {
	const struct billing_ports *ports;
	struct bus_consumer *consumer;
	struct arena *arena;
	struct pg *pg;
	struct trouble trouble, commit_trouble;
	int failures; /* in a row that are no dependency's */
	int64_t committed_ns;
};

/* Offsets after the transaction: what isn't committed to Kafka comes again, and the inbox knows it. */
static void
commit(struct worker *w, struct ctx *cx)
{
	enum rc rc;

	err_clear(cx);
	w->committed_ns = clock_monotonic_ns();
	rc = bus_commit(cx, w->consumer);
	if (rc == RC_OK)
		trouble_end(&w->commit_trouble);
	else
		trouble_begin(&w->commit_trouble, rc, cx->err.detail);
}

static void
go_back(struct worker *w, struct ctx *cx, enum rc rc)
{
	w->failures = rc == RC_INTERNAL ? w->failures + 1 : 0;
	trouble_begin(&w->trouble, rc, cx->err.detail);
	err_clear(cx);
	bus_rewind(w->consumer);
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

/* How long to pause before the next one. */
static int
take_batch(struct worker *w)
{
	struct event *events;
	struct ctx cx;
	size_t count;
	bool none;
	enum rc rc;

	arena_reset(w->arena);
	ctx_init(&cx, w->arena, w->pg);
	none = count_lag(w);
	rc = bus_consume(&cx, w->consumer, w->arena, (size_t)config->events.batch, POLL_MS, &events, &count);
	if (rc == RC_OK && count == 0) {
		commit(w, &cx); /* where something is left */
		if (none)
			trouble_end(&w->trouble); /* what it was about is another's by now */
		turned(w);
		return 0;
	}
	if (rc == RC_OK)
		rc = appointment_events_take(&cx, w->ports, events, count, w->failures);
	if (rc != RC_OK) {
		go_back(w, &cx, rc);
		return trouble_pause_ms(&w->trouble);
	}
	w->failures = 0;
	trouble_end(&w->trouble);
	if (count < (size_t)config->events.batch || clock_monotonic_ns() - w->committed_ns >= COMMIT_EVERY_NS)
		commit(w, &cx);
	turned(w);
	return 0;
}

/* What was taken and not committed yet would come once more. */
static void
commit_last(struct worker *w)
{
	struct ctx cx;

	arena_reset(w->arena);
	ctx_init(&cx, w->arena, w->pg);
	commit(w, &cx);
}

bool
billing_from_kafka(const struct billing_ports *ports)
{
	static const char *const topics[] = { TOPIC_APPOINTMENT, NULL };
	struct worker w = {
		.ports = ports,
		.consumer =
		    bus_consumer_new(config->events.brokers, GROUP_BILLING, config->events.instance, topics),
		.arena = arena_new(),
		.pg = pg_open(config->database.billing, BILLING_WORKER_ROLE),
		.trouble = { .what = "appointments", .task = TASK_EVENTS },
		.commit_trouble = { .what = "offsets", .task = TASK_EVENTS },
	};
	bool ready = w.consumer != NULL && w.pg != NULL;
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	ready = ready && process_ready(NULL, NULL);
	if (ready)
		replay_start(ports);
	while (ready && !loop_wait(loop, pause_ms))
		pause_ms = take_batch(&w);
	loop_end(loop);
	if (ready) {
		commit_last(&w);
		replay_join();
	}
	bus_consumer_free(w.consumer);
	pg_close(w.pg);
	arena_free(w.arena);
	return ready;
}
