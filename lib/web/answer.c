/* The life of a request: the same for every engine. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "lib/web/authorise.h"
#include "lib/web/counts.h"
#include "lib/web/engine.h"
#include "lib/web/keyed.h"
#include "lib/web/media.h"
#include "lib/web/reply.h"
#include "lib/web/request.h"
#include "lib/web/route.h"
#include "lib/web/throttle.h"
#include "lib/web/together.h"
#include "lib/web/trail.h"

bool
web_worker_open(struct web_worker *worker, const struct web_program *program)
{
	*worker = (struct web_worker){ .program = program };
	if (program->database != NULL) {
		worker->pg = pg_open(program->database(), program->role);
		if (worker->pg == NULL)
			return false;
	}
	worker->arena = arena_new();
	return true;
}

void
web_worker_close(struct web_worker *worker)
{
	if (worker->pg != NULL)
		pg_close(worker->pg);
	arena_free(worker->arena);
}

/* The id and the trace that the client, or a proxy before us, gave the request, where they are what they should be. */
static void
take_request_id(struct ctx *cx, const struct request *rq)
{
	const char *id = request_header(rq, "HTTP_X_REQUEST_ID"), *trace = request_header(rq, "HTTP_TRACEPARENT");

	if (id != NULL && request_id_valid(id))
		cx->request_id = arena_strdup(cx->arena, id);
	else if (trace != NULL && request_id_valid(trace))
		cx->request_id = arena_strdup(cx->arena, trace);
	trace_join(&cx->trace, trace);
}

/* 406, or what the answer will be. */
static enum rc
choose_media(struct ctx *cx, struct request *rq)
{
	const char *media = rq->route->media, *other = rq->route->csv ? "text/csv" : media;
	struct media_accept accept = media_accept(rq->accept, other);

	rq->wants_csv = rq->route->csv && accept.first;
	if (media != NULL ? accept.other : accept.json || accept.other)
		return RC_OK;
	return err_set(cx, RC_NOT_ACCEPTABLE, "The answer is %s%s, which Accept excludes",
	    media != NULL ? media : "application/json", rq->route->csv ? " or text/csv" : "");
}

/* 415 and 406: whether we speak about the same thing. */
static enum rc
check_media(struct ctx *cx, struct request *rq)
{
	const char *type = rq->route->body == NULL ? NULL : request_header(rq, "CONTENT_TYPE");

	if (rq->route->body != NULL && (type != NULL ? !media_is_json(type) : rq->body_length > 0))
		return err_set(cx, RC_MEDIA_TYPE, "The body must be application/json");
	return choose_media(cx, rq);
}

/* "GET /patients/{id}" */
static const char *
route_name(struct arena *a, const struct web_route *route)
{
	struct buf name = { .arena = a };

	buf_add_text(&name, route->method);
	buf_add_char(&name, ' ');
	buf_add_text(&name, route->pattern);
	return name.bytes;
}

/* From the first byte to the handler's door. */
static enum rc
admit(struct ctx *cx, struct request *rq, struct reply *rp, bool *ret_ended)
{
	enum rc rc = request_parse_path(cx, rq), body;
	const char *allow;

	rq->accept = request_header(rq, "HTTP_ACCEPT");
	rq->takes_problem = media_accept(rq->accept, NULL).problem;
	if (rc == RC_OK)
		rc = route_find(rq);
	if (rc == RC_METHOD && strcmp(rq->method, "OPTIONS") == 0 && (allow = route_allow(cx, rq)) != NULL) {
		reply_options(rp, allow);
		rc = RC_OK;
	}
	/* Whatever became of it: the body is read to its end. */
	body = request_read_body(rc == RC_OK ? cx : &(struct ctx){ .arena = cx->arena }, rq, ret_ended);
	if (rc != RC_OK || rq->route == NULL)
		return rc;
	rq->route_name = route_name(cx->arena, rq->route);
	rc = authorise(cx, rq);
	if (rc == RC_OK)
		rc = body;
	if (rc == RC_OK)
		rc = request_parse_query(cx, rq);
	if (rc == RC_OK)
		rc = check_media(cx, rq);
	return rc;
}

static enum rc
handle(struct ctx *cx, struct request *rq, struct reply *rp)
{
	enum rc rc = trail_ready(cx, rq);

	if (rc == RC_OK)
		rc = rq->route->once ? keyed_handle(cx, rq, rp) : rq->route->handler(cx, rq, rp);
	if (rp->streaming && rq->head && rc == RC_CANCELLED)
		return RC_OK; /* reply_stream_begin said so itself */
	if (rc == RC_OK && rp->status == 0)
		return err_detail(cx, RC_INTERNAL, "the handler made no answer");
	return rc;
}

/* Puts the error's answer in the place of what was made, where there is one and it can still be taken back. */
static void
conclude(struct reply *rp, enum rc rc)
{
	if (rc == RC_OK)
		return;
	if (!rp->sent)
		reply_error(rp, rc);
	else
		rp->lost = true;
}

/* What the log calls it: never a path from outside, and no method that we don't know either. */
static void
log_answer(
    const struct ctx *cx, const struct request *rq, const struct reply *rp, enum rc rc, int64_t started)
{
	const char *what = rq->route == NULL ? "(no route)" : rq->route->pattern;
	bool plain = rq->route != NULL || strspn(rq->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(rq->method);

	if (rc == RC_OK && rq->route != NULL && rq->route->quiet)
		return;
	log_together(cx, plain ? rq->method : "(other)", what, rp->status, rc, started);
}

enum web_end
web_answer(struct web_worker *worker, const struct web_env *env)
{
	int64_t started = clock_monotonic_ns();
	const char *subject = NULL;
	struct request rq = {
		.program = worker->program,
		.env = env,
		.method = "",
		.path = "/",
		.subject = &subject,
	};
	bool ended = false;
	struct reply rp;
	struct ctx cx;
	enum rc rc, noted;

	ctx_init(&cx, worker->arena, worker->pg);
	cx.deadline_ns = started + config->web.request_timeout_ms * 1000000;
	take_request_id(&cx, &rq);
	take_address(&cx, &rq);
	reply_init(&rp, &cx, &rq);
	rc = throttle(&cx, &rq, admit(&cx, &rq, &rp, &ended));
	if (rc == RC_OK && rq.route != NULL)
		rc = handle(&cx, &rq, &rp);
	conclude(&rp, rc);
	noted = trail_note(&cx, &rq, &rp, rc);
	if (noted != RC_OK) {
		rc = noted;
		conclude(&rp, rc);
	}
	if (!reply_send(&rp) && rc == RC_OK)
		rc = RC_CANCELLED;
	if (rc == RC_UNAVAILABLE && worker->asked_in_vain != NULL)
		atomic_store(worker->asked_in_vain, true);
	web_counts_answer(&rq, rp.status, clock_monotonic_ns() - started);
	log_answer(&cx, &rq, &rp, rc, started);
	pg_reset(worker->pg);
	arena_reset(worker->arena);
	return rp.lost ? WEB_BREAK : ended ? WEB_KEEP : WEB_CLOSE;
}
