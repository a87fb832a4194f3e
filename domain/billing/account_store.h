/* account_store.h - the accounts' SQL, for account.c and statement.c alone. */
#ifndef BILLING_ACCOUNT_STORE_H
#define BILLING_ACCOUNT_STORE_H

#include "domain/billing/account.h"

/* Sums may be more than 64 bits hold; then none of the amounts means anything. */
struct stored_balance {
	struct balance balance;
	bool too_large;
};

enum rc account_store_balances(struct ctx *cx, const char *patient_id, const char *today, struct stored_balance **ret_balances,
    size_t *ret_count);
enum rc account_store_open(struct ctx *cx, const char *patient_id, struct invoice **ret_invoices, size_t *ret_count);

/* Whether the books have anything of the patient's. */
enum rc account_store_known(struct ctx *cx, const char *patient_id, bool *ret_known);

struct stored_opening {
	const char *currency;
	struct money opening;
	bool too_large;
};

/* Before the day from: what was owed, less the credit. */
enum rc account_store_opening(
    struct ctx *cx, const char *patient_id, const char *from, struct stored_opening **ret_openings, size_t *ret_count);

/* At most max of them, without balance. */
enum rc account_store_entries(struct ctx *cx, const char *patient_id, const char *from, const char *to, int64_t max,
    struct statement_entry **ret_entries, size_t *ret_count);

#endif
