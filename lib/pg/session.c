#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/pg/conn.h"

/* What a connection keeps is of no use to who gives it back. */
static enum rc
not_ours(struct ctx *cx)
{
	return err_detail(cx, RC_INTERNAL, "a handle of a pool has no connection of its own");
}

/* --- one active process per database --- */

struct lock {
	int64_t key;
	bool got;
};

static const struct field lock_fields[] = {
	{ .name = "key", .type = F_INT, .at = offsetof(struct lock, key) },
	{ .name = "got", .type = F_BOOL, .at = offsetof(struct lock, got) },
	FIELD_END,
};

static const struct pg_stmt try_lock = {
	.name = "try_lock",
	.kind = PG_READ, /* a lock got on a connection that died went with it */
	.sql = "select pg_try_advisory_lock($1::bigint) as got",
	.takes = "key",
	.in = lock_fields,
	.out = lock_fields,
};

static bool
lock_held(const struct pg *pg)
{
	return pg->link->lock_held && pg_conn(pg) != NULL && PQstatus(pg_conn(pg)) == CONNECTION_OK;
}

enum rc
pg_try_lock(struct ctx *cx, int64_t key)
{
	struct lock asked = { .key = key }, answer;
	enum rc rc;

	if (cx->pg->pool != NULL)
		return not_ours(cx);
	if (lock_held(cx->pg))
		return RC_OK;
	rc = pg_fetch_one(cx, &try_lock, &asked, &answer);
	if (rc != RC_OK)
		return rc;
	cx->pg->link->lock_held = answer.got;
	return answer.got ? RC_OK : RC_CONFLICT;
}

/* --- being woken --- */

static bool
notified(struct pg *pg)
{
	PGnotify *n;
	bool any = false;

	while ((n = PQnotifies(pg_conn(pg))) != NULL) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

static enum rc
listen_on(struct ctx *cx, const char *channel)
{
	struct pg *pg = cx->pg;
	char command[160];
	enum rc rc;

	snprintf(command, sizeof(command), "%slisten \"%.63s\"", pg->link->listening == NULL ? "" : "unlisten *; ",
	    channel);
	pg->link->listening = NULL;
	rc = pg_command(cx, command, pg_deadline(cx));
	if (rc == RC_OK)
		pg->link->listening = channel;
	return rc;
}

/* poll(2) that goes on after signals. */
static int
poll_both(struct pollfd *fds, unsigned count, int64_t deadline_ns)
{
	int64_t left;
	int n;

	do {
		left = (deadline_ns - clock_monotonic_ns() + 999999) / 1000000;
		n = poll(fds, count, left < 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX);
	} while (n < 0 && errno == EINTR);
	return n;
}

static enum rc
wait_notified(struct ctx *cx, int64_t deadline_ns, int also_fd)
{
	struct pg *pg = cx->pg;

	while (!notified(pg)) {
		struct pollfd fds[2] = {
			{ .fd = PQsocket(pg_conn(pg)), .events = POLLIN },
			{ .fd = also_fd, .events = POLLIN },
		};
		int n = poll_both(fds, also_fd < 0 ? 1 : 2, deadline_ns);

		if (n < 0)
			return pg_lost(cx, "listen");
		if (n == 0)
			return RC_TIMEOUT;
		if (fds[0].revents != 0) {
			if (!PQconsumeInput(pg_conn(pg)))
				return pg_lost(cx, "listen");
			(void)PQisBusy(pg_conn(pg)); /* parses a goodbye */
			if (pg->link->dying)
				return pg_lost(cx, "listen");
		}
		if (fds[1].revents != 0 && !notified(pg))
			return RC_CANCELLED;
	}
	return RC_OK;
}

enum rc
pg_listen_wait(struct ctx *cx, const char *channel, int timeout_ms, int also_fd)
{
	int64_t deadline = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
	struct pg *pg = cx->pg;
	enum rc rc;

	if (pg->pool != NULL)
		return not_ours(cx);
	rc = pg_connected(cx, pg_deadline(cx));
	if (rc != RC_OK)
		return rc;
	/* From now on nothing is missed; what came before, nobody told us. */
	if (pg->link->listening == NULL || strcmp(pg->link->listening, channel) != 0)
		return listen_on(cx, channel);
	return wait_notified(cx, deadline, also_fd);
}

/* --- migrations --- */

/* Which line of the script the server blames: 0 where it blames none. */
static int
blamed_line(const char *sql, const PGresult *result)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	long n = position == NULL ? 0 : strtol(position, NULL, 10);
	int line = n > 0 ? 1 : 0;

	/* Counted in characters, from 1. */
	for (; n > 1 && *sql != '\0'; sql++) {
		if (((unsigned char)*sql & 0xc0) != 0x80)
			n--;
		if (*sql == '\n')
			line++;
	}
	return line;
}

/* A script comes with the program and holds nobody's data, so its author may hear the server's words. */
static enum rc
script_failed(struct ctx *cx, const char *sql, const PGresult *result)
{
	const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	int line = blamed_line(sql, result);

	if (words != NULL && state != NULL && line > 0)
		err_detail(cx, RC_INTERNAL, "line %d: %s, SQLSTATE %s", line, words, state);
	else if (words != NULL && state != NULL)
		err_detail(cx, RC_INTERNAL, "%s, SQLSTATE %s", words, state);
	return pg_sort(cx, "script", result);
}

static enum rc
run_script(struct ctx *cx, const char *sql)
{
	enum rc rc, failed = RC_OK;
	struct pg *pg = cx->pg;
	PGresult *result;

	if (!PQsendQuery(pg_conn(pg), sql))
		return pg_lost(cx, "script");
	while ((rc = pg_wait(cx, "script", cx->deadline_ns)) == RC_OK &&
	       (result = PQgetResult(pg_conn(pg))) != NULL) {
		if (PQresultStatus(result) == PGRES_FATAL_ERROR)
			failed = script_failed(cx, sql, result);
		PQclear(result);
		if (pg_conn(pg) == NULL)
			return failed;
	}
	return rc != RC_OK ? rc : failed;
}

enum rc
pg_script(struct ctx *cx, const char *sql)
{
	struct pg *pg = cx->pg;
	enum rc rc;

	rc = pg_connected(cx, pg_deadline(cx));
	if (rc == RC_OK)
		rc = pg_begun(cx, pg_deadline(cx));
	if (rc == RC_OK)
		rc = run_script(cx, sql);
	if (rc == RC_OK && pg->depth > 0 && PQtransactionStatus(pg_conn(pg)) != PQTRANS_INTRANS) {
		pg_drop(pg);
		rc = err_detail(cx, RC_INTERNAL, "the script ended the transaction it is run in");
	}
	pg_done(pg);
	return rc;
}
