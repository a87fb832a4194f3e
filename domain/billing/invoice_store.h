/* invoice_store.h - the invoices' SQL, for invoice.c alone. */
#ifndef BILLING_INVOICE_STORE_H
#define BILLING_INVOICE_STORE_H

#include "domain/billing/billing.h"

/* A request that may come again, with the key under which its result is kept. */
struct keyed_invoice {
	struct invoice invoice;
	const char *account, *route, *key;
	const char *fingerprint; /* what was asked for, to tell another request with the same key */
	const char *result_id;   /* of the invoice that was made */
};

/* Both take id, patient_id, amount and currency, perhaps description and due_date. */
enum rc invoice_store_insert(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved);

/* Keeps the key with it, all or nothing; RC_NOT_FOUND, without blame, where the key was used before.
 * Waits for one who uses it just now. */
enum rc invoice_store_insert_once(
    struct ctx *cx, const struct keyed_invoice *keyed, struct invoice *ret_saved);

/* The fingerprint and result_id kept under keyed's account, route and key. */
enum rc invoice_store_find_key(
    struct ctx *cx, const struct keyed_invoice *keyed, struct keyed_invoice *ret_kept);

enum rc invoice_store_find(struct ctx *cx, const char *id, struct invoice *ret_invoice);

/* after is a UUID, or NULL for the first ones. */
enum rc invoice_store_list(struct ctx *cx, const struct invoice_filter *filter, const char *after,
    int64_t limit, struct invoice **ret_invoices, size_t *ret_count);

#endif
