/* page.h - what documents show, and how. */
#ifndef FCGI_DOCUMENTS_PAGE_H
#define FCGI_DOCUMENTS_PAGE_H

#include "domain/billing/account.h"
#include "domain/billing/billing.h"
#include "lib/base/dates.h"
#include "lib/pdf/pdf.h"

/* Whom a document is for. */
struct document_patient {
	const char *id;
	bool exists;
	const char *name, *address, *date_of_birth; /* NULL where they don't exist */
};

struct document {
	struct arena *arena;
	struct document_patient patient;
	const struct invoice *invoice; /* NULL for a statement */
	const struct payment *payment; /* of a receipt */
	const struct statement *statement;
	const struct statement_entry *lines; /* the statement's, with the balances before and after */
	size_t line_count;
};

/* Each writes all of one document: for pdf_make. */
void invoice_page(struct pdf *pdf, const void *document);
void receipt_page(struct pdf *pdf, const void *document);
void statement_page(struct pdf *pdf, const void *document);

/* --- what they share --- */

/* The clinic, the title, and whom it is for. */
void page_head(struct pdf *pdf, const struct document *d, const char *title);

/* A name and its value on one line; nothing where value is NULL or empty. */
void page_fact(struct pdf *pdf, const char *name, const char *value);

/* A name and an amount at the right edge. */
void page_sum(struct pdf *pdf, enum pdf_style style, const struct document *d, const char *name, int64_t minor, const char *currency);

/* With the currency's decimals, in the arena. */
const char *page_amount(struct arena *a, int64_t minor, const char *currency);

/* The day in the clinic's time zone, in the arena. */
const char *page_day(struct arena *a, struct instant at);

#endif
