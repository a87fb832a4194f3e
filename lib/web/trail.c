#include "lib/web/trail.h"

#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/uuid.h"
#include "lib/web/reply.h"
#include "lib/web/together.h"

/* Whoever did not prove who they are has got nothing to see: the log has them, and they can't fill the trail. */
static bool
due(const struct ctx *cx, const struct request *rq)
{
	const struct web_route *route = rq->route;

	if (rq->program->spool == NULL || route == NULL)
		return false;
	return route->audited || ((route->roles & ROLE_ANYONE) == 0 && *cx->account != '\0');
}

enum rc
trail_ready(struct ctx *cx, const struct request *rq)
{
	return due(cx, rq) ? audit_ready(cx, rq->program->spool) : RC_OK;
}

void
trail_subject(const struct request *rq, const struct field *table, const void *thing)
{
	const char *name = rq->program->subject;
	const struct field *row = name == NULL ? NULL : field_find(table, name);

	if (row != NULL && row->type == F_UUID && *rq->subject == NULL)
		*rq->subject = *(const char *const *)((uintptr_t)thing + row->at);
}

/* The path's own word for it goes before what a body says. */
static const char *
subject_of(const struct request *rq, char scratch[UUID_SIZE])
{
	const char *name = rq->program->subject;
	const char *segment = name == NULL ? NULL : request_segment(rq, name);

	if (segment != NULL && uuid_parse(segment, strlen(segment), scratch))
		return scratch;
	return *rq->subject;
}

static void
add_thing(struct buf *b, const char *thing)
{
	if (thing == NULL)
		return;
	if (b->length > 0)
		buf_add_char(b, ' ');
	buf_add_text(b, thing);
}

/* The path's parameters, what was made, and what the handler says. */
static const char *
thing_of(struct ctx *cx, const struct request *rq, const struct reply *rp)
{
	struct buf b = { .arena = cx->arena };
	const char *at = rq->route->pattern;

	for (size_t i = 0; *at == '/'; i++, at += strcspn(at, "/"))
		if (*++at == '{')
			add_thing(&b, rq->segments[i]);
	add_thing(&b, rp->made);
	add_thing(&b, rp->about);
	return b.bytes;
}

static const char *
filter_of(struct ctx *cx, const struct request *rq)
{
	struct buf b = { .arena = cx->arena };

	for (size_t i = 0; i < rq->query_count; i++) {
		if (i > 0)
			buf_add_char(&b, '&');
		percent_encode(&b, rq->query[i].name);
		buf_add_char(&b, '=');
		percent_encode(&b, rq->query[i].value);
	}
	return b.bytes;
}

static enum rc
note(struct ctx *cx, const struct request *rq, const struct reply *rp, const char *result)
{
	char subject[UUID_SIZE];
	struct audit_entry entry = {
		.action = rq->route_name,
		.thing = thing_of(cx, rq, rp),
		.patient_id = subject_of(rq, subject),
		.filter = filter_of(cx, rq),
		.count = (int64_t)rp->count,
		.result = result,
	};

	return note_together(cx, rq->program->spool, &entry);
}

enum rc
trail_note(struct ctx *cx, const struct request *rq, const struct reply *rp, enum rc rc)
{
	return due(cx, rq) ? note(cx, rq, rp, rc_meaning(rc)->name) : RC_OK;
}

enum rc
trail_begun(struct ctx *cx, const struct request *rq, const struct reply *rp)
{
	return due(cx, rq) ? note(cx, rq, rp, AUDIT_BEGUN) : RC_OK;
}
