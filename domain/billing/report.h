/* report.h - what accounts, statements and reports share, for the domain's own files. */
#ifndef BILLING_REPORT_H
#define BILLING_REPORT_H

#include "domain/billing/account.h"

/* RC_NOT_FOUND where neither the books nor the patient service know the patient. */
enum rc account_verify(struct ctx *cx, const struct billing_ports *ports, const char *patient_id);

/* With all its members; RC_INVALID where it ends before it begins. */
enum rc period_complete(struct ctx *cx, const struct period *asked, struct period *ret_period);

enum rc period_too_long(struct ctx *cx, const char *what, int max); /* RC_INVALID */
enum rc sum_too_large(struct ctx *cx);                              /* RC_CONFLICT */

/* --- report_store.c --- */

struct stored_revenue {
	struct revenue_row row;
	bool too_large;
};

struct stored_ageing {
	struct ageing ageing;
	bool too_large;
};

/* At most max rows. */
enum rc report_store_revenue(
    struct ctx *cx, const struct period *period, int64_t max, struct stored_revenue **ret_rows, size_t *ret_count);
enum rc report_store_ageing(struct ctx *cx, const char *today, struct stored_ageing **ret_rows, size_t *ret_count);

#endif
