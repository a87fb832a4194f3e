/*
 * ctx.h - what a request, call or message carries from its edge down to the store: memory, database,
 * deadline, and what went wrong.
 *
 * Functions that can fail return enum rc and leave the detail here; the edge turns it into an answer and
 * one log line.  lib/ and domain/ never log.
 */
#ifndef BASE_CTX_H
#define BASE_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/rc.h"
#include "lib/base/trace.h"

struct pg; /* lib/pg */

struct err_field {
	struct err_field *next; /* in the order they were found */
	const char *name;	/* the member's name, as the client spells it */
	const char *message;
};

struct err {
	const char *message;	  /* for the client; NULL: made of the fields, or of rc's title */
	const char *detail;	  /* for the log alone: SQLSTATE, a library's words; no names, no secrets */
	const char *constraint;	  /* with RC_DUPLICATE and RC_OVERLAP: which one */
	struct err_field *fields; /* NULL where none is to blame */
	unsigned field_count;
	int64_t retry_after_s; /* with RC_THROTTLED: how long to wait before asking again */
};

/* Longest request id taken from outside; the design allows [A-Za-z0-9._-]{1,64}. */
#define REQUEST_ID_MAX 64

bool request_id_valid(const char *id);

struct ctx {
	struct arena *arena;
	struct pg *pg;		    /* this thread's database connection; NULL where a program has none */
	const char *request_id;	    /* [A-Za-z0-9._-]{1,64}, never NULL */
	struct trace trace;	    /* that this is a part of */
	const char *account;	    /* who asks: an account's id, or a program's name; "" while nobody has to say */
	const char *role;	    /* that account's, "STAFF"; "" likewise */
	const char *session;	    /* id of the login that its token belongs to; "" likewise */
	const char *address;	    /* where the question comes from, an IP address; "" unknown */
	int64_t deadline_ns;	    /* on clock_monotonic_ns(); 0: none */
	struct err err;
};

/* Starts a request: nothing went wrong yet, no deadline, a new request id, a new trace.  a and pg stay the caller's. */
void ctx_init(struct ctx *cx, struct arena *a, struct pg *pg);

/* Forgets what went wrong, so that the caller can go on after a failure that it has dealt with. */
void err_clear(struct ctx *cx);

/* Each returns rc, so that a function can end with `return err_set(…)`.  The first message set stays. */
enum rc err_set(struct ctx *cx, enum rc rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
enum rc err_detail(struct ctx *cx, enum rc rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Blames a member of what the client sent; call it for each, then return its rc.  A second error of the
 * same member is dropped. */
enum rc err_field(struct ctx *cx, enum rc rc, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What to tell the client: the message set; else the only field's error; else "Validation failed: N
 * errors found" (contract); else rc's title.  In the arena. */
const char *err_message(struct ctx *cx, enum rc rc);

/* Milliseconds left until the deadline, at most max: 0 when it has passed, max where there is none. */
int ctx_time_left_ms(const struct ctx *cx, int max);

/*
 * Runs fn(arg), which blocks on something that is not the database (a gRPC call, a password hash), in a way
 * that lets other requests of this process go on.  An engine that has one thread per request just calls it,
 * which is the default; an engine of coroutines sets its own at start-up.
 */
void offload(void (*fn)(void *arg), void *arg);
void offload_set(void (*run)(void (*fn)(void *arg), void *arg));

#endif
