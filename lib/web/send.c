/* How an answer leaves: its head, then its content, at once or bit by bit. */
#include <string.h>

#include "lib/web/reply.h"
#include "lib/web/throttle.h"
#include "lib/web/trail.h"

/* A stream goes out in pieces of about this size. */
#define STREAM_PIECE ((size_t)16 * 1024)

static const char *
phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 204:
		return "No Content";
	case 304:
		return "Not Modified";
	default:
		break;
	}
	for (enum rc rc = RC_OK; rc < RC_COUNT; rc++)
		if (rc_meaning(rc)->http == status)
			return rc_meaning(rc)->title;
	return "Unknown";
}

static void
write_out(struct reply *rp, const struct buf *b)
{
	const struct web_env *env = rp->rq->env;

	if (b->length > 0 && !rp->lost && !env->write(env->engine, b->bytes, b->length))
		rp->lost = true;
}

static void
add_status(struct buf *head, int status)
{
	buf_add_text(head, "Status: ");
	buf_add_number(head, status);
	buf_add_char(head, ' ');
	buf_add_text(head, phrase(status));
	buf_add_text(head, "\r\n");
}

/* What the content is, of an answer that may have some. */
static void
describe_content(struct buf *head, const struct reply *rp, bool whole)
{
	const char *type = rp->type != NULL ? rp->type : "application/json";

	if (rp->content.length > 0 || rp->streaming)
		header_add(head, "Content-Type", rp->problem ? "application/problem+json" : type);
	if (!whole)
		return;
	buf_add_text(head, "Content-Length: ");
	buf_add_number(head, (int64_t)rp->content.length);
	buf_add_text(head, "\r\n");
}

static void
send_head(struct reply *rp, bool whole)
{
	struct buf head = { .arena = rp->cx->arena };
	char trace[TRACEPARENT_SIZE];

	add_status(&head, rp->status);
	if (rp->status != 204 && rp->status != 304)
		describe_content(&head, rp, whole);
	if (rp->max_age_s > 0)
		buf_addf(&head, "Cache-Control: public, max-age=%d\r\n", rp->max_age_s);
	else
		header_add(&head, "Cache-Control", "no-store");
	header_add(&head, "X-Content-Type-Options", "nosniff");
	header_add(&head, "X-Request-Id", rp->cx->request_id);
	trace_parent(&rp->cx->trace, trace);
	header_add(&head, "traceresponse", trace);
	throttle_headers(&head, rp->rq);
	if (rp->headers.length > 0)
		buf_add(&head, rp->headers.bytes, rp->headers.length);
	buf_add_text(&head, "\r\n");
	rp->sent = true;
	write_out(rp, &head);
}

bool
reply_send(struct reply *rp)
{
	if (!rp->sent)
		send_head(rp, !(rp->streaming && rp->rq->head));
	if (!rp->rq->head)
		write_out(rp, &rp->content);
	rp->content.length = 0;
	return !rp->lost;
}

enum rc
reply_stream_begin(struct ctx *cx, struct reply *rp, const struct field *table)
{
	rp->status = rp->rq->route->status == 0 ? 200 : rp->rq->route->status;
	rp->headers.length = 0;
	rp->content.length = 0;
	rp->streaming = true;
	rp->type = NULL;
	rp->table = table;
	rp->count = 0;
	cx->deadline_ns =
	    0; /* a stream may take longer than the request's time: every row is waited for on its own */
	if (rp->rq->head) /* nobody reads the rows, so that the handler had better not fetch them */
		return RC_CANCELLED;
	buf_add_char(&rp->content, '[');
	return RC_OK;
}

enum rc
reply_stream_row(struct reply *rp, const void *row)
{
	enum rc rc;

	if (rp->count++ > 0)
		buf_add_char(&rp->content, ',');
	field_write(&rp->content, rp->table, row);
	if (rp->content.length < STREAM_PIECE)
		return RC_OK;
	/* Only now, so that a database that is away at the first row is a 503. */
	if (!rp->sent) {
		rc = trail_begun(rp->cx, rp->rq, rp);
		if (rc != RC_OK)
			return rc;
		send_head(rp, false);
	}
	write_out(rp, &rp->content);
	rp->content.length = 0;
	return rp->lost ? RC_CANCELLED : RC_OK;
}

enum rc
reply_stream_end(struct reply *rp)
{
	buf_add_char(&rp->content, ']');
	return RC_OK;
}
