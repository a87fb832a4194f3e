/* handlers.c - /appointments: read what is asked, call the domain, write the answer. */
#include "fcgi/scheduling/handlers.h"

/* GET /appointments */
enum rc
appointments_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct appointment_filter filter = { 0 };
	struct appointment *found;
	const char *next;
	size_t count;
	enum rc rc;

	rc = request_filters(cx, rq, appointment_filters, &filter);
	if (rc == RC_OK)
		rc = request_page(cx, rq, &filter.page);
	if (rc == RC_OK)
		rc = appointment_list(cx, &filter, &found, &count, &next);
	if (rc == RC_OK)
		rc = reply_list(cx, rp, appointment_fields, found, count, sizeof(*found), next);
	return rc;
}

/* POST /appointments */
enum rc
appointments_book(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct appointment asked = { 0 }, booked;
	enum rc rc;

	rc = request_read(cx, rq, appointment_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = appointment_book(cx, &scheduling_ports, &asked, &booked);
	if (rc == RC_OK)
		rc = reply_created(cx, rp, appointment_fields, &booked, booked.id, booked.version);
	return rc;
}

/* GET /appointments/{id} */
enum rc
appointments_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct appointment found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = appointment_find(cx, id, &found);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, appointment_fields, &found, found.version);
	return rc;
}

/* POST /appointments/{id}/cancel */
enum rc
appointments_cancel(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct appointment asked = { 0 }, cancelled;
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK && request_has_body(rq))
		rc = request_read(cx, rq, appointment_cancel_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = appointment_cancel(cx, &scheduling_ports, id, version, asked.cancel_reason, &cancelled);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, appointment_fields, &cancelled, cancelled.version);
	return rc;
}
