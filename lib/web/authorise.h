/* authorise.h - who asks, and whether they may take the route. */
#ifndef WEB_AUTHORISE_H
#define WEB_AUTHORISE_H

#include "lib/web/request.h"

/* Where the request comes from: the web server's word for it, which no header field can be. */
void take_address(struct ctx *cx, const struct request *rq);

/*
 * Fills in who asks, and compares with the route's roles: RC_OK; RC_UNAUTHENTICATED without a good access
 * token; RC_FORBIDDEN for a role that the route doesn't name; RC_UNAVAILABLE while nobody can say.
 */
enum rc authorise(struct ctx *cx, struct request *rq);

/* The names of enum web_role, from the lowest bit on; ends with NULL. */
extern const char *const role_names[];

#endif
