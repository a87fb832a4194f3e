#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* The server ends a statement itself, which leaves the connection whole; we give up on it this much later. */
#define SERVER_FIRST_MS 100

/* A request whose attempt to connect failed makes no second one; one that goes on for longer (a worker's) may. */
#define RETRY_CONNECT_NS 1000000000

/* What one connection has learnt is worth knowing for all of this process: which of the hosts serves, by its place in the list, and when a
 * server was last found mute.  Connections that haven't been heard of since may well be as dead. */
static _Atomic unsigned serving;
static _Atomic int64_t mute_at_ns;
static _Atomic int64_t heard_at_ns;  /* when it last answered anybody */
static _Atomic int64_t silent_at_ns; /* since when it has answered nobody: the first wait in vain */

static int64_t
deadline_in(const struct ctx *cx, int64_t ms)
{
	int64_t at = clock_monotonic_ns() + ms * 1000000;

	return cx->deadline_ns != 0 && cx->deadline_ns < at ? cx->deadline_ns : at;
}

int64_t
pg_deadline(const struct ctx *cx)
{
	return deadline_in(cx, config->database.statement_timeout_ms + SERVER_FIRST_MS);
}

int
pg_poll(struct pollfd *fds, unsigned count, int64_t deadline_ns)
{
	int64_t left;
	int n;

	do {
		left = -1;
		if (deadline_ns != 0) {
			left = (deadline_ns - clock_monotonic_ns() + 999999) / 1000000;
			if (left < 0)
				left = 0;
			if (left > 1000000)
				left = 1000000;
		}
		n = poll(fds, count, (int)left);
	} while ((n < 0 && errno == EINTR) || (n == 0 && left == 1000000));
	return n;
}

static void
heard(struct pg *pg)
{
	heard_at_ns = pg->answered_at_ns = clock_monotonic_ns();
}

/* A deadline may have been short, and a statement slow: then this says nothing of other connections.  A server is mute that had the time to end
 * the statement and say so, or that has answered nobody for as long as connecting may take. */
static void
waited_in_vain(int64_t started_ns)
{
	int64_t now = clock_monotonic_ns(), heard_ns = heard_at_ns, silent_ns = silent_at_ns;

	if (silent_ns < heard_ns)
		silent_at_ns = silent_ns = started_ns > heard_ns ? started_ns : heard_ns;
	if (now - started_ns > (config->database.statement_timeout_ms + SERVER_FIRST_MS / 2) * 1000000 ||
	    now - silent_ns > config->database.connect_timeout_ms * 1000000)
		mute_at_ns = now;
}

/* Notices are nobody's business here, and libpq would print them; but one announces the end of an idle connection. */
static void
take_notice(void *closure, const PGresult *notice)
{
	const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
	struct pg *pg = closure;

	if (state != NULL && strncmp(state, "57P0", 4) == 0)
		pg->dying = true;
}

void
pg_drop(struct pg *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
	pg->dying = false;
	pg->lock_held = false;
	pg->listening = NULL;
	if (pg->depth > 0)
		pg->lost = true;
	for (size_t i = 0; i < BINDING_SLOTS; i++) {
		for (struct binding *b = pg->bindings[i]; b != NULL; b = b->next) {
			b->prepared = false;
			b->column_count = -1;
		}
	}
}

/* A string that libpq can't read it would quote, password and all, so its words stay here. */
static PGconn *
start_foreign(const struct pg *pg)
{
	const char *const names[] = { "dbname", "fallback_application_name", "client_encoding", NULL };
	const char *const values[] = { pg->foreign, "medicore", "UTF8", NULL };
	PQconninfoOption *read = PQconninfoParse(pg->foreign, NULL);

	if (read == NULL && (strchr(pg->foreign, '=') != NULL || strstr(pg->foreign, "://") != NULL))
		return NULL;
	PQconninfoFree(read);
	return PQconnectStartParams(names, values, 1);
}

/* Said in the session rather than by the option `options`, which the string may have its own of, and poolers refuse.  A snapshot may be
 * needed for as long as the rows that were read are worked on. */
static enum rc
tell_foreign(struct ctx *cx, int64_t deadline_ns)
{
	return pg_command(cx,
	    "set session characteristics as transaction isolation level repeatable read, read only;"
	    " set TimeZone = 'UTC'; set DateStyle = 'ISO'; set idle_in_transaction_session_timeout = 0",
	    deadline_ns);
}

/* Of several hosts only the one that takes writes will do: a stand-by would answer with what was true a moment ago. */
static PGconn *
start(const struct pg *pg, const char *host)
{
	char port[12];
	const char *const names[] = { "host", "port", "dbname", "user", "password", "application_name",
		"client_encoding", "options", "gssencmode", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "target_session_attrs", NULL };
	const char *const values[] = { host, port, pg->database, pg->role, config->database.password,
		pg->role, "UTF8", pg->options, "disable", "15", "5", "3", "30000", "primary", NULL };

	snprintf(port, sizeof(port), "%d", config->database.port);
	return PQconnectStartParams(names, values, 0);
}

/* libpq's words, on one line. */
static enum rc
connect_failed(struct ctx *cx, const PGconn *conn)
{
	const char *words = PQerrorMessage(conn);

	return err_detail(cx, RC_UNAVAILABLE, "database connection: %.*s", (int)strcspn(words, "\n"), words);
}

static enum rc
establish(struct ctx *cx, PGconn *conn, int64_t deadline_ns)
{
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;

	if (PQstatus(conn) == CONNECTION_BAD)
		return connect_failed(cx, conn);
	while (next != PGRES_POLLING_OK) {
		struct pollfd fd = { .fd = PQsocket(conn) };

		fd.events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		if (pg_poll(&fd, 1, deadline_ns) <= 0)
			return err_detail(cx, RC_UNAVAILABLE, "database connection: no answer in time");
		next = PQconnectPoll(conn);
		if (next == PGRES_POLLING_FAILED)
			return connect_failed(cx, conn);
	}
	return RC_OK;
}

/* host NULL: somebody else's. */
static enum rc
connect_to(struct ctx *cx, struct pg *pg, const char *host, int64_t deadline_ns)
{
	PGconn *conn = host != NULL ? start(pg, host) : start_foreign(pg);
	enum rc rc;

	if (conn == NULL)
		return err_detail(cx, RC_UNAVAILABLE, "database connection: %s",
		    host == NULL ? "no URI or connection string that libpq can read" : "out of memory");
	PQsetNoticeReceiver(conn, take_notice, pg);
	rc = establish(cx, conn, deadline_ns);
	if (rc == RC_OK && PQsetnonblocking(conn, 1) != 0)
		rc = connect_failed(cx, conn);
	if (rc != RC_OK) {
		metrics_add(M_DATABASE_UNREACHABLE, 0, 1);
		PQfinish(conn);
		return rc;
	}
	pg->conn = conn;
	return RC_OK;
}

/* Of a list parted by commas, the entry at that place, counted round and round. */
static const char *
host_at(const struct ctx *cx, unsigned hosts, unsigned place)
{
	const char *host = config->database.host;

	for (unsigned i = place % hosts; i > 0; i--)
		host += strcspn(host, ",") + 1;
	return arena_printf(cx->arena, "%.*s", (int)strcspn(host, ","), host);
}

/* libpq would give all the time there is to a host that is mute.  The one that served last comes first. */
static enum rc
connect_to_ours(struct ctx *cx, struct pg *pg, int64_t deadline)
{
	unsigned first = serving, hosts = 1, i;
	enum rc rc = RC_UNAVAILABLE;

	for (const char *comma = config->database.host; (comma = strchr(comma, ',')) != NULL; comma++)
		hosts++;
	for (i = 0; i < hosts && rc != RC_OK; i++) {
		int64_t now = clock_monotonic_ns();

		rc = connect_to(cx, pg, host_at(cx, hosts, first + i), now + (deadline - now) / (hosts - i));
	}
	if (rc == RC_OK)
		serving = (first + i - 1) % hosts;
	return rc;
}

static enum rc
connect_to_foreign(struct ctx *cx, struct pg *pg, int64_t deadline)
{
	enum rc rc = connect_to(cx, pg, NULL, deadline);

	if (rc == RC_OK)
		rc = tell_foreign(cx, deadline);
	if (rc != RC_OK)
		pg_drop(pg);
	return rc;
}

static enum rc
open_connection(struct ctx *cx, struct pg *pg)
{
	int64_t deadline = deadline_in(cx, config->database.connect_timeout_ms);
	enum rc rc;

	snprintf(pg->failed_request, sizeof(pg->failed_request), "%s", cx->request_id);
	pg->failed_at_ns = clock_monotonic_ns();
	rc = pg->foreign != NULL ? connect_to_foreign(cx, pg, deadline) : connect_to_ours(cx, pg, deadline);
	if (rc != RC_OK)
		return rc;
	heard(pg);
	pg->failed_at_ns = 0;
	return RC_OK;
}

/* An idle connection has nothing to read, unless the server said goodbye or somebody was notified. */
static bool
dead(struct pg *pg)
{
	struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };

	while (PQstatus(pg->conn) == CONNECTION_OK && !pg->dying && poll(&fd, 1, 0) > 0) {
		if (!PQconsumeInput(pg->conn))
			return true;
		/* Parses what came, so that a goodbye reaches take_notice. */
		(void)PQisBusy(pg->conn);
	}
	return PQstatus(pg->conn) != CONNECTION_OK || pg->dying;
}

static bool
tried_already(const struct pg *pg, const struct ctx *cx)
{
	return pg->failed_at_ns != 0 && strcmp(pg->failed_request, cx->request_id) == 0 &&
	       clock_monotonic_ns() - pg->failed_at_ns < RETRY_CONNECT_NS;
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
	if (pg->conn != NULL && (pg->begun || (pg->answered_at_ns >= mute_at_ns && !dead(pg))))
		return RC_OK;
	metrics_add(M_DATABASE_LOST, 0, pg->conn != NULL);
	pg_drop(pg);
	pg->lost = false; /* nothing of the transaction had reached the server */
	pg->failure = PG_FAILED;
	rc = tried_already(pg, cx)
		 ? err_detail(cx, RC_UNAVAILABLE, "database connection: failed a moment ago")
		 : open_connection(cx, pg);
	if (rc != RC_OK)
		pg->lost = pg->depth > 0;
	return rc;
}

enum rc
pg_wait(struct ctx *cx, const char *where, int64_t deadline_ns)
{
	int64_t started_ns = clock_monotonic_ns();
	struct pg *pg = cx->pg;
	int unsent = 1;

	for (;;) {
		struct pollfd fd = { .fd = PQsocket(pg->conn), .events = POLLIN };
		int n;

		if (unsent == 1)
			unsent = PQflush(pg->conn);
		if (unsent < 0)
			unsent = 0; /* what the server said before it hung up may still be there to read */
		if (unsent == 0 && !PQisBusy(pg->conn)) {
			heard(pg);
			return RC_OK;
		}
		if (unsent == 1)
			fd.events |= POLLOUT;
		n = pg_poll(&fd, 1, deadline_ns);
		if (n == 0) {
			waited_in_vain(started_ns);
			pg_drop(pg);
			pg->failure = PG_FAILED;
			return err_detail(cx, RC_TIMEOUT, "%s: the database did not answer in time", where);
		}
		if (n < 0 || ((fd.revents & ~POLLOUT) != 0 && !PQconsumeInput(pg->conn)))
			return pg_lost(cx, where);
	}
}

static struct pg *
unconnected(void)
{
	struct arena *arena = arena_new();
	struct pg *pg = arena_zalloc(arena, sizeof(*pg));

	pg->arena = arena;
	return pg;
}

struct pg *
pg_new(const char *database, const char *role)
{
	struct pg *pg;

	if (strlen(database) >= 64 || strlen(role) >= 64) {
		fprintf(stderr, "database %s, role %s: names have at most 63 bytes\n", database, role);
		return NULL;
	}
	pg = unconnected();
	pg->database = arena_strdup(pg->arena, database);
	pg->role = arena_strdup(pg->arena, role);
	/* A backend whose client is gone stops working, one left inside a transaction lets go of its locks; compiling
	 * short statements costs more than running them. */
	pg->options = arena_printf(pg->arena,
	    "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=%lld"
	    " -c client_connection_check_interval=1000 -c idle_in_transaction_session_timeout=30000 -c "
	    "jit=off",
	    (long long)config->database.statement_timeout_ms);
	return pg;
}

struct pg *
pg_open(const char *database, const char *role)
{
	struct pg *pg = pg_new(database, role);
	struct ctx cx;

	if (pg == NULL)
		return NULL;
	ctx_init(&cx, pg->arena, pg);
	(void)pg_connect(&cx);
	return pg;
}

struct pg *
pg_open_foreign(const char *conninfo)
{
	struct pg *pg = unconnected();

	pg->foreign = arena_strdup(pg->arena, conninfo);
	return pg;
}

enum rc
pg_connect(struct ctx *cx)
{
	return pg_connected(cx, pg_deadline(cx));
}

void
pg_close(struct pg *pg)
{
	if (pg == NULL)
		return;
	PQfinish(pg->conn);
	arena_free(pg->arena);
}
