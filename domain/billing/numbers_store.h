/* numbers_store.h - the SQL of invoice numbers. */
#ifndef BILLING_NUMBERS_STORE_H
#define BILLING_NUMBERS_STORE_H

#include "domain/billing/billing.h"

/* SQL of a number: "2026-000123".  lpad would cut the seventh digit off. */
#define INVOICE_NUMBER(prefix, n) prefix " || lpad(" n "::text, greatest(6, length(" n "::text)), '0')"

struct numbering {
	int64_t max;
	const char *series; /* what numbers begin with */
	const char *zone;   /* whose year it is */
};

/* At most max of those that wait and that nobody holds locked. */
enum rc numbers_store_next(struct ctx *cx, const struct numbering *batch, int64_t *ret_numbered);

#endif
