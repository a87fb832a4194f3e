/* request.h - a request as lib/web sees it; handlers use the functions of web.h. */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/web/engine.h"
#include "lib/web/limits.h"
#include "lib/web/web.h"

#define SEGMENTS_MAX 8 /* no pattern of ours comes near */
#define QUERY_MAX 64   /* parameters */

struct query_pair {
	const char *name; /* both decoded, valid UTF-8 without NUL */
	const char *value;
};

struct request {
	const struct web_program *program;
	const struct web_env *env;
	const struct web_route *route; /* NULL until one is found */
	const char *route_name;        /* its method and pattern */
	const char *method;
	bool head;          /* HEAD, which is answered as GET without content */
	const char *accept; /* NULL: anything will do */
	const char *uri;    /* as it was sent, with its query; NULL: the server doesn't say */
	bool takes_problem; /* Accept names application/problem+json */
	bool wants_csv;     /* Accept prefers the text/csv that the route can answer with */
	const char *path;   /* as it was sent, without the query; only characters that a URI may have */
	const char *segments[SEGMENTS_MAX]; /* between the slashes, decoded, valid UTF-8 without NUL */
	size_t segment_count;               /* SEGMENTS_MAX + 1: more than any route has */
	struct query_pair *query;
	size_t query_count;
	const char *body;
	size_t body_length;
	bool token_refused; /* there was one, and it is not good */
	struct limit limit;   /* quota 0: none applies */
	bool by_account;      /* it is the account's, not the address's */
	const char **subject; /* for the audit trail: whom it is about, NULL while that isn't known */
};

/* A header field's value, NULL where there is none or it is empty; variable is "HTTP_ACCEPT" and the like. */
const char *request_header(const struct request *rq, const char *variable);

/* Fills in method and path, decodes segments.  RC_INVALID for an escape, a NUL or UTF-8 that is none. */
enum rc request_parse_path(struct ctx *cx, struct request *rq);

/* Splits and decodes the query, and checks its names against the route's table: RC_INVALID for a name that
 * is unknown or repeated. */
enum rc request_parse_query(struct ctx *cx, struct request *rq);

/* Reads the body, in any case to its end, as libfcgi would take what is left for the next request.
 * RC_TOO_LARGE beyond the configured size; RC_INVALID where it broke off.  *ret_ended is false where its
 * end was not seen. */
enum rc request_read_body(struct ctx *cx, struct request *rq, bool *ret_ended);

/* Decodes %XX (and, in a query, + as a space) of length bytes.  NULL where an escape is cut or wrong, or
 * the result is no valid UTF-8 or has a NUL. */
const char *percent_decode(struct arena *a, const char *text, size_t length, bool query);

/* Appends s with all but RFC 3986's unreserved characters escaped. */
void percent_encode(struct buf *b, const char *s);

#endif
