/* lines.h - what an invoice's lines come to. */
#ifndef BILLING_LINES_H
#define BILLING_LINES_H

#include "domain/billing/ledger.h"

/*
 * Takes an invoice as it was asked for, with its currency and lines, or amount alone, which becomes one line without tax, and perhaps
 * discount.  Gives it lines of its own, complete: prices, rates and descriptions that a line leaves to the price list, shares of the
 * discount, net and tax; and subtotal, tax, discount and amount.  RC_INVALID, or RC_NOT_FOUND for a service without a price, blaming the
 * member.
 */
enum rc invoice_work_out(struct ctx *cx, struct invoice *invoice);

/* When an invoice that is issued now falls due, by the clinic's terms. */
enum rc invoice_due_date(struct ctx *cx, const char **ret_date);

/* Writes an invoice as it was asked for, with patient_id, with its posting and its event, in the open transaction; RC_INVALID before
 * anything is written.  Whoever asks has verified the patient. */
enum rc invoice_write(struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked, struct invoice *ret_saved);

/* What an invoice with its lines posts when it is issued. */
void posting_issue(struct posting *p, const struct invoice *invoice);

#endif
