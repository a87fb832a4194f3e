/* settle.h - what every change of an invoice's money begins and ends with. */
#ifndef BILLING_SETTLE_H
#define BILLING_SETTLE_H

#include "domain/billing/ledger.h"
#include "domain/billing/states.h"

/* In the open transaction.  The invoice, without lines, locked.  RC_NOT_FOUND with its words. */
enum rc settle_begin(struct ctx *cx, const char *invoice_id, struct invoice *ret_invoice);

/* RC_STALE where if_version isn't 0 and another than the invoice's. */
enum rc settle_check_version(struct ctx *cx, const struct invoice *invoice, int64_t if_version);

/* RC_CONFLICT where its state doesn't allow the move, whatever the amounts. */
enum rc settle_may(struct ctx *cx, const struct invoice *invoice, enum invoice_move move);

/*
 * invoice has its amounts paid, credited and refunded as they are after the move: works out what remains and its state (RC_CONFLICT where
 * it may not), writes both, the posting (NULL: none) and the event, and brings invoice up to date.
 */
enum rc settle_end(struct ctx *cx, const struct billing_ports *ports, struct invoice *invoice, enum invoice_move move,
    const struct posting *posting);

/* Where what an invoice still owes is booked: given up, it is no receivable any more. */
const char *settle_owed_account(const struct invoice *invoice);

/* RC_INVALID, blaming currency, where it isn't the invoice's; blaming amount, where it isn't more than 0. */
enum rc settle_check_amount(struct ctx *cx, const struct invoice *invoice, struct money amount, const char *currency);

/* An amount as text in the invoice's currency, for messages. */
const char *settle_text(struct ctx *cx, const struct invoice *invoice, int64_t minor);

#endif
