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

/*
 * Adds what part of the invoice, which isn't earned after all, takes from REVENUE and TAX; of it done was taken back before.  In the open
 * transaction, with the invoice locked.
 */
enum rc posting_take_back(struct ctx *cx, struct posting *p, int64_t done, int64_t part);

/* The outbox row of type (TYPE_INVOICE_…) for the invoice as it is now; and the same written, in the open transaction. */
enum rc invoice_event(struct ctx *cx, const struct billing_ports *ports, const char *type, const struct invoice *invoice, struct outbox_row *ret_row);
enum rc invoice_tell(struct ctx *cx, const struct billing_ports *ports, const char *type, const struct invoice *invoice);

/* Today in the clinic's time zone. */
void clinic_today(char ret_date[DATE_SIZE]);

/* How much of part is tax, where part of an invoice of gross, with tax in it, is taken back after done was: half away from zero, and so
 * that parts which make the whole give exactly its tax. */
int64_t tax_share(int64_t tax, int64_t gross, int64_t done, int64_t part);

#endif
