#include "fcgi/documents/page.h"

/* Columns of an amount have room for 19 digits, a point and a sign: no number is ever broken. */
static const struct pdf_column columns[] = { { 116, false }, { 58, true }, { 130, true }, { 61, true }, { 130, true } };
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* 82500 is "8.25 %". */
static const char *
percent(struct arena *a, int64_t rate)
{
	long long whole = (long long)(rate / 10000), rest = (long long)(rate % 10000);
	int decimals = 4;

	if (rest == 0)
		return arena_printf(a, "%lld %%", whole);
	while (rest % 10 == 0) {
		rest /= 10;
		decimals--;
	}
	return arena_printf(a, "%lld.%0*lld %%", whole, decimals, rest);
}

/* What the line is for, and what was taken off it. */
static const char *
described(const struct document *d, const struct invoice_line *line)
{
	const char *text = line->description != NULL ? line->description : line->service_code;

	if (text == NULL)
		text = "";
	if (line->discount.minor == 0)
		return text;
	return arena_printf(
	    d->arena, "%s\nless a discount of %s", text, page_amount(d->arena, line->discount.minor, d->invoice->currency));
}

static void
lines(struct pdf *pdf, const struct document *d)
{
	const struct invoice *invoice = d->invoice;
	const struct invoice_line *line = invoice->lines.rows;
	const char *headings[COLUMNS] = { "Description", "Quantity", arena_printf(d->arena, "Unit price, %s", invoice->currency),
		"Tax", arena_printf(d->arena, "Amount, %s", invoice->currency) };

	pdf_table(pdf, columns, COLUMNS, headings);
	for (size_t i = 0; i < invoice->lines.count; i++, line++)
		pdf_row(pdf, PDF_PLAIN, columns, COLUMNS,
		    (const char *const[]){ described(d, line), arena_printf(d->arena, "%lld", (long long)line->quantity),
			page_amount(d->arena, line->unit_price.minor, invoice->currency), percent(d->arena, line->tax_rate),
			page_amount(d->arena, line->net.minor, invoice->currency) });
	pdf_table_end(pdf);
}

static void
sum_if(struct pdf *pdf, const struct document *d, const char *name, int64_t minor)
{
	if (minor != 0)
		page_sum(pdf, PDF_PLAIN, d, name, minor, d->invoice->currency);
}

static void
sums(struct pdf *pdf, const struct document *d)
{
	const struct invoice *invoice = d->invoice;

	pdf_space(pdf, 10);
	page_sum(pdf, PDF_PLAIN, d, "Subtotal", invoice->subtotal.minor, invoice->currency);
	page_sum(pdf, PDF_PLAIN, d, "Tax", invoice->tax.minor, invoice->currency);
	page_sum(pdf, PDF_BOLD, d, "Total", invoice->amount.minor, invoice->currency);
	sum_if(pdf, d, "Paid", invoice->amount_paid.minor);
	sum_if(pdf, d, "Credit notes", invoice->amount_credited.minor);
	sum_if(pdf, d, "Refunded", invoice->amount_refunded.minor);
	page_sum(pdf, PDF_BOLD, d, "Remaining", invoice->remaining_amount.minor, invoice->currency);
}

void
invoice_page(struct pdf *pdf, const void *document)
{
	const struct document *d = document;
	const struct invoice *invoice = d->invoice;

	page_head(pdf, d, invoice->number == NULL ? "Draft" : arena_printf(d->arena, "Invoice %s", invoice->number));
	page_fact(pdf, "Number", invoice->number);
	page_fact(pdf, "Issued", page_day(d->arena, invoice->issued_at));
	page_fact(pdf, "Due", invoice->due_date);
	page_fact(pdf, "Status", invoice->status);
	page_fact(pdf, "Description", invoice->description);
	pdf_space(pdf, 12);
	lines(pdf, d);
	sums(pdf, d);
}
