/*
 * rc.h - the outcomes that functions return, and what each means at every edge.
 *
 * Domain code knows these names only.  HTTP, gRPC and the event consumers look up what a name is for
 * them in the one table of rc.c.
 */
#ifndef BASE_RC_H
#define BASE_RC_H

enum rc {
	RC_OK,
	RC_INVALID,	    /* the input breaks a rule; the field errors say which */
	RC_UNAUTHENTICATED, /* nobody, or an unproven somebody, asks */
	RC_FORBIDDEN,	    /* known, but may not */
	RC_NOT_FOUND,
	RC_METHOD,	   /* the path exists, not with this method */
	RC_NOT_ACCEPTABLE, /* the client takes none of our media types */
	RC_CONFLICT,	   /* the state of things forbids it */
	RC_STALE,	   /* If-Match names an older version */
	RC_TOO_LARGE,
	RC_MEDIA_TYPE,	/* the body is not JSON */
	RC_REUSED,	/* the idempotency key was used for another request */
	RC_THROTTLED,	/* asked too often; err.retry_after_s says when to ask again */
	RC_UNAVAILABLE, /* a dependency can't be asked: "I don't know" is never "no" */
	RC_TIMEOUT,	/* the time allowed ran out */
	RC_CANCELLED,	/* the caller went away */
	RC_INTERNAL,	/* a bug of ours */

	/* From lib/pg to a store function, which says what they mean; an edge that sees one has met a bug. */
	RC_DUPLICATE, /* a unique index said no; err.constraint names it */
	RC_OVERLAP,   /* an exclusion constraint said no */

	/* Why an event can't be turned into its effect (contract: dead letters). */
	RC_NO_PRICE,
	RC_UNKNOWN_PATIENT,
	RC_MALFORMED,
	RC_UNKNOWN_TYPE,
	RC_COUNT
};

/* What a consumer does with an event that ended so. */
enum verdict {
	VERDICT_DONE,
	VERDICT_RETRY, /* later, as often as it takes */
	VERDICT_PARK,  /* dead letter, until somebody mends the cause */
};

struct rc_meaning {
	const char *name;  /* lower case, stable: dead letters, logs and metrics carry it */
	const char *title; /* RFC 9457 "title"; also the message where nobody set one */
	int http;	   /* status code */
	int grpc;	   /* grpc_status_code, by number: lib/base knows no gRPC */
	enum verdict verdict;
};

/* Never NULL: a code outside the enum means RC_INTERNAL. */
const struct rc_meaning *rc_meaning(enum rc rc);

/* What a gRPC status that came back from a call of ours means to us; RC_INTERNAL for one that the table doesn't have. */
enum rc rc_from_grpc(int status);

#endif
