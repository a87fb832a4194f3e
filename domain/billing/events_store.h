/* events_store.h - the SQL behind events.c: each function is a few statements for the whole batch. */
#ifndef BILLING_EVENTS_STORE_H
#define BILLING_EVENTS_STORE_H

#include "domain/billing/billing.h"
#include "lib/base/uuid.h"

/* One event on its way through a batch. */
struct taken {
	const struct billing_event *event;
	size_t position;   /* in the batch: the first of several with one ce_id is the one that counts */
	const char *ce_id; /* NULL: none that could be remembered */
	char appointment_id[UUID_SIZE];
	char patient_id[UUID_SIZE];
	bool repeated;  /* it came before: nothing is to be done */
	enum rc reason; /* RC_OK: it gets its effect; else why it is parked */
};

/* Whether it is to have the effect of its kind. */
static inline bool
taken_is(const struct taken *t, enum billing_event_kind kind)
{
	return !t->repeated && t->reason == RC_OK && t->event->kind == kind;
}

/* Whether nothing is owed for its appointment any more. */
static inline bool
taken_voids(const struct taken *t)
{
	return taken_is(t, BOOKING_CANCELLED) || taken_is(t, BOOKING_NO_SHOW);
}

/*
 * Whoever makes invoices holds this lock together with others of the kind; whoever cancels holds it alone.
 * Else a booking and its cancellation in two transactions at once would both miss each other's rows.  First
 * of all in the transaction: what comes after it sees what the holder before committed.
 */
enum rc events_store_lock(struct ctx *cx, bool alone);

/* Writes the inbox; sets repeated in those that are in it already.  all is in order of ce_id: two batches
 * at once then wait for each other rather than deadlock. */
enum rc events_store_receive(struct ctx *cx, struct taken *all, size_t count);

/* Remembers the cancellations, and voids or marks the invoices that are there, with postings and events. */
enum rc events_store_cancel(struct ctx *cx, const struct billing_ports *ports, const struct taken *all, size_t count,
    struct billing_tally *tally);

/* Makes the invoices at the prices of this moment, due on due_date, with lines, postings and events; sets reason in those of
 * services without a price. */
enum rc events_store_invoice(struct ctx *cx, const struct billing_ports *ports, const char *due_date,
    struct taken *all, size_t count, struct billing_tally *tally);

/* Dead letters of those that have a reason. */
enum rc events_store_park(struct ctx *cx, const struct taken *all, size_t count, struct billing_tally *tally);

#endif
