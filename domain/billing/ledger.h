/* ledger.h - postings of the double-entry ledger, and the events that go out with them, for the domain's own files. */
#ifndef BILLING_LEDGER_H
#define BILLING_LEDGER_H

#include "domain/billing/billing.h"

#define POSTING_ENTRIES_MAX (INVOICE_LINES_MAX + 4)

struct ledger_entry {
	const char *account; /* RECEIVABLE, REVENUE, TAX, CASH … (db/billing/0003_money.sql) */
	int64_t minor;       /* a debit is positive */
	const char *service_code; /* of REVENUE; NULL elsewhere */
};

/* Starts as { .kind = "PAYMENT", .invoice = …, .payment_id = … }. */
struct posting {
	const char *kind;
	const struct invoice *invoice;
	const char *payment_id; /* NULL: none */
	size_t count;
	struct ledger_entry entries[POSTING_ENTRIES_MAX];
};

/* A debit of minor, or where that is negative a credit; of nothing: no entry. */
void posting_add(struct posting *p, const char *account, int64_t minor, const char *service_code);

/* Writes it in the open transaction; nothing where it has no entries.  Its entries add up to zero, or it is a bug of ours. */
enum rc ledger_post(struct ctx *cx, const struct posting *p);

/* The outbox row of type (TYPE_INVOICE_…) for the invoice as it is now, in the open transaction. */
enum rc invoice_tell(struct ctx *cx, const struct billing_ports *ports, const char *type, const struct invoice *invoice);

/* Today in the clinic's time zone. */
void clinic_today(char ret_date[DATE_SIZE]);

/* That a number of smallest units of an amount goes to tax when part of gross is taken back: of all that was taken back so far (done), and
 * this (part).  Sums of parts give exactly the whole's tax. */
int64_t tax_share(int64_t tax, int64_t gross, int64_t done, int64_t part);

#endif
