/* route.h - which route a request takes. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>

#include "lib/web/request.h"
#include "lib/web/web.h"

/*
 * Sets rq->route: RC_OK; RC_NOT_FOUND where no pattern fits; RC_METHOD where some do, with other methods.
 * The first in the table wins, so a literal segment goes before a parameter.  The routes of health.c come
 * after the program's own.
 */
enum rc route_find(struct request *rq);

/* "GET, HEAD, POST, OPTIONS": what the table has for the request's path; NULL where it has nothing. */
const char *route_allow(struct ctx *cx, const struct request *rq);

/* False, said on standard error, where a route is open to nobody, or has no handler or no known method. */
bool route_check(const struct web_program *program);

/* /health/{program}/live and /ready, which every program answers; ends with WEB_END. */
extern const struct web_route health_routes[];

#endif
