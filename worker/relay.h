/*
 * relay.h - from a database's outbox to whoever takes its events, each at least once and with one connection.
 */
#ifndef WORKER_RELAY_H
#define WORKER_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/event.h"

/* Where events go.  The only thing that knows which transport it is. */
struct transport {
	size_t batch_max; /* most events at once */
	void *to;
	/* Tells for each event whether it has been taken for good; RC_OK where all were. */
	enum rc (*publish)(
	    struct ctx *cx, void *to, const struct event *events, size_t count, bool *ret_taken);
};

/* Whose events: a domain's outbox. */
struct outbox {
	const char *name; /* the relay's argument */
	const char *role;
	const char *(*database)(void);
	enum rc (*pending)(
	    struct ctx *cx, size_t max, struct event **ret_events, int64_t **ret_seqs, size_t *ret_count);
	enum rc (*published)(struct ctx *cx, const int64_t *seqs, size_t count);
	enum rc (*purge)(struct ctx *cx, int64_t keep_s, int64_t *ret_purged);
};

/* Relays until the process is asked to stop; false, said on standard error, where it can't even start. */
bool relay_run(const struct outbox *outbox, const struct transport *transport);

#endif
