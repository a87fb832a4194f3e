/* settle.c - from a locked invoice to its new state, with its posting and its event. */
#include "domain/billing/settle.h"

#include <string.h>

#include "domain/billing/money_store.h"
#include "lib/base/event.h"

/* By enum invoice_state. */
static const char *const event_types[] = {
	[DRAFT] = NULL,
	[ISSUED] = TYPE_INVOICE_ISSUED,
	[PARTIALLY_PAID] = TYPE_INVOICE_PARTIALLY_PAID,
	[PAID] = TYPE_INVOICE_PAID,
	[OVERDUE] = TYPE_INVOICE_OVERDUE,
	[VOID] = TYPE_INVOICE_VOIDED,
	[UNCOLLECTIBLE] = TYPE_INVOICE_UNCOLLECTIBLE,
	[REFUNDED] = TYPE_INVOICE_REFUNDED,
};

enum rc
settle_begin(struct ctx *cx, const char *invoice_id, struct invoice *ret_invoice)
{
	enum rc rc = money_store_lock(cx, invoice_id, ret_invoice);

	return rc == RC_NOT_FOUND ? err_set(cx, rc, "Invoice with the id %s doesn't exist", invoice_id) : rc;
}

enum rc
settle_check_version(struct ctx *cx, const struct invoice *invoice, int64_t if_version)
{
	if (if_version != 0 && if_version != invoice->version)
		return err_set(cx, RC_STALE, "The invoice was changed meanwhile");
	return RC_OK;
}

enum rc
settle_may(struct ctx *cx, const struct invoice *invoice, enum invoice_move move)
{
	enum invoice_state next;
	char today[DATE_SIZE];

	clinic_today(today);
	return invoice_next_state(cx, invoice, move, today, &next);
}

enum rc
settle_end(struct ctx *cx, const struct billing_ports *ports, struct invoice *invoice, enum invoice_move move,
    const struct posting *posting)
{
	enum invoice_state before = invoice_state(invoice), next;
	char today[DATE_SIZE];
	enum rc rc;

	clinic_today(today);
	invoice->remaining_amount.minor = invoice->amount.minor - invoice->amount_paid.minor - invoice->amount_credited.minor;
	rc = invoice_next_state(cx, invoice, move, today, &next);
	if (rc != RC_OK)
		return rc;
	invoice->status = invoice_state_names[next];
	if (next == VOID || next == REFUNDED)
		invoice->remaining_amount.minor = 0;
	rc = money_store_save(cx, invoice, &invoice->version);
	if (rc == RC_OK && posting != NULL)
		rc = ledger_post(cx, posting);
	/* One part-payment after the other is news, although the state is the same. */
	if (rc == RC_OK && (next != before || (move == MOVE_PAY && next == PARTIALLY_PAID)))
		rc = invoice_tell(cx, ports, event_types[next], invoice);
	return rc;
}

const char *
settle_owed_account(const struct invoice *invoice)
{
	return strcmp(invoice->status, invoice_state_names[UNCOLLECTIBLE]) == 0 ? "WRITE_OFF" : "RECEIVABLE";
}

enum rc
settle_check_amount(struct ctx *cx, const struct invoice *invoice, struct money amount, const char *currency)
{
	if (strcmp(currency, invoice->currency) != 0)
		return err_field(cx, RC_INVALID, "currency", "must be %s, which is the invoice's", invoice->currency);
	if (amount.minor == 0)
		return err_field(cx, RC_INVALID, "amount", "must be more than 0");
	return RC_OK;
}

const char *
settle_text(struct ctx *cx, const struct invoice *invoice, int64_t minor)
{
	char text[MONEY_TEXT_SIZE];

	money_format(minor, invoice->currency, text);
	return arena_printf(cx->arena, "%s %s", text, invoice->currency);
}
