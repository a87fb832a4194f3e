/* ledger_store.h - the ledger's SQL. */
#ifndef BILLING_LEDGER_STORE_H
#define BILLING_LEDGER_STORE_H

#include "domain/billing/ledger.h"

/* What an invoice has earned by one service. */
struct revenue {
	const char *service_code; /* NULL: none of the price list */
	int64_t minor;            /* never negative */
};

enum rc ledger_store_post(struct ctx *cx, const struct posting *p);

/* The same as a part of a statement that writes more: entries as one array for each column, and the insert that takes them as its
 * parameters, in this order. */
struct ledger_columns {
	const char *postings, *kinds, *currencies, *patients, *invoices, *payments, *accounts, *amounts, *services;
};

struct ledger_columns ledger_columns(struct ctx *cx, const struct posting *const *postings, size_t count);

#define LEDGER_INTO(postings, kinds, currencies, patients, invoices, payments, accounts, amounts, services) \
	"insert into ledger (posting, kind, currency, patient_id, invoice_id, payment_id, account, amount, service_code)" \
	" select * from unnest(" postings "::uuid[], " kinds "::text[], " currencies "::text[], " patients "::uuid[]," \
	" " invoices "::uuid[], " payments "::uuid[], " accounts "::text[], " amounts "::bigint[], " services "::text[])"

/* Members of the statement's struct whole that has them as member in. */
#define LEDGER_COLUMNS(whole, in) \
	{ .name = "postings", .type = F_TEXT, .at = offsetof(whole, in.postings) }, \
	{ .name = "postingKinds", .type = F_TEXT, .at = offsetof(whole, in.kinds) }, \
	{ .name = "postingCurrencies", .type = F_TEXT, .at = offsetof(whole, in.currencies) }, \
	{ .name = "postingPatients", .type = F_TEXT, .at = offsetof(whole, in.patients) }, \
	{ .name = "postingInvoices", .type = F_TEXT, .at = offsetof(whole, in.invoices) }, \
	{ .name = "postingPayments", .type = F_TEXT, .at = offsetof(whole, in.payments) }, \
	{ .name = "postingAccounts", .type = F_TEXT, .at = offsetof(whole, in.accounts) }, \
	{ .name = "postingAmounts", .type = F_TEXT, .at = offsetof(whole, in.amounts) }, \
	{ .name = "postingServices", .type = F_TEXT, .at = offsetof(whole, in.services) }

#define TAKES_LEDGER \
	"postings postingKinds postingCurrencies postingPatients postingInvoices postingPayments postingAccounts postingAmounts postingServices"

enum rc ledger_store_revenue(struct ctx *cx, const char *invoice_id, struct revenue **ret_revenue, size_t *ret_count);

#endif
