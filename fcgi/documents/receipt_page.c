#include <string.h>

#include "fcgi/documents/page.h"

void
receipt_page(struct pdf *pdf, const void *document)
{
	const struct document *d = document;
	const struct payment *payment = d->payment;
	const struct invoice *invoice = d->invoice;
	bool bounced = strcmp(payment->status, "BOUNCED") == 0;

	page_head(pdf, d, bounced ? "Receipt, cancelled: the payment bounced" : "Receipt");
	page_fact(pdf, "Payment", payment->id);
	page_fact(pdf, "Received", page_day(d->arena, payment->received_at));
	page_fact(pdf, "Method", payment->method);
	page_fact(pdf, "Reference", payment->reference);
	page_fact(pdf, "For invoice", invoice->number);
	pdf_space(pdf, 12);
	page_sum(pdf, PDF_BOLD, d, bounced ? "Not received" : "Received with thanks", payment->amount.minor, payment->currency);
	if (payment->credited.minor != 0)
		page_sum(pdf, PDF_PLAIN, d, "Of it kept as credit", payment->credited.minor, payment->currency);
	if (payment->amount_refunded.minor != 0)
		page_sum(pdf, PDF_PLAIN, d, "Of it refunded", payment->amount_refunded.minor, payment->currency);
	pdf_space(pdf, 10);
	page_sum(pdf, PDF_PLAIN, d, "Total of the invoice", invoice->amount.minor, invoice->currency);
	page_sum(pdf, PDF_PLAIN, d, "Remaining", invoice->remaining_amount.minor, invoice->currency);
}
