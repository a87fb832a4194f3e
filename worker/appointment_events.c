#include "worker/appointment_events.h"

#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "worker/counts.h"
#include "worker/event_codec.h"

/* After so many failures of a batch that aren't a dependency's, its events are taken one by one. */
#define FAILURES_SUSPICIOUS 5

static void
log_taken(struct log_lines *lines, struct ctx *cx, const struct billing_event *e)
{
	const struct billing_outcome *o = e->outcome;
	const char *verdict = o->repeated ? "repeated" : o->reason == RC_OK ? "done" : "parked";

	log_event_among(lines, cx->request_id, &e->trace, e->envelope->id, e->envelope->type, verdict, o->reason);
}

static void
log_batch(size_t count, const struct billing_tally *t, int64_t started_ns)
{
	log_line(LOG_DEBUG,
	    "appointments: %zu events, %zu invoiced, %zu voided, %zu repeated, %zu parked, %.3f ms", count,
	    t->invoiced, t->voided, t->repeated, t->parked,
	    (double)(clock_monotonic_ns() - started_ns) / 1e6);
}

static enum rc
take(struct ctx *cx, const struct billing_ports *ports, const struct billing_event *decoded, size_t count, struct billing_tally *tally)
{
	struct log_lines lines = { .length = 0 };
	enum rc rc = billing_take(cx, ports, decoded, count, tally);

	count_batch(rc, count, tally);
	if (rc == RC_OK && tally->parked > 0)
		(void)count_letters(cx); /* else they are seen a minute later */
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		log_taken(&lines, cx, &decoded[i]);
	log_flush(&lines);
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
		log_event(cx->request_id, &decoded[i].trace, decoded[i].envelope->id, decoded[i].envelope->type, "retry", rc);
		log_line(LOG_ERROR, "appointments: an event of request %s holds up its batch: %s (%s)", cx->request_id,
		    rc_meaning(rc)->name, cx->err.detail == NULL ? "no detail" : cx->err.detail);
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
	struct billing_outcome *outcomes = arena_zalloc_n(cx->arena, count, sizeof(*outcomes));
	int64_t started_ns = clock_monotonic_ns();
	struct billing_tally tally = { 0 };
	enum rc rc;

	for (size_t i = 0; i < count; i++) {
		event_decode(cx, &events[i], &decoded[i]);
		decoded[i].outcome = &outcomes[i];
	}
	/* What is asked for one booking alone is a part of its trace. */
	if (count == 1)
		cx->trace = decoded[0].trace;
	if (failures < FAILURES_SUSPICIOUS || count == 1)
		rc = take(cx, ports, decoded, count, &tally);
	else
		rc = take_one_by_one(cx, ports, decoded, count, &tally);
	if (rc == RC_OK)
		log_batch(count, &tally, started_ns);
	return rc;
}

enum rc
appointment_event_replay(
    struct ctx *cx, const struct billing_ports *ports, const struct dead_letter *letter, bool *ret_gone)
{
	struct event *e = arena_alloc(cx->arena, sizeof(*e));
	struct billing_event decoded;
	enum rc rc;

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
	cx->trace = decoded.trace;
	rc = billing_take_again(cx, ports, letter, &decoded, ret_gone);
	if (rc == RC_OK)
		log_event(cx->request_id, &decoded.trace, e->id, e->type, *ret_gone ? "done" : "parked", rc);
	return rc;
}
