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
#include "lib/outbox/outbox.h"

/* Where events go.  The only thing that knows which transport it is. */
struct transport {
	size_t batch_max; /* most events at once */
	void *to;
	/* Tells for each event whether it has been taken for good; RC_OK where all were. */
	enum rc (*publish)(
	    struct ctx *cx, void *to, const struct event *events, size_t count, bool *ret_taken);
};

/* Whose events: a domain's outbox. */
struct relayed {
	const char *role;
	const char *(*database)(void);
	const struct outbox *outbox;
	int look_ms; /* how often to look, where no NOTIFY tells; 0: one does */
	bool direct; /* the billing worker takes them without a broker */
};

/* Relays until the process is asked to stop; false, said on standard error, where it can't even start. */
bool relay_run(const struct relayed *from, const struct transport *transport);

#endif
