/* money_store.h - the SQL of what is done to an invoice's money, always with the invoice locked. */
#ifndef BILLING_MONEY_STORE_H
#define BILLING_MONEY_STORE_H

#include "domain/billing/billing.h"

/* The invoice, without lines, and nobody else's until the transaction ends.  RC_NOT_FOUND. */
enum rc money_store_lock(struct ctx *cx, const char *id, struct invoice *ret_invoice);

/* Its status and amounts, as they are now; *ret_version is the new one. */
enum rc money_store_save(struct ctx *cx, const struct invoice *invoice, int64_t *ret_version);

enum rc money_store_insert_payment(struct ctx *cx, const struct payment *p, struct payment *ret_payment);
enum rc money_store_find_payment(struct ctx *cx, const char *id, struct payment *ret_payment);
enum rc money_store_list_payments(struct ctx *cx, const char *invoice_id, struct payment **ret_payments, size_t *ret_count);

/* Its status and amount_refunded. */
enum rc money_store_save_payment(struct ctx *cx, const struct payment *p, struct payment *ret_payment);

/* RC_CONFLICT, without words, where it would be less than nothing or more than 64 bits hold. */
enum rc money_store_add_credit(struct ctx *cx, const char *patient_id, const char *currency, int64_t minor);

enum rc money_store_insert_refund(struct ctx *cx, const struct adjustment *a, struct adjustment *ret_refund);
enum rc money_store_list_refunds(struct ctx *cx, const char *payment_id, struct adjustment **ret_refunds, size_t *ret_count);
enum rc money_store_insert_credit_note(struct ctx *cx, const struct adjustment *a, struct adjustment *ret_note);
enum rc money_store_list_credit_notes(struct ctx *cx, const char *invoice_id, struct adjustment **ret_notes, size_t *ret_count);

#endif
