/* throttle.h - who may ask how often, and what they are told of it. */
#ifndef WEB_THROTTLE_H
#define WEB_THROTTLE_H

#include "lib/base/ctx.h"
#include "lib/base/text.h"
#include "lib/web/request.h"

/*
 * Counts the request, of which rc is known so far: of the account where one has proved who it is, else of the address.  Returns rc, or
 * RC_THROTTLED in its place.  Routes that programs ask all the time are free of it.
 */
enum rc throttle(struct ctx *cx, struct request *rq, enum rc rc);

/* Whether an address ("" : unknown) is one of this machine's own loopback. */
bool address_is_here(const char *address);

/* RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10), where a limit applied. */
void throttle_headers(struct buf *head, const struct request *rq);

#endif
