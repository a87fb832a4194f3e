/* states.h - what may become of an invoice: one table, which the code runs, doc/invoices.md shows and a test walks. */
#ifndef BILLING_STATES_H
#define BILLING_STATES_H

#include <stdbool.h>

#include "lib/base/ctx.h"

struct invoice;

enum invoice_state {
	DRAFT,
	ISSUED,
	PARTIALLY_PAID,
	PAID,
	OVERDUE,
	VOID,
	UNCOLLECTIBLE,
	REFUNDED,
	INVOICE_STATES
};

extern const char *const invoice_state_names[]; /* by enum invoice_state, then NULL */

enum invoice_state invoice_state(const struct invoice *invoice);

/* What something is called that moves an invoice from state to state. */
enum invoice_move {
	MOVE_ISSUE,
	MOVE_PAY,       /* part of it, all of it */
	MOVE_OVERDUE,
	MOVE_VOID,      /* only where nothing is paid */
	MOVE_WRITE_OFF,
	MOVE_CREDIT,    /* a credit note: by part of it, all of it */
	MOVE_BOUNCE,
	MOVE_REFUND,
	INVOICE_MOVES
};

/*
 * The state that the move leads to; invoice has its amounts as they are after it, and today (YYYY-MM-DD, the clinic's) tells whether it is
 * past due.  RC_CONFLICT where it may not move so: the message names its state and the states that are possible from there.
 */
enum rc invoice_next_state(
    struct ctx *cx, const struct invoice *invoice, enum invoice_move move, const char *today, enum invoice_state *ret_next);

/* Something remains, and the day that it was due is over. */
bool invoice_past_due(const struct invoice *invoice, const char *today);

/* Whether the table has a step from one to another, by any move. */
bool invoice_state_follows(enum invoice_state from, enum invoice_state to);

#endif
