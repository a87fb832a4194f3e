/* overdue_store.h - the SQL of the overdue sweep, for overdue.c alone. */
#ifndef BILLING_OVERDUE_STORE_H
#define BILLING_OVERDUE_STORE_H

#include "domain/billing/billing.h"

struct sweep {
	int64_t max;
	const char *today; /* NULL: the zone's, now */
	const char *zone;
};

/* As they are after it, with what an event tells of them. */
enum rc overdue_store_mark(struct ctx *cx, const struct sweep *sweep, struct invoice **ret_marked, size_t *ret_count);

#endif
