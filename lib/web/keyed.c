#include "lib/web/keyed.h"

#include "lib/once/once.h"

/* One that is there and empty is none that can be taken, so request_header won't do. */
enum rc
keyed_read(struct ctx *cx, const struct request *rq, const char **ret_key)
{
	const char *key = rq->env->get(rq->env->engine, "HTTP_IDEMPOTENCY_KEY");

	if (key != NULL && !once_key_valid(key))
		return err_field(cx, RC_INVALID, "Idempotency-Key",
		    "Idempotency-Key must be 1 to %d printable ASCII characters", ONCE_KEY_MAX);
	*ret_key = key;
	return RC_OK;
}

/* The very bytes of then; what belongs to this request alone (its id, the limits on asking) comes from this one. */
static enum rc
answer_again(const struct request *rq, struct reply *rp, const struct once_answer *kept)
{
	rp->status = (int)kept->status;
	if (kept->headers != NULL)
		buf_add_text(&rp->headers, kept->headers);
	reply_header(rp, "Idempotency-Replayed", "true");
	buf_add(&rp->content, kept->body.bytes, kept->body.length);
	rp->count = 1;
	rp->made = kept->thing;
	if (*rq->subject == NULL)
		*rq->subject = kept->patient_id;
	return RC_OK;
}

/* What to keep of an answer: all that the handler gave it. */
static enum rc
take_answer(struct ctx *cx, const struct request *rq, const struct reply *rp, struct once_answer *ret_kept)
{
	if (rp->status < 200 || rp->status > 299 || rp->streaming)
		return err_detail(cx, RC_INTERNAL, "the handler made no answer that can be kept");
	*ret_kept = (struct once_answer){
		.status = rp->status,
		.headers = rp->headers.length > 0 ? rp->headers.bytes : NULL,
		.body = { .bytes = rp->content.length > 0 ? rp->content.bytes : "", .length = rp->content.length },
		.thing = rp->made,
		.patient_id = *rq->subject,
	};
	return RC_OK;
}

enum rc
keyed_handle(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct once_request asked = { .route = rq->route_name, .path = rq->path, .body = rq->body, .length = rq->body_length };
	struct once once;
	enum rc rc = keyed_read(cx, rq, &asked.key);

	if (rc != RC_OK)
		return rc;
	if (asked.key == NULL)
		return rq->route->handler(cx, rq, rp);
	rc = once_begin(cx, &asked, &once);
	if (rc != RC_OK)
		return rc;
	if (once.again)
		return answer_again(rq, rp, &once.answer);
	rc = rq->route->handler(cx, rq, rp);
	if (rc == RC_OK)
		rc = take_answer(cx, rq, rp, &once.answer);
	return once_end(cx, &once, rc);
}
