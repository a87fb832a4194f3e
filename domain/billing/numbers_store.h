/* numbers_store.h - the SQL of invoice numbers, for numbers.c alone. */
#ifndef BILLING_NUMBERS_STORE_H
#define BILLING_NUMBERS_STORE_H

#include "domain/billing/billing.h"

struct numbering {
	int64_t max;
	const char *series; /* what numbers begin with */
	const char *zone;   /* whose year it is */
};

/* At most max of those that wait and that nobody holds locked. */
enum rc numbers_store_next(struct ctx *cx, const struct numbering *batch, int64_t *ret_numbered);

#endif
