/* handlers.c - /services and /invoices: read what is asked, call the domain, write the answer. */
#include "fcgi/billing/handlers.h"

#include "domain/billing/billing.h"

/* GET /services */
enum rc
services_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct service *found;
	struct page page;
	size_t count;
	bool more;
	enum rc rc;

	rc = request_page(cx, rq, &page);
	if (rc == RC_OK)
		rc = service_list(cx, &page, &found, &count, &more);
	if (rc != RC_OK)
		return rc;
	return reply_list(
	    cx, rp, service_fields, found, count, sizeof(*found), more ? found[count - 1].code : NULL);
}

/* GET /services/{code} */
enum rc
services_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct service found;
	enum rc rc = service_find(cx, request_segment(rq, "code"), &found);

	if (rc == RC_OK)
		rc = reply_one(cx, rp, service_fields, &found, found.version);
	return rc;
}

/* PUT /services/{code} */
enum rc
services_put(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct service asked = { 0 }, saved;
	int64_t version;
	bool created;
	enum rc rc;

	rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = request_read(cx, rq, service_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = service_put(cx, request_segment(rq, "code"), version, &asked, &saved, &created);
	if (rc != RC_OK)
		return rc;
	if (created)
		return reply_created(cx, rp, service_fields, &saved, NULL, saved.version);
	return reply_one(cx, rp, service_fields, &saved, saved.version);
}

/* GET /invoices */
enum rc
invoices_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice_filter filter = { 0 };
	struct invoice *found;
	size_t count;
	bool more;
	enum rc rc;

	rc = request_filters(cx, rq, invoice_filters, &filter);
	if (rc == RC_OK)
		rc = request_page(cx, rq, &filter.page);
	if (rc == RC_OK)
		rc = invoice_list(cx, &filter, &found, &count, &more);
	if (rc != RC_OK)
		return rc;
	return reply_list(
	    cx, rp, invoice_fields, found, count, sizeof(*found), more ? found[count - 1].id : NULL);
}

/* POST /invoices */
enum rc
invoices_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice asked = { 0 }, saved;
	enum rc rc;

	rc = request_read(cx, rq, invoice_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = invoice_create(cx, &billing_ports, &asked, &saved);
	if (rc == RC_OK)
		rc = reply_created(cx, rp, invoice_fields, &saved, saved.id, saved.version);
	return rc;
}

/* GET /invoices/{id} */
enum rc
invoices_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = invoice_find(cx, id, &found);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, invoice_fields, &found, found.version);
	return rc;
}

/* PATCH /invoices/{id} */
enum rc
invoices_update(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct invoice asked = { 0 }, found, saved;
	int64_t version;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = invoice_find(cx, id, &found);
	if (rc != RC_OK)
		return rc;
	asked.currency = found.currency; /* amounts are in the draft's own */
	rc = request_read(cx, rq, invoice_fields, UPDATE, &asked);
	if (rc == RC_OK)
		rc = invoice_update(cx, id, version, &asked, &saved);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, invoice_fields, &saved, saved.version);
	return rc;
}
