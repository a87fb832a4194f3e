/* handlers.c - /documents: look up what a document shows, and have it drawn. */
#include "fcgi/documents/handlers.h"

#include <time.h>

#include "domain/billing/states.h"
#include "lib/base/clock.h"
#include "lib/web/trail.h"

/* How long a number is waited for, which the relay gives within a second of the commit, and how often it is looked for. */
#define NUMBER_WAIT_NS (2 * INT64_C(1000000000))
#define NUMBER_LOOK_NS 20000000L

static void
pause_ns(void *arg)
{
	nanosleep(arg, NULL);
}

/* An invoice with its number, unless it is a draft, which has none. */
static enum rc
find_numbered(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	int64_t until = clock_monotonic_ns() + NUMBER_WAIT_NS;
	struct timespec look = { .tv_nsec = NUMBER_LOOK_NS };
	enum rc rc;

	for (;;) {
		rc = invoice_find(cx, id, ret_invoice);
		if (rc != RC_OK || ret_invoice->number != NULL || invoice_state(ret_invoice) == DRAFT)
			return rc;
		if (clock_monotonic_ns() >= until)
			return err_set(cx, RC_UNAVAILABLE, "The invoice has no number yet");
		offload(pause_ns, &look);
	}
}

struct drawing {
	struct ctx *cx;
	const char *name;
	int64_t made_us;
	void (*page)(struct pdf *, const void *);
	const struct document *document;
	struct buf bytes;
	enum rc rc;
};

static void
draw_now(void *arg)
{
	struct drawing *d = arg;

	d->rc = pdf_make(d->cx, d->name, d->made_us, d->page, d->document, &d->bytes);
}

/* Ten milliseconds of processor, and a deep stack: elsewhere, so that other requests go on. */
static enum rc
draw(struct ctx *cx, struct reply *rp, void (*page)(struct pdf *, const void *), const struct document *d, const char *name,
    struct instant made)
{
	struct drawing drawing = {
		.cx = cx, .name = name, .made_us = made.us, .page = page, .document = d, .bytes = { .arena = cx->arena }
	};

	offload(draw_now, &drawing);
	if (drawing.rc != RC_OK)
		return drawing.rc;
	return reply_content(
	    cx, rp, "application/pdf", drawing.bytes.bytes, drawing.bytes.length, arena_printf(cx->arena, "%s.pdf", name));
}

/* GET /documents/invoices/{id} */
enum rc
documents_invoice(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice invoice;
	struct document d = { .arena = cx->arena, .invoice = &invoice };
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = find_numbered(cx, id, &invoice);
	if (rc != RC_OK)
		return rc;
	trail_subject(rq, invoice_fields, &invoice);
	rc = documents_patient(cx, invoice.patient_id, &d.patient);
	if (rc == RC_OK)
		rc = draw(cx, rp, invoice_page, &d,
		    arena_printf(cx->arena, "invoice-%s", invoice.number != NULL ? invoice.number : "draft"), invoice.issued_at);
	return rc;
}

/* GET /documents/receipts/{paymentId} */
enum rc
documents_receipt(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice invoice;
	struct payment payment;
	struct document d = { .arena = cx->arena, .invoice = &invoice, .payment = &payment };
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "paymentId", &id);
	if (rc == RC_OK)
		rc = payment_find(cx, id, &payment);
	if (rc != RC_OK)
		return rc;
	trail_subject(rq, payment_fields, &payment);
	rc = find_numbered(cx, payment.invoice_id, &invoice);
	if (rc == RC_OK)
		rc = documents_patient(cx, payment.patient_id, &d.patient);
	if (rc == RC_OK)
		rc = draw(cx, rp, receipt_page, &d, arena_printf(cx->arena, "receipt-%s", payment.id), payment.received_at);
	return rc;
}

/* GET /documents/statements/{patientId} */
enum rc
documents_statement(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct statement statement;
	struct statement_entry *lines;
	struct document d = { .arena = cx->arena, .statement = &statement };
	struct period period = { 0 };
	struct instant made = { 0 };
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "patientId", &id);
	if (rc == RC_OK)
		rc = request_filters(cx, rq, statement_filters, &period);
	if (rc == RC_OK)
		rc = statement_find(cx, &documents_ports, id, &period, &statement);
	if (rc == RC_OK)
		rc = documents_patient(cx, id, &d.patient);
	if (rc != RC_OK)
		return rc;
	statement_lines(cx, &statement, &lines, &d.line_count);
	d.lines = lines;
	/* Its last day: the same bytes for the same period, as long as nothing more is booked. */
	(void)instant_parse(arena_printf(cx->arena, "%sT00:00:00Z", statement.to), DATE_SIZE - 1 + sizeof("T00:00:00Z") - 1, &made);
	return draw(cx, rp, statement_page, &d, arena_printf(cx->arena, "statement-%s-%s", statement.from, statement.to), made);
}
