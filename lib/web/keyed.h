/* keyed.h - requests that may come with an Idempotency-Key. */
#ifndef WEB_KEYED_H
#define WEB_KEYED_H

#include "lib/base/ctx.h"
#include "lib/web/reply.h"
#include "lib/web/request.h"

/* NULL where there is none; RC_INVALID for what is none. */
enum rc keyed_read(struct ctx *cx, const struct request *rq, const char **ret_key);

/* Calls the route's handler, or with a key that was used before puts the answer of then into rp. */
enum rc keyed_handle(struct ctx *cx, const struct request *rq, struct reply *rp);

#endif
