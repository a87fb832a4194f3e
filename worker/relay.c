#include "worker/relay.h"

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/pg/pg.h"
#include "worker/active.h"
#include "worker/process.h"

#define LOCK_KEY INT64_C(0x6d6564696f757478) /* "medioutx": locks are per database */
#define PURGE_EVERY_NS (INT64_C(60) * 1000000000)
#define COUNT_EVERY_NS INT64_C(1000000000)
#define COUNTED_MOST 100000

struct relay {
	const struct relayed *from;
	const struct transport *transport;
	struct arena *arena;
	struct pg *pg;
	struct trouble trouble;
	int64_t purge_at_ns, count_at_ns;
	struct active active;
};

static void
log_published(const struct ctx *cx, const struct event *events, const bool *acked, size_t count)
{
	struct log_lines lines = { .length = 0 };
	struct trace trace;

	for (size_t i = 0; i < count; i++) {
		trace_begin(&trace);
		trace_join(&trace, events[i].traceparent);
		if (acked[i])
			log_event_among(&lines, cx->request_id, &trace, events[i].id, events[i].type, "published", RC_OK);
	}
	log_flush(&lines);
}

/* One turn: at most a batch, in a ctx of its own.  *ret_empty tells that nothing was left. */
static enum rc
relay_batch(struct relay *r, struct ctx *cx, bool *ret_empty)
{
	struct event *events;
	int64_t *seqs;
	size_t count, taken = 0;
	bool *acked;
	enum rc rc, sent;

	rc = outbox_pending(cx, r->from->outbox, r->transport->batch_max, &events, &seqs, &count);
	if (rc != RC_OK)
		return rc;
	*ret_empty = count == 0;
	if (count == 0)
		return RC_OK;
	/* What is asked for one event alone is a part of its trace. */
	if (count == 1)
		trace_join(&cx->trace, events[0].traceparent);
	acked = arena_zalloc_n(cx->arena, count, sizeof(*acked));
	sent = r->transport->publish(cx, r->transport->to, events, count, acked);
	for (size_t i = 0; i < count; i++)
		if (acked[i])
			seqs[taken++] = seqs[i];
	/* Those that were taken are done, whatever became of the others. */
	if (taken > 0)
		rc = outbox_published(cx, seqs, taken);
	if (rc == RC_OK) {
		metrics_add(M_OUTBOX_PUBLISHED, 0, taken);
		log_published(cx, events, acked, count);
	}
	return sent != RC_OK ? sent : rc;
}

static void
tell_backlog(int64_t count, int64_t since_us)
{
	metrics_set(M_OUTBOX_EVENTS, 0, count);
	metrics_set(M_OUTBOX_OLDEST, 0, since_us);
}

/* It isn't known, or somebody else's to tell. */
static void
forget_backlog(void)
{
	metrics_unset(M_OUTBOX_EVENTS, 0);
	metrics_unset(M_OUTBOX_OLDEST, 0);
}

/* For those who watch; each second while there is any, since it costs a statement. */
static void
count_backlog(struct relay *r, struct ctx *cx)
{
	int64_t now = clock_monotonic_ns(), count, since_us;

	if (now < r->count_at_ns)
		return;
	r->count_at_ns = now + COUNT_EVERY_NS;
	if (outbox_backlog(cx, COUNTED_MOST, &count, &since_us) == RC_OK)
		tell_backlog(count, since_us);
	else
		forget_backlog();
}

static enum rc
purge(struct relay *r, struct ctx *cx)
{
	int64_t now = clock_monotonic_ns(), purged = 0;
	enum rc rc;

	if (now < r->purge_at_ns)
		return RC_OK;
	r->purge_at_ns = now + PURGE_EVERY_NS;
	rc = outbox_purge(cx, config->events.keep_s, &purged);
	if (rc == RC_OK && purged > 0)
		log_line(LOG_INFO, "outbox: %lld published events purged", (long long)purged);
	return rc;
}

static int
ms_to_wait(const struct relay *r)
{
	int64_t left = (r->purge_at_ns - clock_monotonic_ns()) / 1000000 + 1;

	if (r->from->look_ms != 0 && left > r->from->look_ms)
		left = r->from->look_ms;
	return left <= 0 ? 0 : (int)left;
}

/* Publishes all there is, then waits for more.  Listening begins before the outbox is read for the last time, so nothing is missed. */
static enum rc
turn(struct relay *r, struct ctx *cx)
{
	bool empty = false;
	enum rc rc;

	rc = active_win(&r->active, cx);
	if (rc == RC_OK)
		rc = relay_batch(r, cx, &empty);
	if (rc == RC_OK && empty)
		tell_backlog(0, 0);
	else if (rc != RC_CONFLICT)
		count_backlog(r, cx);
	if (rc != RC_OK)
		return rc;
	trouble_end(&r->trouble);
	metrics_task_done(TASK_OUTBOX);
	if (!empty)
		return RC_OK;
	rc = purge(r, cx);
	if (rc == RC_OK)
		rc = pg_listen_wait(cx, OUTBOX_CHANNEL, ms_to_wait(r), stop_fd());
	return rc == RC_TIMEOUT || rc == RC_CANCELLED ? RC_OK : rc;
}

bool
relay_run(const struct relayed *from, const struct transport *transport)
{
	struct relay r = {
		.from = from,
		.transport = transport,
		.arena = arena_new(),
		.pg = pg_open(from->database(), from->role),
		.trouble = { .what = "outbox", .task = TASK_OUTBOX },
		.active = { .what = "outbox", .key = LOCK_KEY, .task = TASK_OUTBOX },
	};
	bool opened = r.pg != NULL;
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	while (opened && !loop_wait(loop, pause_ms)) {
		struct ctx cx;
		enum rc rc;

		arena_reset(r.arena);
		ctx_init(&cx, r.arena, r.pg);
		rc = turn(&r, &cx);
		pause_ms = rc == RC_CONFLICT ? STANDBY_MS : 0;
		if (rc == RC_CONFLICT)
			forget_backlog();
		if (rc != RC_OK && rc != RC_CONFLICT) {
			trouble_begin(&r.trouble, rc, cx.err.detail);
			pause_ms = trouble_pause_ms(&r.trouble);
		}
	}
	loop_end(loop);
	pg_close(r.pg);
	arena_free(r.arena);
	return opened;
}
