/*
 * once.h - a request that carries a key has its effect once, and the same answer each time (Idempotency-Key,
 * draft-ietf-httpapi-idempotency-key-header).
 *
 * The answer is written in the transaction of the effect itself: there are both, or neither, whatever dies when.  Only a
 * success is kept.
 *
 *	rc = once_begin(cx, &asked, &once);
 *	if (rc != RC_OK)
 *		return rc;
 *	if (once.again)
 *		return …once.answer…;
 *	rc = …;
 *	once.answer = …;
 *	return once_end(cx, &once, rc);
 */
#ifndef ONCE_ONCE_H
#define ONCE_ONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/field/field.h"

#define ONCE_KEY_MAX 255

/* How long who comes with a key waits for the one before, at most. */
#define ONCE_WAIT_MS 3000

/* How long an answer is kept. */
#define ONCE_KEEP_S (24 * 60 * 60)

struct once_request {
	const char *route; /* with cx->account: whose key it is */
	const char *key;
	const char *path; /* what it asks for, to the letter: it and the body */
	const void *body;
	size_t length;
};

/* Bytes that mean something to the adapter alone; what it doesn't need stays empty. */
struct once_answer {
	int64_t status;
	const char *headers;
	struct field_bytes body;
	const char *thing;	/* for the audit trail: id of what was made */
	const char *patient_id; /* … and whom it is about */
};

struct once {
	bool again;		   /* it was done before: answer is what was answered then */
	struct once_answer answer; /* else to be filled in before once_end */

	/* once.c's */
	const char *account, *route;
	struct field_bytes key, fingerprint;
	int64_t wait_ms;
};

/* 1 to ONCE_KEY_MAX printable ASCII characters. */
bool once_key_valid(const char *key);

/*
 * RC_OK: either a transaction is open now, in which to do what is asked, or again is set and none is.  RC_CONFLICT: the one
 * before is still at it; RC_REUSED: the key was used for something else.
 */
enum rc once_begin(struct ctx *cx, const struct once_request *asked, struct once *ret_once);

/* Ends the transaction: where rc is RC_OK it commits, with the answer, else it rolls back.  Returns rc, or what the commit ended
 * in. */
enum rc once_end(struct ctx *cx, const struct once *once, enum rc rc);

/* Deletes answers past keeping. */
enum rc once_purge(struct ctx *cx);

#endif
