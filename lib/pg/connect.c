#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/loop/loop.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* Which of the hosts serves, by its place in the list: what one connection has learnt is worth knowing for all of this process. */
static _Atomic unsigned serving;

/* Notices are nobody's business here, and libpq would print them; but one announces the end of an idle connection. */
static void
take_notice(void *closure, const PGresult *notice)
{
	const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
	struct link *link = closure;

	if (state != NULL && strncmp(state, "57P0", 4) == 0)
		link->dying = true;
}

/* A string that libpq can't read it would quote, password and all, so its words stay here. */
static PGconn *
start_foreign(const struct target *to)
{
	const char *const names[] = { "dbname", "fallback_application_name", "client_encoding", NULL };
	const char *const values[] = { to->foreign, "medicore", "UTF8", NULL };
	PQconninfoOption *read = PQconninfoParse(to->foreign, NULL);

	if (read == NULL && (strchr(to->foreign, '=') != NULL || strstr(to->foreign, "://") != NULL))
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

/* --- names of hosts --- */

/* libpq would look a name up by itself, and stop the loop for as long as that takes. */
struct question {
	const char *host;
	struct addrinfo *found;
	int failed;
};

static void
look_up(void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct question *q = arg;

	q->failed = getaddrinfo(q->host, NULL, &hints, &q->found);
}

/* A socket's directory, or an address. */
static bool
needs_no_lookup(const char *host)
{
	struct in6_addr any;

	return host[0] == '/' || host[0] == '@' || inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

/* *ret_addresses has all of them, and *ret_host the name as often, by which certificates are checked. */
static enum rc
resolve(struct ctx *cx, const char *host, const char **ret_host, const char **ret_addresses)
{
	struct buf hosts = { .arena = cx->arena }, addresses = { .arena = cx->arena };
	struct question q = { .host = host };
	char address[NI_MAXHOST];

	offload(look_up, &q);
	if (q.failed != 0)
		return err_detail(cx, RC_UNAVAILABLE, "database connection: host %s: %s", host, gai_strerror(q.failed));
	for (const struct addrinfo *i = q.found; i != NULL; i = i->ai_next) {
		if (getnameinfo(i->ai_addr, i->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		buf_addf(&hosts, "%s%s", hosts.length == 0 ? "" : ",", host);
		buf_addf(&addresses, "%s%s", addresses.length == 0 ? "" : ",", address);
	}
	freeaddrinfo(q.found);
	*ret_host = hosts.bytes;
	*ret_addresses = addresses.bytes;
	return RC_OK;
}

/* --- connecting --- */

/* Of several hosts only the one that takes writes will do: a stand-by would answer with what was true a moment ago. */
static PGconn *
start(const struct target *to, const char *host, const char *addresses)
{
	char port[12];
	const char *const names[] = { "host", "hostaddr", "port", "dbname", "user", "password", "application_name",
		"client_encoding", "options", "gssencmode", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "tcp_user_timeout", "target_session_attrs", NULL };
	const char *const values[] = { host, addresses, port, to->database, to->role, config->database.password,
		to->role, "UTF8", to->options, "disable", "15", "5", "3", "30000", "primary", NULL };

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
		short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;

		if (fiber_poll(PQsocket(conn), events, deadline_ns) <= 0)
			return err_detail(cx, RC_UNAVAILABLE, "database connection: no answer in time");
		next = PQconnectPoll(conn);
		if (next == PGRES_POLLING_FAILED)
			return connect_failed(cx, conn);
	}
	return RC_OK;
}

/* host NULL: somebody else's. */
static enum rc
connect_to(struct ctx *cx, struct link *link, const char *host, int64_t deadline_ns)
{
	const char *addresses = NULL;
	PGconn *conn;
	enum rc rc = RC_OK;

	if (host != NULL && !needs_no_lookup(host))
		rc = resolve(cx, host, &host, &addresses);
	if (rc != RC_OK) {
		metrics_add(M_DATABASE_UNREACHABLE, 0, 1);
		return rc;
	}
	conn = host != NULL ? start(link->to, host, addresses) : start_foreign(link->to);
	if (conn == NULL)
		return err_detail(cx, RC_UNAVAILABLE, "database connection: %s",
		    host == NULL ? "no URI or connection string that libpq can read" : "out of memory");
	PQsetNoticeReceiver(conn, take_notice, link);
	rc = establish(cx, conn, deadline_ns);
	if (rc == RC_OK && PQsetnonblocking(conn, 1) != 0)
		rc = connect_failed(cx, conn);
	if (rc != RC_OK) {
		metrics_add(M_DATABASE_UNREACHABLE, 0, 1);
		PQfinish(conn);
		return rc;
	}
	link->conn = conn;
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
connect_to_ours(struct ctx *cx, struct link *link, int64_t deadline)
{
	unsigned first = serving, hosts = 1, i;
	enum rc rc = RC_UNAVAILABLE;

	for (const char *comma = config->database.host; (comma = strchr(comma, ',')) != NULL; comma++)
		hosts++;
	for (i = 0; i < hosts && rc != RC_OK; i++) {
		int64_t now = clock_monotonic_ns();

		rc = connect_to(cx, link, host_at(cx, hosts, first + i), now + (deadline - now) / (hosts - i));
	}
	if (rc == RC_OK)
		serving = (first + i - 1) % hosts;
	return rc;
}

static enum rc
connect_to_foreign(struct ctx *cx, struct link *link, int64_t deadline)
{
	enum rc rc = connect_to(cx, link, NULL, deadline);

	if (rc == RC_OK)
		rc = tell_foreign(cx, deadline);
	if (rc != RC_OK)
		pg_link_drop(link);
	return rc;
}

enum rc
pg_establish(struct ctx *cx, struct link *link, int64_t deadline_ns)
{
	return link->to->foreign != NULL ? connect_to_foreign(cx, link, deadline_ns) : connect_to_ours(cx, link, deadline_ns);
}
