#include <string.h>

#include "domain/billing/account.h"
#include "fcgi/documents/page.h"

/* Amounts of 19 digits are whole here too. */
static const struct pdf_column columns[] = { { 60, false }, { 81, false }, { 118, true }, { 118, true }, { 118, true } };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *
amount(const struct document *d, const struct statement_entry *entry, struct money money)
{
	return money.known ? page_amount(d->arena, money.minor, entry->currency) : NULL;
}

/* What happened, to which invoice, and how it was paid. */
static const char *
described(const struct document *d, const struct statement_entry *entry)
{
	return arena_printf(d->arena, "%s%s%s%s%s", entry->kind, entry->invoice_number != NULL ? "\n" : "",
	    entry->invoice_number != NULL ? entry->invoice_number : "", entry->method != NULL ? "\n" : "",
	    entry->method != NULL ? entry->method : "");
}

/* One currency after the other, each with its own table. */
void
statement_page(struct pdf *pdf, const void *document)
{
	const struct document *d = document;
	const struct statement_balance *balance = d->statement->balances.rows;
	static const char *const headings[COLUMNS] = { "Date", "Entry", "Debit", "Credit", "Balance" };

	page_head(pdf, d, "Statement");
	page_fact(pdf, "From", d->statement->from);
	page_fact(pdf, "To", d->statement->to);
	if (d->statement->balances.count == 0)
		pdf_text(pdf, PDF_PLAIN, "Nothing was booked.");
	for (size_t i = 0; i < d->statement->balances.count; i++, balance++) {
		pdf_space(pdf, 12);
		pdf_text(pdf, PDF_BOLD, balance->currency);
		pdf_table(pdf, columns, COLUMNS, headings);
		for (size_t n = 0; n < d->line_count; n++) {
			const struct statement_entry *entry = &d->lines[n];

			if (strcmp(entry->currency, balance->currency) == 0)
				pdf_row(pdf, PDF_PLAIN, columns, COLUMNS,
				    (const char *const[]){ entry->date, described(d, entry), amount(d, entry, entry->debit),
					amount(d, entry, entry->credit), amount(d, entry, entry->balance) });
		}
		pdf_table_end(pdf);
	}
}
