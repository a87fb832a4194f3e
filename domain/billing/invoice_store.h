/* invoice_store.h - the invoices' SQL, for the rules of this domain alone. */
#ifndef BILLING_INVOICE_STORE_H
#define BILLING_INVOICE_STORE_H

#include "domain/billing/ledger.h"

/* One that is to be written, with its lines and what goes with it. */
struct invoice_new {
	const struct invoice *invoice; /* id, patient_id, status, currency, amounts and lines; perhaps description and due_date */
	const struct posting *posting;	/* NULL: none */
	const struct outbox_row *event; /* NULL: none */
};

struct invoices_made {
	struct instant at;
	int64_t numbered; /* all that are issued, or none: then they wait for their numbers */
};

/* All or none, by one statement. */
enum rc invoice_store_insert(struct ctx *cx, const struct invoice_new *all, size_t count, struct invoices_made *ret_made);

enum rc invoice_store_find(struct ctx *cx, const char *id, struct invoice *ret_invoice); /* with its lines */

/* The same, and nobody else changes it before the transaction's end. */
enum rc invoice_store_lock(struct ctx *cx, const char *id, struct invoice *ret_invoice);

/* The invoice's amounts, discount, description and due date, and its lines in place of those that there were.  In a transaction,
 * with the invoice locked. */
enum rc invoice_store_replace(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved);

/* Makes it ISSUED, now, due on due_date.  In a transaction, with the invoice locked. */
enum rc invoice_store_issue(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved);

/* after is a UUID, or NULL for the first ones.  Without lines. */
enum rc invoice_store_list(struct ctx *cx, const struct invoice_filter *filter, const char *after,
    int64_t limit, struct invoice **ret_invoices, size_t *ret_count);

/* What a row of invoice has, for statements of others: columns, and what they are. */
#define INVOICE_COLUMNS(i)                                                                                   \
	i ".id, " i ".number, " i ".patient_id, " i ".appointment_id, " i ".service_code, " i ".status, " i ".amount, " i    \
	  ".remaining_amount, " i ".subtotal, " i ".tax, " i ".discount, " i ".amount_paid, " i ".amount_credited, " i       \
	  ".amount_refunded, " i ".currency, " i ".description, case when " i ".status <> 'DRAFT' then " i                    \
	  ".issued_at end as issued_at, " i ".due_date, " i ".appointment_cancelled, " i ".version"

/* The same as members of an invoice that is inside another struct. */
#define INVOICE_ROWS(whole, in) \
	{ .name = "id", .type = F_UUID, .at = offsetof(whole, in.id) }, \
	{ .name = "number", .type = F_TEXT, .at = offsetof(whole, in.number) }, \
	{ .name = "patientId", .type = F_UUID, .at = offsetof(whole, in.patient_id) }, \
	{ .name = "appointmentId", .type = F_UUID, .at = offsetof(whole, in.appointment_id) }, \
	{ .name = "serviceCode", .type = F_TEXT, .at = offsetof(whole, in.service_code) }, \
	{ .name = "status", .type = F_TEXT, .at = offsetof(whole, in.status) }, \
	{ .name = "amount", .type = F_MONEY, .at = offsetof(whole, in.amount) }, \
	{ .name = "remainingAmount", .type = F_MONEY, .at = offsetof(whole, in.remaining_amount) }, \
	{ .name = "subtotal", .type = F_MONEY, .at = offsetof(whole, in.subtotal) }, \
	{ .name = "tax", .type = F_MONEY, .at = offsetof(whole, in.tax) }, \
	{ .name = "discount", .type = F_MONEY, .at = offsetof(whole, in.discount) }, \
	{ .name = "amountPaid", .type = F_MONEY, .at = offsetof(whole, in.amount_paid) }, \
	{ .name = "amountCredited", .type = F_MONEY, .at = offsetof(whole, in.amount_credited) }, \
	{ .name = "amountRefunded", .type = F_MONEY, .at = offsetof(whole, in.amount_refunded) }, \
	{ .name = "currency", .type = F_TEXT, .at = offsetof(whole, in.currency) }, \
	{ .name = "description", .type = F_TEXT, .at = offsetof(whole, in.description) }, \
	{ .name = "issuedAt", .type = F_INSTANT, .at = offsetof(whole, in.issued_at) }, \
	{ .name = "dueDate", .type = F_DATE, .at = offsetof(whole, in.due_date) }, \
	{ .name = "appointmentCancelled", .type = F_BOOL, .at = offsetof(whole, in.appointment_cancelled) }, \
	{ .name = "version", .type = F_COUNT, .at = offsetof(whole, in.version) }

#endif
