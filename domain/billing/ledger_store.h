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
enum rc ledger_store_revenue(struct ctx *cx, const char *invoice_id, struct revenue **ret_revenue, size_t *ret_count);

#endif
