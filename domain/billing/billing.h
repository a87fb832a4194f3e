/*
 * billing.h - prices, invoices, and what becomes of bookings.
 */
#ifndef BILLING_BILLING_H
#define BILLING_BILLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/event.h"
#include "lib/field/field.h"
#include "lib/field/page.h"
#include "lib/outbox/outbox.h"

#define BILLING_SCHEMA 8 /* newest file of db/billing */

/* --- prices --- */

#define SERVICE_CODE_MAX 64

struct service {
	const char *code; /* F_CODE */
	const char *description;
	struct money price;   /* without tax */
	const char *currency;
	int64_t tax_rate;     /* of 10,000 parts of a percent: 8.25 % is 82500 */
	int64_t version;
};

extern const struct field service_fields[];

/*
 * Makes or changes it; *ret_created tells which.  The same again changes nothing, not even the version.  code
 * is as it came from outside; if asked->code is there too it must be the same.  if_version 0: whatever is
 * there; else RC_STALE where another or no version is.
 */
enum rc service_put(struct ctx *cx, const char *code, int64_t if_version, const struct service *asked,
    struct service *ret_saved, bool *ret_created);
enum rc service_find(struct ctx *cx, const char *code, struct service *ret_service);

/* One page in order of code, at most page->limit; *ret_more where others follow. */
enum rc service_list(struct ctx *cx, const struct page *page, struct service **ret_services,
    size_t *ret_count, bool *ret_more);

/* --- invoices --- */

#define INVOICE_LINES_MAX 200

/* Of one thing on an invoice.  net = quantity * unit_price - discount; tax is rounded once, half away from zero. */
struct invoice_line {
	const char *service_code; /* NULL: none of the price list */
	const char *description;
	int64_t quantity;         /* 1 to 1,000,000 */
	struct money unit_price;  /* without tax; absent in a request that names a service: its price */
	int64_t tax_rate;         /* as a service's; -1: absent, then the service's, or none */
	struct money discount;    /* its share of the invoice's */
	struct money net, tax;
	const char *currency; /* the invoice's */
};

struct invoice {
	const char *id;
	const char *number; /* NULL until it has one */
	const char *patient_id;
	const char *appointment_id; /* NULL where no booking made it */
	const char *service_code;   /* of the booking */
	const char *status;         /* a name of states.h */
	struct money amount;        /* subtotal + tax */
	struct money remaining_amount;
	struct money subtotal, tax, discount;
	struct money amount_paid;     /* by payments that didn't bounce, also where it was refunded */
	struct money amount_credited; /* by credit notes */
	struct money amount_refunded;
	const char *currency;
	const char *description;
	struct instant issued_at;
	const char *due_date;
	bool appointment_cancelled;
	bool draft;              /* input only */
	struct field_list lines; /* of struct invoice_line; empty in lists of invoices */
	int64_t version;
};

struct payment {
	const char *id;
	const char *invoice_id;
	const char *patient_id;
	struct money amount;
	struct money credited; /* beyond what was owed: now the patient's credit */
	struct money amount_refunded;
	const char *currency;    /* the invoice's */
	const char *method;      /* CASH, CARD, TRANSFER, CHEQUE, INSURANCE, CREDIT: from the patient's credit;
				  * IMPORTED: nobody knows how (invoice_take_over) */
	const char *reference;   /* NULL: none */
	const char *status;      /* RECEIVED, BOUNCED */
	const char *overpayment; /* input only: "credit", or NULL: more than is owed is RC_CONFLICT */
	struct instant received_at;
	const char *invoice_status; /* after it, as the next; NULL where it was only looked up */
	struct money remaining_amount;
	int64_t version;
};

/* A refund of a payment, or a credit note on an invoice. */
struct adjustment {
	const char *id;
	const char *invoice_id;
	const char *payment_id; /* NULL for a credit note */
	struct money amount;
	const char *currency;
	const char *reason;
	struct instant created_at;
	const char *invoice_status; /* after it, as the next; NULL in lists */
	struct money remaining_amount;
};

struct invoice_filter {
	const char *patient_id;
	const char *status;
	struct page page;
};

/* What billing needs from outside; each main program passes an implementation in. */
struct billing_ports {
	/* RC_OK and an answer for each id; RC_UNAVAILABLE or RC_TIMEOUT where nobody can say. */
	enum rc (*patients_exist)(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist);

	/* The value of an event's payload (proto/events.proto: InvoiceChanged), in the arena. */
	enum rc (*encode_invoice)(struct ctx *cx, const struct invoice *invoice, struct field_bytes *ret_payload);
};

extern const struct field invoice_fields[];
extern const struct field invoice_filters[];

/*
 * Verifies the patient, then writes one invoice, ISSUED or, where asked->draft, a DRAFT.  asked has patient_id and currency, and lines, or
 * amount alone, which becomes one line without tax; perhaps discount, description and due_date.  RC_NOT_FOUND, blaming patientId,
 * `patient with Id X do not exist`; RC_INVALID, blaming what makes a sum too large for 64 bits, or what can't be.
 */
enum rc invoice_create(struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked, struct invoice *ret_saved);

/* One of several that are asked for at the same time, each by somebody else. */
struct invoice_order {
	struct ctx *cx; /* who asks, and what is wrong with it; of cx's arena */
	const struct invoice *asked;
	struct invoice saved;
	bool numbered; /* where it was made: it has its number already */
	enum rc rc;
};

/*
 * The same for all of them: verified by one question, written by one statement.  RC_OK: each one's rc and its cx say what became of it.  Any
 * other: of those whose rc is RC_OK nobody has been made, or, with RC_UNAVAILABLE and RC_TIMEOUT, nobody knows; cx says why.
 */
enum rc invoice_create_all(struct ctx *cx, const struct billing_ports *ports, struct invoice_order *orders, size_t count);
enum rc invoice_find(struct ctx *cx, const char *id, struct invoice *ret_invoice); /* with its lines */

/* One page, oldest first, at most filter->page.limit; *ret_more where others follow.  Without lines. */
enum rc invoice_list(struct ctx *cx, const struct invoice_filter *filter, struct invoice **ret_invoices,
    size_t *ret_count, bool *ret_more);

/* Each may give RC_NOT_FOUND, RC_STALE (if_version 0: whatever it is), and RC_CONFLICT where its state doesn't allow it: the message says
 * which states it may go to. */
enum rc invoice_update(struct ctx *cx, const char *id, int64_t if_version, const struct invoice *asked,
    struct invoice *ret_saved); /* of a draft; lines replace all there were */
enum rc invoice_issue(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved);
enum rc invoice_void(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved);
enum rc invoice_write_off(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved);

/* asked has amount and reason.  More than remains is RC_CONFLICT. */
enum rc invoice_credit(struct ctx *cx, const struct billing_ports *ports, const char *invoice_id, const struct adjustment *asked,
    struct adjustment *ret_note);
enum rc invoice_credit_notes(struct ctx *cx, const char *invoice_id, struct adjustment **ret_notes, size_t *ret_count);

/* Marks at most max of those past due on today (YYYY-MM-DD; NULL: today in the clinic's zone) OVERDUE, with their events.  Any number of
 * processes may do it at once.  *ret_marked below max: none is left that nobody else holds. */
enum rc invoice_sweep_overdue(struct ctx *cx, const struct billing_ports *ports, const char *today, size_t max, size_t *ret_marked);

/* Numbers at most max issued invoices that have none, in order of issue, without gaps: "2026-000123", the year in the clinic's zone.
 * What somebody holds is left for the next time.  No two at once number one twice, but not in one order: it is the relay's to do. */
enum rc invoice_number_next(struct ctx *cx, size_t max, size_t *ret_numbered);

/* --- invoices of the system replaced, which keeps an id, a patient, an amount and a state, and nothing else --- */

struct foreign_invoice {
	const char *id;
	const char *patient_id;
	struct money amount;
	const char *currency; /* [billing] currency: there it isn't kept */
	const char *status;
};

extern const struct field foreign_invoice_fields[];

/* *ret_why says why it becomes another state here than it had there; NULL where it doesn't.  RC_INVALID, blaming status, for what is none of
 * the seven. */
enum rc invoice_check_foreign(struct ctx *cx, const struct foreign_invoice *asked, const char **ret_why);

/*
 * In the open transaction, with all that its state means in the books.  RC_OK; RC_DUPLICATE where its id was there already, RC_STALE where
 * it was there with another patient, amount or state: both are left as they are.  booked: the day (YYYY-MM-DD) that all of them count for in the books; NULL: now.
 */
enum rc invoice_take_over(
    struct ctx *cx, const struct foreign_invoice *asked, size_t count, const char *booked, enum rc *ret_each);

/* --- payments --- */

extern const struct field payment_fields[];
extern const struct field refund_fields[];
extern const struct field credit_note_fields[];

/* asked has amount and method; perhaps reference, received_at (else now) and overpayment. */
enum rc payment_receive(struct ctx *cx, const struct billing_ports *ports, const char *invoice_id, const struct payment *asked,
    struct payment *ret_payment);
enum rc payment_find(struct ctx *cx, const char *id, struct payment *ret_payment);
enum rc payment_list(struct ctx *cx, const char *invoice_id, struct payment **ret_payments, size_t *ret_count);

/* It bounced: the invoice is open again.  RC_CONFLICT where it was refunded, or where credit that it made was used. */
enum rc payment_reverse(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct payment *ret_payment);

/* Of a PAID invoice; at most what of the payment went to it and wasn't refunded. */
enum rc payment_refund(struct ctx *cx, const struct billing_ports *ports, const char *payment_id, const struct adjustment *asked,
    struct adjustment *ret_refund);
enum rc payment_refunds(struct ctx *cx, const char *payment_id, struct adjustment **ret_refunds, size_t *ret_count);

/* What the relay publishes. */
extern const struct outbox billing_outbox;

/* --- what becomes of bookings --- */

enum billing_event_kind {
	BOOKING_MADE,
	BOOKING_CANCELLED,
	BOOKING_NO_SHOW,
	BOOKING_ELSE, /* nothing that billing does anything about */
};

/* What became of one event, once billing_take has given RC_OK. */
struct billing_outcome {
	bool repeated;  /* it came before */
	enum rc reason; /* why it is parked; RC_OK: it isn't */
};

/* One event of the batch.  The adapter decodes the payload; what it can't decode it hands over with rc
 * set. */
struct billing_event {
	const struct event *envelope; /* for the dead letter */
	enum rc rc;                   /* RC_OK, or RC_MALFORMED, RC_UNKNOWN_TYPE: to be parked */
	struct billing_outcome *outcome; /* to be filled in; NULL: nobody asks */
	struct trace trace;           /* what follows from it is a part of that */
	enum billing_event_kind kind;
	const char *appointment_id;
	const char *patient_id;
	const char *service_code; /* BOOKING_MADE */
	int64_t notice_ms;        /* BOOKING_CANCELLED: how long before its start; INT64_MAX: nobody knows */
};

/* How a batch ended. */
struct billing_tally {
	size_t invoiced, numbered, voided, repeated, parked;
	size_t reasons[RC_COUNT]; /* of what was parked, how many for which */
};

/*
 * Takes a batch: verifies its patients with one question, then in one transaction writes inbox, invoices,
 * cancellations and dead letters. RC_OK: every event has its effect or is parked, exactly once however often
 * it comes.  Any other: nothing was written; deliver again. A price is the one listed at this moment.
 */
enum rc billing_take(struct ctx *cx, const struct billing_ports *ports, const struct billing_event *events,
    size_t count, struct billing_tally *ret_tally);

/* --- dead letters --- */

struct dead_letter {
	int64_t id;
	const char *ce_id, *type, *source, *time, *traceparent, *topic, *key;
	struct field_bytes payload;
	const char *reason; /* an rc's name: no_price, unknown_patient, malformed, unknown_type */
	int64_t attempts;
	struct instant first_at, last_at, replay_asked_at;
};

extern const struct field dead_letter_fields[];

enum rc dead_letter_list(
    struct ctx *cx, int64_t after, size_t max, struct dead_letter **ret_letters, size_t *ret_count);
enum rc dead_letter_find(struct ctx *cx, int64_t id, struct dead_letter *ret_letter);
enum rc dead_letter_ask_replay(
    struct ctx *cx, int64_t id, int64_t *ret_asked);           /* id 0: all, or none; else RC_NOT_FOUND */
enum rc dead_letter_asked(struct ctx *cx, int64_t *ret_count); /* asked for, and not dealt with yet */

/* How many there are, for which reason: rows in the arena. */
struct dead_letter_count {
	const char *reason;
	int64_t count;
};
enum rc dead_letter_counts(struct ctx *cx, struct dead_letter_count **ret_counts, size_t *ret_count);
enum rc dead_letter_drop(struct ctx *cx, int64_t id);          /* RC_NOT_FOUND */

/* Channel of a NOTIFY whenever some were asked for, dealt with or dropped: for pg_listen_wait. */
#define DEAD_LETTERS_CHANNEL "dead_letters"

/* Those asked to be tried again, for the worker, locked against another worker until the transaction's
 * end. */
enum rc dead_letter_replayable(
    struct ctx *cx, size_t max, struct dead_letter **ret_letters, size_t *ret_count);

/* Tries one again in a transaction of its own: gone where it has its effect now, else its reason, attempts
 * and last_at are brought up to date. RC_UNAVAILABLE and the like leave it as it was. */
enum rc billing_take_again(struct ctx *cx, const struct billing_ports *ports,
    const struct dead_letter *letter, const struct billing_event *event, bool *ret_gone);

#endif
