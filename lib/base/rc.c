#include "lib/base/rc.h"

static const struct rc_meaning meanings[RC_COUNT] = {
	/*                      name                 title                     HTTP gRPC  event */
	[RC_OK] = { "ok", "OK", 200, 0, VERDICT_DONE },
	[RC_INVALID] = { "invalid", "Bad Request", 400, 3, VERDICT_PARK },
	[RC_UNAUTHENTICATED] = { "unauthenticated", "Unauthorized", 401, 16, VERDICT_PARK },
	[RC_FORBIDDEN] = { "forbidden", "Forbidden", 403, 7, VERDICT_PARK },
	[RC_NOT_FOUND] = { "not_found", "Not Found", 404, 5, VERDICT_PARK },
	[RC_METHOD] = { "method_not_allowed", "Method Not Allowed", 405, 12, VERDICT_PARK },
	[RC_NOT_ACCEPTABLE] = { "not_acceptable", "Not Acceptable", 406, 3, VERDICT_PARK },
	[RC_CONFLICT] = { "conflict", "Conflict", 409, 9, VERDICT_PARK },
	[RC_STALE] = { "stale", "Precondition Failed", 412, 10, VERDICT_PARK },
	[RC_TOO_LARGE] = { "too_large", "Content Too Large", 413, 8, VERDICT_PARK },
	[RC_MEDIA_TYPE] = { "media_type", "Unsupported Media Type", 415, 3, VERDICT_PARK },
	[RC_REUSED] = { "reused", "Unprocessable Content", 422, 9, VERDICT_PARK },
	[RC_THROTTLED] = { "throttled", "Too Many Requests", 429, 8, VERDICT_RETRY },
	[RC_UNAVAILABLE] = { "unavailable", "Service Unavailable", 503, 14, VERDICT_RETRY },
	[RC_TIMEOUT] = { "timeout", "Service Unavailable", 503, 4, VERDICT_RETRY },
	[RC_CANCELLED] = { "cancelled", "Service Unavailable", 503, 1, VERDICT_RETRY },
	[RC_INTERNAL] = { "internal", "Internal Server Error", 500, 13, VERDICT_RETRY },
	[RC_DUPLICATE] = { "duplicate", "Conflict", 409, 6, VERDICT_DONE },
	[RC_OVERLAP] = { "overlap", "Conflict", 409, 9, VERDICT_PARK },
	[RC_NO_PRICE] = { "no_price", "Conflict", 409, 9, VERDICT_PARK },
	[RC_UNKNOWN_PATIENT] = { "unknown_patient", "Not Found", 404, 5, VERDICT_PARK },
	[RC_MALFORMED] = { "malformed", "Bad Request", 400, 3, VERDICT_PARK },
	[RC_UNKNOWN_TYPE] = { "unknown_type", "Bad Request", 400, 3, VERDICT_PARK },
};

const struct rc_meaning *
rc_meaning(enum rc rc)
{
	if ((unsigned)rc >= RC_COUNT)
		rc = RC_INTERNAL;
	return &meanings[rc];
}

enum rc
rc_from_grpc(int status)
{
	/* Those behind RC_INTERNAL never come from outside; of several with one status the first is meant. */
	for (int rc = RC_OK; rc < RC_INTERNAL; rc++)
		if (meanings[rc].grpc == status)
			return (enum rc)rc;
	return RC_INTERNAL;
}
