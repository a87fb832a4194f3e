/* states.c - what may become of an invoice. */
#include "domain/billing/states.h"

#include <assert.h>
#include <string.h>

#include "domain/billing/billing.h"
#include "lib/base/text.h"

const char *const invoice_state_names[] = { "DRAFT", "ISSUED", "PARTIALLY_PAID", "PAID", "OVERDUE", "VOID",
	"UNCOLLECTIBLE", "REFUNDED", NULL };

/* Of its amounts as they are after the move. */
enum when {
	ALWAYS,
	NOTHING_REMAINS,
	ALL_CREDITED,   /* nothing remains, and nothing was paid */
	NOTHING_PAID,
	PAST_DUE,       /* and something remains */
	ALL_REFUNDED,   /* whatever was paid */
};

/* Of the rows of one state and move the first whose condition holds is taken. */
static const struct step {
	enum invoice_state from;
	enum invoice_move move;
	enum when when;
	enum invoice_state to;
} steps[] = {
	{ DRAFT, MOVE_ISSUE, ALWAYS, ISSUED },

	{ ISSUED, MOVE_PAY, NOTHING_REMAINS, PAID },
	{ ISSUED, MOVE_PAY, ALWAYS, PARTIALLY_PAID },
	{ ISSUED, MOVE_OVERDUE, PAST_DUE, OVERDUE },
	{ ISSUED, MOVE_VOID, ALWAYS, VOID },
	{ ISSUED, MOVE_WRITE_OFF, ALWAYS, UNCOLLECTIBLE },
	{ ISSUED, MOVE_CREDIT, NOTHING_REMAINS, VOID },
	{ ISSUED, MOVE_CREDIT, ALWAYS, ISSUED },

	{ PARTIALLY_PAID, MOVE_PAY, NOTHING_REMAINS, PAID },
	{ PARTIALLY_PAID, MOVE_PAY, ALWAYS, PARTIALLY_PAID },
	{ PARTIALLY_PAID, MOVE_OVERDUE, PAST_DUE, OVERDUE },
	{ PARTIALLY_PAID, MOVE_WRITE_OFF, ALWAYS, UNCOLLECTIBLE },
	{ PARTIALLY_PAID, MOVE_CREDIT, NOTHING_REMAINS, PAID },
	{ PARTIALLY_PAID, MOVE_CREDIT, ALWAYS, PARTIALLY_PAID },
	{ PARTIALLY_PAID, MOVE_BOUNCE, PAST_DUE, OVERDUE },
	{ PARTIALLY_PAID, MOVE_BOUNCE, NOTHING_PAID, ISSUED },
	{ PARTIALLY_PAID, MOVE_BOUNCE, ALWAYS, PARTIALLY_PAID },

	{ OVERDUE, MOVE_PAY, NOTHING_REMAINS, PAID },
	{ OVERDUE, MOVE_PAY, ALWAYS, OVERDUE },
	{ OVERDUE, MOVE_VOID, NOTHING_PAID, VOID },
	{ OVERDUE, MOVE_WRITE_OFF, ALWAYS, UNCOLLECTIBLE },
	{ OVERDUE, MOVE_CREDIT, ALL_CREDITED, VOID },
	{ OVERDUE, MOVE_CREDIT, NOTHING_REMAINS, PAID },
	{ OVERDUE, MOVE_CREDIT, ALWAYS, OVERDUE },
	{ OVERDUE, MOVE_BOUNCE, ALWAYS, OVERDUE },

	{ UNCOLLECTIBLE, MOVE_PAY, NOTHING_REMAINS, PAID },
	{ UNCOLLECTIBLE, MOVE_PAY, ALWAYS, UNCOLLECTIBLE },
	{ UNCOLLECTIBLE, MOVE_VOID, NOTHING_PAID, VOID },
	{ UNCOLLECTIBLE, MOVE_CREDIT, ALL_CREDITED, VOID },
	{ UNCOLLECTIBLE, MOVE_CREDIT, NOTHING_REMAINS, PAID },
	{ UNCOLLECTIBLE, MOVE_CREDIT, ALWAYS, UNCOLLECTIBLE },
	{ UNCOLLECTIBLE, MOVE_BOUNCE, ALWAYS, UNCOLLECTIBLE },

	{ PAID, MOVE_BOUNCE, PAST_DUE, OVERDUE },
	{ PAID, MOVE_BOUNCE, NOTHING_PAID, ISSUED },
	{ PAID, MOVE_BOUNCE, ALWAYS, PARTIALLY_PAID },
	{ PAID, MOVE_REFUND, ALL_REFUNDED, REFUNDED },
	{ PAID, MOVE_REFUND, ALWAYS, PAID },
};
#define STEPS (sizeof(steps) / sizeof(*steps))

enum invoice_state
invoice_state(const struct invoice *invoice)
{
	for (enum invoice_state state = DRAFT; state < INVOICE_STATES; state++)
		if (strcmp(invoice->status, invoice_state_names[state]) == 0)
			return state;
	assert(!"a status that the table's check doesn't let in");
	return VOID;
}

bool
invoice_past_due(const struct invoice *invoice, const char *today)
{
	return invoice->remaining_amount.minor > 0 && invoice->due_date != NULL && strcmp(invoice->due_date, today) < 0;
}

static bool
holds(enum when when, const struct invoice *invoice, const char *today)
{
	int64_t paid = invoice->amount_paid.minor, remaining = invoice->remaining_amount.minor;

	switch (when) {
	case NOTHING_REMAINS:
		return remaining == 0;
	case ALL_CREDITED:
		return remaining == 0 && paid == 0;
	case NOTHING_PAID:
		return paid == 0;
	case PAST_DUE:
		return invoice_past_due(invoice, today);
	case ALL_REFUNDED:
		return invoice->amount_refunded.minor == paid;
	default:
		return true;
	}
}

bool
invoice_state_follows(enum invoice_state from, enum invoice_state to)
{
	for (size_t i = 0; i < STEPS; i++)
		if (steps[i].from == from && steps[i].to == to && from != to)
			return true;
	return false;
}

static enum rc
refuse(struct ctx *cx, enum invoice_state from)
{
	struct buf possible = { .arena = cx->arena };

	for (enum invoice_state to = DRAFT; to < INVOICE_STATES; to++)
		if (invoice_state_follows(from, to))
			buf_addf(&possible, "%s%s", possible.length == 0 ? "" : ", ", invoice_state_names[to]);
	if (possible.length == 0)
		return err_set(cx, RC_CONFLICT, "The invoice is %s, which is final", invoice_state_names[from]);
	return err_set(cx, RC_CONFLICT, "The invoice is %s, which may only become %s",
	    invoice_state_names[from], possible.bytes);
}

enum rc
invoice_next_state(
    struct ctx *cx, const struct invoice *invoice, enum invoice_move move, const char *today, enum invoice_state *ret_next)
{
	enum invoice_state from = invoice_state(invoice);

	for (size_t i = 0; i < STEPS; i++) {
		if (steps[i].from != from || steps[i].move != move || !holds(steps[i].when, invoice, today))
			continue;
		*ret_next = steps[i].to;
		return RC_OK;
	}
	return refuse(cx, from);
}
