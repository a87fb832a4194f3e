/* check_store.h - what `medicore check` asks both databases. */
#ifndef CLI_CHECK_STORE_H
#define CLI_CHECK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/money.h"

/* How far the outbox has got with an event. */
#define EVENT_WAITS "waits" /* not published */
#define EVENT_YOUNG "young" /* published less than the grace time ago */
#define EVENT_OLD "old"

/* An appointment and its events; an event that was purged from the outbox has neither id nor state. */
struct checked_booking {
	const char *id;
	bool cancelled; /* or not shown, which comes to the same for billing */
	const char *booked_id, *booked_state;
	const char *cancelled_id, *cancelled_state, *cancelled_type;
};

/* All appointments in order of id, at flat memory. */
enum rc check_store_bookings(struct ctx *scheduling, int64_t grace_s,
    enum rc (*each)(void *closure, const void *booking), void *closure);

struct checked_invoice {
	const char *id;
	const char *appointment_id;
	bool settled; /* VOID, or shows that the appointment was cancelled */
	bool cancelled; /* it shows that */
	bool closed;  /* nothing will come of it any more: settled, or given back */
};

/* Up to max invoices of appointments in order of appointment and id, behind after; both its ids NULL: from
 * the start. */
enum rc check_store_invoices(struct ctx *billing, const struct checked_invoice *after, int64_t max,
    struct checked_invoice **ret_invoices, size_t *ret_count);

/* The same for fees, each with the appointment that it was charged for; a page begins behind after->appointment_id. */
enum rc check_store_fees(struct ctx *billing, const struct checked_invoice *after, int64_t max,
    struct checked_invoice **ret_invoices, size_t *ret_count);

/* What scheduling says of appointments (an array literal of ids) at this moment: one answer for each, in their order. */
struct checked_appointment {
	int64_t n;
	bool known;
	bool cancelled; /* or not shown */
};
enum rc check_store_appointments(struct ctx *scheduling, const char *ids, struct checked_appointment **ret_appointments,
    size_t *ret_count);

/* What billing knows of an event, all as of one moment. */
struct checked_event {
	int64_t n; /* the how-manieth of those asked for, from 1 */
	bool invoiced, settled, received, parked;
};

/* Array literals of appointments' ids, of their events' ids (null: unknown) and types.  An answer for
 * each, in their order. */
enum rc check_store_events(struct ctx *billing, const char *appointment_ids, const char *event_ids,
    const char *types, struct checked_event **ret_events, size_t *ret_count);

struct checked_total {
	const char *currency;
	int64_t invoices, voided;
	struct money amount;           /* of all that are not VOID */
	struct money remaining_amount; /* of these, still to pay */
};

enum rc check_store_totals(struct ctx *billing, struct checked_total **ret_totals, size_t *ret_count);

#endif
