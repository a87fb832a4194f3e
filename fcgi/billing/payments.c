/* payments.c - what is done to an invoice's money: read what is asked, call the domain, write the answer. */
#include "domain/billing/billing.h"
#include "fcgi/billing/handlers.h"

/* --- an invoice goes on its way --- */

typedef enum rc invoice_action(
    struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved);

static enum rc
act(struct ctx *cx, const struct request *rq, struct reply *rp, invoice_action *action)
{
	struct invoice saved;
	int64_t version;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = action(cx, &billing_ports, id, version, &saved);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, invoice_fields, &saved, saved.version);
	return rc;
}

/* POST /invoices/{id}/issue */
enum rc
invoices_issue(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return act(cx, rq, rp, invoice_issue);
}

/* POST /invoices/{id}/void */
enum rc
invoices_void(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return act(cx, rq, rp, invoice_void);
}

/* POST /invoices/{id}/write-off */
enum rc
invoices_write_off(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return act(cx, rq, rp, invoice_write_off);
}

/* POST /invoices/{id}/credit-notes */
enum rc
credit_notes_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct adjustment asked = { 0 }, note;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_read(cx, rq, credit_note_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = invoice_credit(cx, &billing_ports, id, &asked, &note);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, credit_note_fields, &note, 0);
	return rc;
}

/* GET /invoices/{id}/credit-notes */
enum rc
credit_notes_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct adjustment *notes;
	const char *id;
	size_t count;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = invoice_credit_notes(cx, id, &notes, &count);
	if (rc == RC_OK)
		rc = reply_list(cx, rp, credit_note_fields, notes, count, sizeof(*notes), NULL);
	return rc;
}

/* --- payments --- */

/* POST /invoices/{id}/payments */
enum rc
payments_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct payment asked = { 0 }, saved;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_read(cx, rq, payment_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = payment_receive(cx, &billing_ports, id, &asked, &saved);
	if (rc != RC_OK)
		return rc;
	return reply_created_at(
	    cx, rp, payment_fields, &saved, arena_printf(cx->arena, "/payments/%s", saved.id), saved.version);
}

/* GET /invoices/{id}/payments */
enum rc
payments_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct payment *payments;
	const char *id;
	size_t count;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = payment_list(cx, id, &payments, &count);
	if (rc == RC_OK)
		rc = reply_list(cx, rp, payment_fields, payments, count, sizeof(*payments), NULL);
	return rc;
}

/* GET /payments/{id} */
enum rc
payments_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct payment found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = payment_find(cx, id, &found);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, payment_fields, &found, found.version);
	return rc;
}

/* POST /payments/{id}/reverse */
enum rc
payments_reverse(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct payment saved;
	int64_t version;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = payment_reverse(cx, &billing_ports, id, version, &saved);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, payment_fields, &saved, saved.version);
	return rc;
}

/* POST /payments/{id}/refunds */
enum rc
refunds_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct adjustment asked = { 0 }, refund;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_read(cx, rq, refund_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = payment_refund(cx, &billing_ports, id, &asked, &refund);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, refund_fields, &refund, 0);
	return rc;
}

/* GET /payments/{id}/refunds */
enum rc
refunds_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct adjustment *refunds;
	const char *id;
	size_t count;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = payment_refunds(cx, id, &refunds, &count);
	if (rc == RC_OK)
		rc = reply_list(cx, rp, refund_fields, refunds, count, sizeof(*refunds), NULL);
	return rc;
}
