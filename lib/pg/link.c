/* link.c - a connection in use: whether it still works, waiting for its answers, and what its silence says of the server. */
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/loop/loop.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* The server ends a statement itself, which leaves the connection whole; we give up on it this much later. */
#define SERVER_FIRST_MS 100

/* A request whose attempt to connect failed makes no second one; one that goes on for longer (a worker's) may. */
#define RETRY_CONNECT_NS 1000000000

/* A connection that answered no longer ago is taken for one that works, by who can ask again elsewhere. */
#define LATELY_NS 20000000

/* When a server was last found mute: connections of this process that haven't been heard of since may well be as dead. */
static _Atomic int64_t mute_at_ns;
static _Atomic int64_t heard_at_ns;  /* when it last answered anybody */
static _Atomic int64_t silent_at_ns; /* since when it has answered nobody: the first wait in vain */

/* A request may have no deadline: 0. */
static int64_t
earlier(int64_t request_ns, int64_t at_ns)
{
	return request_ns != 0 && request_ns < at_ns ? request_ns : at_ns;
}

int64_t
pg_deadline(const struct ctx *cx)
{
	return earlier(cx->deadline_ns, clock_monotonic_ns() + (config->database.statement_timeout_ms + SERVER_FIRST_MS) * 1000000);
}

/* --- what is known of the server --- */

static void
heard(struct link *link)
{
	link->answered_at_ns = clock_monotonic_ns();
	atomic_store_explicit(&heard_at_ns, link->answered_at_ns, memory_order_relaxed);
}

/* A deadline may have been short, and a statement slow: then this says nothing of other connections.  A server is mute that had the time to end
 * the statement and say so, or that has answered nobody for as long as connecting may take. */
bool
pg_waited_in_vain(int64_t started_ns)
{
	int64_t now = clock_monotonic_ns(), heard_ns = heard_at_ns, silent_ns = silent_at_ns;
	bool mute;

	if (silent_ns < heard_ns)
		silent_at_ns = silent_ns = started_ns > heard_ns ? started_ns : heard_ns;
	mute = now - started_ns > (config->database.statement_timeout_ms + SERVER_FIRST_MS / 2) * 1000000 ||
	       now - silent_ns > config->database.connect_timeout_ms * 1000000;
	if (mute)
		mute_at_ns = now;
	return mute;
}

/* --- having one --- */

struct link *
pg_link(struct arena *a, const struct target *to)
{
	struct link *link = arena_zalloc(a, sizeof(*link));

	link->arena = a;
	link->to = to;
	return link;
}

void
pg_link_drop(struct link *link)
{
	PQfinish(link->conn);
	link->conn = NULL;
	link->dying = false;
	link->lock_held = false;
	link->listening = NULL;
	for (size_t i = 0; i < BINDING_SLOTS; i++)
		for (struct binding *b = link->bindings[i]; b != NULL; b = b->next)
			b->prepared = false;
}

void
pg_drop(struct pg *pg)
{
	if (pg->link != NULL)
		pg_link_drop(pg->link);
	if (pg->depth > 0)
		pg->lost = true;
}

/* An idle connection has nothing to read, unless the server said goodbye or somebody was notified. */
static bool
dead(struct link *link)
{
	struct pollfd fd = { .fd = PQsocket(link->conn), .events = POLLIN };

	while (PQstatus(link->conn) == CONNECTION_OK && !link->dying && poll(&fd, 1, 0) > 0) {
		if (!PQconsumeInput(link->conn))
			return true;
		/* Parses what came, so that a goodbye reaches its notice receiver. */
		(void)PQisBusy(link->conn);
	}
	return PQstatus(link->conn) != CONNECTION_OK || link->dying;
}

bool
pg_heard_lately(const struct link *link)
{
	return link->conn != NULL && PQstatus(link->conn) == CONNECTION_OK && !link->dying && link->answered_at_ns >= mute_at_ns &&
	       clock_monotonic_ns() - link->answered_at_ns < LATELY_NS;
}

void
pg_note_attempt(const struct ctx *cx)
{
	struct pg *pg = cx->pg;

	snprintf(pg->failed_request, sizeof(pg->failed_request), "%s", cx->request_id);
	pg->failed_at_ns = clock_monotonic_ns();
}

bool
pg_tried_already(const struct ctx *cx)
{
	const struct pg *pg = cx->pg;

	return pg->failed_at_ns != 0 && strcmp(pg->failed_request, cx->request_id) == 0 &&
	       clock_monotonic_ns() - pg->failed_at_ns < RETRY_CONNECT_NS;
}

static enum rc
reconnect(struct ctx *cx)
{
	int64_t patience_ns = clock_monotonic_ns() + config->database.connect_timeout_ms * 1000000;
	struct pg *pg = cx->pg;
	enum rc rc;

	if (pg_tried_already(cx))
		return err_detail(cx, RC_UNAVAILABLE, "database connection: failed a moment ago");
	pg_note_attempt(cx);
	rc = pg_establish(cx, pg->link, earlier(cx->deadline_ns, patience_ns));
	if (rc == RC_OK) {
		heard(pg->link);
		pg->failed_at_ns = 0;
	} else if (clock_monotonic_ns() >= patience_ns) {
		if (pg->pool != NULL)
			pg_pool_refuse(pg->pool);
	} else if (rc == RC_UNAVAILABLE && cx->deadline_ns != 0 && clock_monotonic_ns() >= cx->deadline_ns) {
		rc = err_detail(cx, RC_TIMEOUT, "no time left to connect to the database"); /* who had more might have got on */
	}
	return rc;
}

static bool
usable(const struct pg *pg)
{
	struct link *link = pg->link;

	return link->conn != NULL && (pg->begun || (link->answered_at_ns >= mute_at_ns && !dead(link)));
}

enum rc
pg_connected(struct ctx *cx, int64_t deadline_ns)
{
	struct pg *pg = cx->pg;
	enum rc rc;

	if (pg->streaming)
		return err_detail(cx, RC_INTERNAL, "a statement inside pg_for_each");
	if (pg->lost)
		return err_detail(cx, RC_UNAVAILABLE, "the connection was lost earlier in this transaction");
	if (clock_monotonic_ns() >= deadline_ns)
		return err_detail(cx, RC_TIMEOUT, "no time left to ask the database");
	if (pg->link == NULL) {
		rc = pg_borrow(cx, deadline_ns);
		if (rc != RC_OK)
			return rc;
	}
	if (usable(pg))
		return RC_OK;
	metrics_add(M_DATABASE_LOST, 0, pg_conn(pg) != NULL);
	pg_drop(pg);
	pg->lost = false; /* nothing of the transaction had reached the server */
	pg->failure = PG_FAILED;
	rc = reconnect(cx);
	if (rc != RC_OK)
		pg->lost = pg->depth > 0;
	return rc;
}

void
pg_done(struct pg *pg)
{
	if (pg->pool != NULL && pg->depth == 0 && pg->link != NULL)
		pg_give_back(pg);
}

/* --- waiting --- */

enum rc
pg_wait(struct ctx *cx, const char *where, int64_t deadline_ns)
{
	int64_t started_ns = clock_monotonic_ns();
	struct pg *pg = cx->pg;
	PGconn *conn = pg_conn(pg);
	int unsent = 1, n;

	for (;;) {
		if (unsent == 1)
			unsent = PQflush(conn);
		if (unsent < 0)
			unsent = 0; /* what the server said before it hung up may still be there to read */
		if (unsent == 0 && !PQisBusy(conn)) {
			heard(pg->link);
			return RC_OK;
		}
		n = fiber_poll(PQsocket(conn), unsent == 1 ? POLLIN | POLLOUT : POLLIN, deadline_ns);
		if (n == 0) {
			(void)pg_waited_in_vain(started_ns);
			pg_drop(pg);
			pg->failure = PG_FAILED;
			return err_detail(cx, RC_TIMEOUT, "%s: the database did not answer in time", where);
		}
		if (n < 0 || !PQconsumeInput(conn))
			return pg_lost(cx, where);
	}
}
