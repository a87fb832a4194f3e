#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* Tidying up has this long even where the request's time is over: else the connection would have to go. */
#define TIDY_NS 1000000000

#define COMMAND_SIZE 80

enum rc
pg_begun(struct ctx *cx, int64_t deadline_ns)
{
	struct pg *pg = cx->pg;
	enum rc rc;

	if (pg->depth == 0 || pg->begun)
		return RC_OK;
	rc = pg_command(cx, "begin", deadline_ns);
	if (rc == RC_OK)
		pg->begun = true;
	return rc;
}

/* The outermost one costs nothing yet: BEGIN goes out with the first statement. */
enum rc
pg_begin(struct ctx *cx)
{
	struct pg *pg = cx->pg;
	char savepoint[COMMAND_SIZE];
	enum rc rc = RC_OK;

	if (pg->depth > 0) {
		int64_t deadline = pg_deadline(cx);

		snprintf(savepoint, sizeof(savepoint), "savepoint s%u", pg->depth);
		rc = pg_connected(cx, deadline);
		if (rc == RC_OK)
			rc = pg_begun(cx, deadline);
		if (rc == RC_OK)
			rc = pg_command(cx, savepoint, deadline);
	}
	if (rc == RC_OK)
		pg->depth++;
	return rc;
}

void
pg_tidy(struct ctx *cx, const char *command)
{
	struct err before = cx->err;

	if (pg_conn(cx->pg) != NULL && pg_command(cx, command, clock_monotonic_ns() + TIDY_NS) != RC_OK &&
	    pg_conn(cx->pg) != NULL)
		pg_drop(cx->pg);
	cx->err = before;
}

static enum rc
release(struct ctx *cx, enum rc rc)
{
	char command[COMMAND_SIZE];
	struct pg *pg = cx->pg;
	unsigned n = --pg->depth;

	if (pg->lost)
		return rc != RC_OK ? rc : pg_connected(cx, pg_deadline(cx));
	if (rc == RC_OK) {
		snprintf(command, sizeof(command), "release savepoint s%u", n);
		rc = pg_command(cx, command, pg_deadline(cx));
	}
	if (rc != RC_OK && !pg->lost) {
		snprintf(command, sizeof(command), "rollback to savepoint s%u; release savepoint s%u", n, n);
		pg_tidy(cx, command);
	}
	return rc;
}

/* A transaction in which a statement failed answers COMMIT with "ROLLBACK", and no error. */
static enum rc
commit(struct ctx *cx)
{
	int64_t started_ns = clock_monotonic_ns(), deadline = pg_deadline(cx);
	struct pg *pg = cx->pg;
	PGresult *result;
	enum rc rc;

	if (PQtransactionStatus(pg_conn(pg)) == PQTRANS_INERROR) {
		pg_tidy(cx, "rollback");
		return err_detail(cx, RC_INTERNAL, "commit of a transaction in which a statement had failed");
	}
	if (started_ns >= deadline) {
		pg_tidy(cx, "rollback");
		return err_detail(cx, RC_TIMEOUT, "no time left to commit");
	}
	if (!PQsendQuery(pg_conn(pg), "commit"))
		return pg_lost(cx, "commit");
	rc = pg_collect(cx, "commit", deadline, &result);
	metrics_observe(M_DATABASE_SECONDS, STATEMENT_COMMIT, clock_monotonic_ns() - started_ns);
	if (rc == RC_OK) {
		if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
			rc = err_detail(cx, RC_INTERNAL, "the server rolled back instead of committing");
		PQclear(result);
	}
	return rc;
}

enum rc
pg_end(struct ctx *cx, enum rc rc)
{
	struct pg *pg = cx->pg;

	if (pg->depth == 0)
		return err_detail(cx, RC_INTERNAL, "pg_end without pg_begin");
	if (pg->depth > 1)
		return release(cx, rc);
	if (pg->lost) {
		if (rc == RC_OK)
			rc = err_detail(cx, RC_UNAVAILABLE, "the connection was lost in this transaction");
	} else if (pg->begun) {
		if (rc == RC_OK)
			rc = commit(cx);
		else
			pg_tidy(cx, "rollback");
	}
	pg->depth = 0;
	pg->begun = pg->lost = false;
	pg_done(pg);
	return rc;
}

enum rc
pg_try_one(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, void *ret_row)
{
	enum rc rc;

	if (cx->pg->depth == 0)
		return pg_fetch_one(cx, stmt, arg, ret_row);
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	return pg_end(cx, pg_fetch_one(cx, stmt, arg, ret_row));
}

void
pg_reset(struct pg *pg)
{
	struct arena *arena;
	struct ctx cx;

	if (pg == NULL)
		return;
	pg->failed_at_ns = 0;
	if (pg->depth == 0)
		return;
	arena = arena_new();
	ctx_init(&cx, arena, pg);
	pg->depth = 1;
	(void)pg_end(&cx, RC_INTERNAL);
	arena_free(arena);
}
