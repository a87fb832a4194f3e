#include "lib/web/route.h"

#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/text.h"
#include "lib/field/field.h"
#include "lib/pg/pg.h"

struct health {
	const char *status;
};

static const struct field health_fields[] = {
	{ "status", F_TEXT, offsetof(struct health, status), .use = REPLY, .help = "live or ready" },
	FIELD_END,
};

/* True where the path names this program. */
static bool
named(const struct request *rq)
{
	const char *asked = request_segment(rq, "program"), *name;
	size_t length;

	name = program_short_name(rq->program->name, &length);
	return strlen(asked) == length && memcmp(asked, name, length) == 0;
}

/* GET /health/{program}/live */
static enum rc
live(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	if (!named(rq))
		return RC_NOT_FOUND;
	return reply_one(cx, rp, health_fields, &(struct health){ "live" }, 0);
}

/* GET /health/{program}/ready: whatever keeps the database from answering, or the audit trail from being written, the program
 * can't do its work. */
static enum rc
ready(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	if (!named(rq))
		return RC_NOT_FOUND;
	if (rq->program->database != NULL && pg_ready(cx, rq->program->schema) != RC_OK)
		return RC_UNAVAILABLE;
	if (rq->program->spool != NULL && audit_ready(cx, rq->program->spool) != RC_OK)
		return RC_UNAVAILABLE;
	return reply_one(cx, rp, health_fields, &(struct health){ "ready" }, 0);
}

const struct web_route health_routes[] = {
	{ "GET", "/health/{program}/live", ROLE_ANYONE, live, "Whether the program runs",
	    .answer = health_fields, .status = 200, .quiet = true },
	{ "GET", "/health/{program}/ready", ROLE_ANYONE, ready, "Whether the program can do its work",
	    .answer = health_fields, .status = 200, .errors = 1u << RC_UNAVAILABLE, .quiet = true },
	WEB_END,
};
