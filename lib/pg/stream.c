#include "lib/base/clock.h"
#include "lib/loop/loop.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

struct stream {
	struct ctx *cx;
	struct binding *binding;
	struct arena *scratch;
	int64_t patience_ns; /* for each row */
	size_t size;
	enum rc (*each)(void *closure, const void *row);
	void *closure;
	bool any; /* a row was handed over */
	unsigned in_a_row; /* rows since others had their turn */
};

/* Rows that a fiber takes before those of others run. */
#define TURN 64

/* The next result; *ret_result is NULL after the last. */
static enum rc
next_result(const struct stream *s, PGresult **ret_result)
{
	struct pg *pg = s->cx->pg;
	enum rc rc = RC_OK;

	if (PQisBusy(pg_conn(pg)))
		rc = pg_wait(s->cx, s->binding->stmt->name, clock_monotonic_ns() + s->patience_ns);
	if (rc == RC_OK)
		*ret_result = PQgetResult(pg_conn(pg));
	return rc;
}

static enum rc
hand_over(struct stream *s, const PGresult *result)
{
	enum rc rc;
	void *row;

	arena_reset(s->scratch);
	row = arena_zalloc(s->scratch, s->size);
	rc = pg_bind_columns(s->cx, s->binding, result);
	if (rc == RC_OK)
		rc = pg_load_in_place(s->cx, s->scratch, s->binding, result, 0, row);
	if (rc != RC_OK)
		return rc;
	s->any = true;
	s->cx->pg->streaming = true;
	rc = s->each(s->closure, row);
	if (++s->in_a_row % TURN == 0)
		fiber_yield();
	s->cx->pg->streaming = false;
	return rc;
}

/* The rest of the rows, which may be many, is not wanted: outside a transaction a new connection is quicker. */
static void
abandon(const struct stream *s)
{
	struct pg *pg = s->cx->pg;
	PGresult *result;

	if (pg->depth == 0)
		pg_drop(pg);
	while (pg_conn(pg) != NULL && next_result(s, &result) == RC_OK && result != NULL)
		PQclear(result);
}

static enum rc
take_rows(struct stream *s)
{
	enum rc rc, failed = RC_OK;
	PGresult *result;

	while ((rc = next_result(s, &result)) == RC_OK && result != NULL) {
		ExecStatusType status = PQresultStatus(result);

		if (status == PGRES_SINGLE_TUPLE)
			rc = hand_over(s, result);
		else if (status == PGRES_FATAL_ERROR)
			failed = pg_sort(s->cx, s->binding->stmt->name, result);
		PQclear(result);
		if (pg_conn(s->cx->pg) == NULL)
			return failed;
		if (rc != RC_OK) {
			abandon(s);
			return rc;
		}
	}
	return rc != RC_OK ? rc : failed;
}

/* A slow reader of the rows must not run into the server's statement_timeout, which counts until the last row is sent. */
static enum rc
take_slowly(struct stream *s, const struct pg_stmt *stmt, const void *arg)
{
	int64_t started_ns = clock_monotonic_ns(), deadline = pg_deadline(s->cx);
	struct ctx *cx = s->cx;
	struct pg *pg = cx->pg;
	enum rc rc;

	s->patience_ns = deadline - started_ns;
	pg->failure = PG_FAILED;
	rc = pg_connected(cx, deadline);
	if (rc == RC_OK)
		rc = pg_prepared(cx, stmt, deadline, &s->binding);
	if (rc == RC_OK)
		rc = pg_begun(cx, deadline);
	if (rc == RC_OK)
		rc = pg_command(cx, "set statement_timeout = 0", deadline);
	if (rc == RC_OK && (!pg_send(cx, s->binding, arg) || !PQsetSingleRowMode(pg_conn(pg))))
		rc = pg_lost(cx, stmt->name);
	if (rc == RC_OK)
		rc = pg_wait(cx, stmt->name, deadline);
	/* Until its first row: what comes behind is as slow as who reads it. */
	metrics_observe(M_DATABASE_SECONDS, STATEMENT_READ, clock_monotonic_ns() - started_ns);
	if (rc == RC_OK)
		rc = take_rows(s);
	/* In a transaction that failed its rollback does this. */
	if (pg_conn(pg) != NULL && PQtransactionStatus(pg_conn(pg)) != PQTRANS_INERROR)
		pg_tidy(cx, "reset statement_timeout");
	return rc;
}

enum rc
pg_for_each(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t size,
    enum rc (*each)(void *closure, const void *row), void *closure)
{
	struct stream s = {
		.cx = cx, .size = size, .each = each, .closure = closure, .scratch = arena_new()
	};
	struct err before = cx->err;
	enum rc rc;

	rc = take_slowly(&s, stmt, arg);
	if (rc != RC_OK && !s.any && pg_may_repeat(cx->pg, stmt, 1)) {
		cx->err = before;
		rc = take_slowly(&s, stmt, arg);
	}
	arena_free(s.scratch);
	pg_done(cx->pg);
	return rc;
}
