/* account.h - what a patient owes and has, how that came about, and what the clinic earns: all of it read from the books. */
#ifndef BILLING_ACCOUNT_H
#define BILLING_ACCOUNT_H

#include "domain/billing/billing.h"

#define ACCOUNT_INVOICES_MAX 500
#define STATEMENT_ENTRIES_MAX 5000
#define REPORT_ROWS_MAX 5000

/* --- accounts --- */

/* What is owed by the days since it was due, as of today in the clinic's zone; what isn't due yet counts as of today. */
struct ageing {
	const char *currency;
	int64_t open_invoices;
	struct money days_0_to_30, days_31_to_60, days_61_to_90, days_over_90;
	struct money total;
};

/* One for each currency.  What was written off is owed no more. */
struct balance {
	const char *currency;
	struct money balance, credit;
	int64_t open_invoices;
	struct ageing ageing;
};

struct account {
	const char *patient_id;
	struct field_list balances; /* of struct balance, in order of currency */
	struct field_list invoices; /* of struct invoice: the open ones, oldest first, at most ACCOUNT_INVOICES_MAX */
};

extern const struct field account_fields[];

/* RC_NOT_FOUND where billing knows nothing of the patient, and the patient service neither. */
enum rc account_find(struct ctx *cx, const struct billing_ports *ports, const char *patient_id, struct account *ret_account);

/* --- statements and reports --- */

/* Both days inclusive, of the clinic's zone; NULL: the start of this year, today. */
struct period {
	const char *from, *to;
	const char *by; /* of the revenue: "day", "month", "service" or "method"; NULL: month */
};

extern const struct field statement_filters[];
extern const struct field revenue_filters[];

struct statement_entry {
	const char *date;
	const char *kind; /* of the posting; OPENING and CLOSING in files */
	const char *invoice_number, *description, *method;
	struct money debit, credit; /* one of them absent, or both there: paid from the credit */
	struct money balance;       /* after it; negative: the patient has credit */
	const char *currency;
};

struct statement_balance {
	const char *currency;
	struct money opening, closing;
};

struct statement {
	const char *patient_id, *from, *to;
	struct field_list balances; /* of struct statement_balance, in order of currency */
	struct field_list entries;  /* of struct statement_entry, oldest first */
};

extern const struct field statement_fields[];
extern const struct field statement_entry_fields[];

/* RC_NOT_FOUND as account_find; RC_INVALID where the period has too many entries. */
enum rc statement_find(struct ctx *cx, const struct billing_ports *ports, const char *patient_id, const struct period *period,
    struct statement *ret_statement);

/* Its entries with a line for each opening before and each closing balance after, as a file shows them. */
void statement_lines(struct ctx *cx, const struct statement *statement, struct statement_entry **ret_lines, size_t *ret_count);

struct revenue_row {
	const char *key; /* NULL: a service that isn't on the price list */
	const char *currency;
	struct money revenue, tax; /* by method: absent; by service no tax, which belongs to the invoice */
	struct money received;     /* by method alone */
	struct money refunds;      /* what of it went back: already taken off the others but received */
};

struct revenue {
	struct period period;
	struct field_list rows; /* of struct revenue_row, in order of key and currency */
};

extern const struct field revenue_fields[];
extern const struct field revenue_row_fields[];

enum rc revenue_find(struct ctx *cx, const struct period *period, struct revenue *ret_revenue);

struct ageing_report {
	const char *date;
	struct field_list rows; /* of struct ageing, in order of currency */
};

extern const struct field ageing_fields[];
extern const struct field ageing_report_fields[];

enum rc ageing_find(struct ctx *cx, struct ageing_report *ret_report);

#endif
