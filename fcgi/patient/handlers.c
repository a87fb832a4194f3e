/* handlers.c - /patients: read what is asked, call the domain, write the answer. */
#include "fcgi/patient/handlers.h"

#include "domain/patient/patient.h"

struct stream {
	struct ctx *cx;
	struct reply *reply;
	bool begun;
};

/* The answer begins with the first row, so that a failure before it is still an ordinary error. */
static enum rc
stream_row(void *closure, const void *patient)
{
	struct stream *s = closure;

	if (!s->begun) {
		enum rc rc = reply_stream_begin(s->cx, s->reply, patient_fields);

		if (rc != RC_OK)
			return rc;
		s->begun = true;
	}
	return reply_stream_row(s->reply, patient);
}

static enum rc
list_all(struct ctx *cx, struct reply *rp, const struct patient_filter *filter)
{
	struct stream s = { .cx = cx, .reply = rp };
	enum rc rc;

	rc = patient_for_each(cx, filter, stream_row, &s);
	if (rc == RC_OK && !s.begun)
		rc = reply_stream_begin(cx, rp, patient_fields);
	if (rc == RC_OK)
		rc = reply_stream_end(rp);
	return rc;
}

/* GET /patients */
enum rc
patients_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct patient_filter filter = { 0 };
	struct patient *found;
	size_t count;
	bool more;
	enum rc rc;

	rc = request_filters(cx, rq, patient_filters, &filter);
	if (rc == RC_OK)
		rc = request_page(cx, rq, &filter.page);
	if (rc != RC_OK)
		return rc;
	if (!filter.page.asked)
		return list_all(cx, rp, &filter);
	rc = patient_list(cx, &filter, &found, &count, &more);
	if (rc != RC_OK)
		return rc;
	return reply_list(
	    cx, rp, patient_fields, found, count, sizeof(*found), more ? found[count - 1].id : NULL);
}

/* POST /patients */
enum rc
patients_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct patient asked = { 0 }, saved;
	enum rc rc;

	rc = request_read(cx, rq, patient_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = patient_register(cx, &asked, &saved);
	if (rc == RC_OK)
		rc = reply_created(cx, rp, patient_fields, &saved, saved.id, saved.version);
	return rc;
}

/* GET /patients/{id} */
enum rc
patients_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct patient found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = patient_find(cx, id, &found);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, patient_fields, &found, found.version);
	return rc;
}

/* PATCH /patients/{id} */
enum rc
patients_change(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct patient changes = { 0 }, saved;
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = request_read(cx, rq, patient_fields, UPDATE, &changes);
	if (rc == RC_OK)
		rc = patient_change(cx, id, version, &changes, &saved);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, patient_fields, &saved, saved.version);
	return rc;
}

/* DELETE /patients/{id} */
enum rc
patients_delete(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = patient_remove(cx, id, version);
	if (rc == RC_OK)
		rc = reply_nothing(cx, rp);
	return rc;
}
