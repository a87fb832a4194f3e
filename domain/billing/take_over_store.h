/* take_over_store.h - many invoices at once, with their lines, payments and entries; for take_over.c alone. */
#ifndef BILLING_TAKE_OVER_STORE_H
#define BILLING_TAKE_OVER_STORE_H

#include "domain/billing/billing.h"
#include "lib/pg/pg.h"

/* Rows on their way, all of one moment, RFC 3339. */
struct imported {
	const char *at;
	struct pg_rows lines, payments, refunds, entries;
};

void imported_begin(struct ctx *cx, struct imported *ret, const char *at);

/* RC_OK, RC_DUPLICATE (the id), or RC_STALE (the id, with other values), for each. */
enum rc imported_insert(struct ctx *cx, const struct imported *to, const struct invoice *all, size_t count, enum rc *ret_each);

void imported_add_line(struct imported *to, const struct invoice *of);
void imported_add_payment(struct imported *to, const char *id, const struct invoice *of);
void imported_add_refund(struct imported *to, const char *id, const char *payment_id, const struct invoice *of, const char *reason);
void imported_add_entry(struct imported *to, const char *posting, const char *kind, const char *account, int64_t amount,
    const struct invoice *of, const char *payment_id);

/* Writes what was added. */
enum rc imported_end(struct ctx *cx, const struct imported *to);

#endif
