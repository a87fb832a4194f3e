#include "worker/appointment_events.h"

#include <string.h>

#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "worker/counts.h"
#include "worker/event_codec.h"

/* After so many failures of a batch that aren't a dependency's, its events are taken one by one. */
#define FAILURES_SUSPICIOUS 5

/* A line is cut at 4 KiB. */
#define LINE_LONG 3000

static const char *
name_of(const struct event *e)
{
	return e->id == NULL ? "(no ce_id)" : e->id;
}

/* How a batch ended, and which requests it came from, in as many lines as that takes. */
static void
log_batch(struct ctx *cx, const struct event *events, size_t count, const struct billing_tally *t,
    int64_t started_ns)
{
	struct buf traces = { .arena = cx->arena };

	if (strcmp(config->log.level, "debug") != 0)
		return; /* not worth making, then */
	log_line(LOG_DEBUG,
	    "appointments: %zu events, %zu invoiced, %zu voided, %zu repeated, %zu parked, %.3f ms", count,
	    t->invoiced, t->voided, t->repeated, t->parked,
	    (double)(clock_monotonic_ns() - started_ns) / 1e6);
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events[i];

		buf_addf(&traces, " %s %s", name_of(e), e->traceparent == NULL ? "-" : e->traceparent);
		if (traces.length > LINE_LONG || i + 1 == count) {
			log_line(LOG_DEBUG, "appointments: taken:%s", traces.bytes);
			traces.length = 0;
		}
	}
}

static enum rc
take(struct ctx *cx, const struct billing_ports *ports, const struct billing_event *decoded, size_t count, struct billing_tally *tally)
{
	enum rc rc = billing_take(cx, ports, decoded, count, tally);

	count_batch(rc, count, tally);
	return rc;
}

static void
add(struct billing_tally *sum, const struct billing_tally *t)
{
	sum->invoiced += t->invoiced;
	sum->voided += t->voided;
	sum->repeated += t->repeated;
	sum->parked += t->parked;
}

static enum rc
take_one_by_one(struct ctx *cx, const struct billing_ports *ports, const struct billing_event *decoded,
    size_t count, struct billing_tally *sum)
{
	struct billing_tally tally;
	enum rc rc, failed = RC_OK;

	for (size_t i = 0; i < count; i++) {
		err_clear(cx);
		rc = take(cx, ports, &decoded[i], 1, &tally);
		if (rc == RC_OK) {
			add(sum, &tally);
			continue;
		}
		failed = rc;
		log_line(LOG_ERROR, "appointments: event %s holds up its batch: %s (%s)",
		    name_of(decoded[i].envelope), rc_meaning(rc)->name,
		    cx->err.detail == NULL ? "no detail" : cx->err.detail);
		if (rc != RC_INTERNAL)
			return rc; /* a dependency is away: the others would fare no better */
	}
	return failed;
}

enum rc
appointment_events_take(
    struct ctx *cx, const struct billing_ports *ports, const struct event *events, size_t count, int failures)
{
	struct billing_event *decoded = arena_zalloc_n(cx->arena, count, sizeof(*decoded));
	int64_t started_ns = clock_monotonic_ns();
	struct billing_tally tally = { 0 };
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		event_decode(cx, &events[i], &decoded[i]);
	if (failures < FAILURES_SUSPICIOUS || count == 1)
		rc = take(cx, ports, decoded, count, &tally);
	else
		rc = take_one_by_one(cx, ports, decoded, count, &tally);
	if (rc == RC_OK)
		log_batch(cx, events, count, &tally, started_ns);
	return rc;
}

enum rc
appointment_event_replay(
    struct ctx *cx, const struct billing_ports *ports, const struct dead_letter *letter, bool *ret_gone)
{
	struct event *e = arena_alloc(cx->arena, sizeof(*e));
	struct billing_event decoded;

	*e = (struct event){
		.topic = letter->topic,
		.key = letter->key,
		.id = letter->ce_id,
		.type = letter->type,
		.source = letter->source,
		.time = letter->time,
		.traceparent = letter->traceparent,
		.payload = letter->payload.bytes,
		.length = letter->payload.length,
	};
	event_decode(cx, e, &decoded);
	return billing_take_again(cx, ports, letter, &decoded, ret_gone);
}
