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

/* POST /appointments/{id}/reschedule */
enum rc
appointments_reschedule(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct appointment asked = { 0 }, moved;
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = request_read(cx, rq, appointment_reschedule_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = appointment_reschedule(cx, &scheduling_ports, id, version, &asked, &moved);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, appointment_fields, &moved, moved.version);
	return rc;
}

/* Those that need to be told nothing: an object without members, or no body. */
static const struct field nothing[] = { FIELD_END };

static enum rc
take_step(struct ctx *cx, const struct request *rq, struct reply *rp,
    enum rc (*step)(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
        struct appointment *ret_appointment))
{
	struct appointment stepped = { 0 };
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK && request_has_body(rq))
		rc = request_read(cx, rq, nothing, CREATE, &stepped);
	if (rc == RC_OK)
		rc = step(cx, &scheduling_ports, id, version, &stepped);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, appointment_fields, &stepped, stepped.version);
	return rc;
}

/* POST /appointments/{id}/check-in */
enum rc
appointments_check_in(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return take_step(cx, rq, rp, appointment_check_in);
}

/* POST /appointments/{id}/complete */
enum rc
appointments_complete(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return take_step(cx, rq, rp, appointment_complete);
}

/* POST /appointments/{id}/no-show */
enum rc
appointments_no_show(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return take_step(cx, rq, rp, appointment_no_show);
}
