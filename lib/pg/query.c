#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

#define REPEATS_MAX 5

enum rc
pg_collect(struct ctx *cx, const char *where, int64_t deadline_ns, PGresult **ret_result)
{
	PGresult *kept = NULL, *next;
	enum rc rc;

	while ((rc = pg_wait(cx, where, deadline_ns)) == RC_OK) {
		next = PQgetResult(pg_conn(cx->pg));
		if (next == NULL)
			break;
		/* Of a script's results the one that failed counts, else the last. */
		if (kept != NULL && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
			PQclear(next);
			continue;
		}
		PQclear(kept);
		kept = next;
	}
	if (rc == RC_OK && kept != NULL && PQresultStatus(kept) == PGRES_FATAL_ERROR)
		rc = pg_sort(cx, where, kept);
	if (rc != RC_OK || ret_result == NULL)
		PQclear(kept);
	else
		*ret_result = kept;
	return rc;
}

enum rc
pg_command(struct ctx *cx, const char *sql, int64_t deadline_ns)
{
	if (!PQsendQuery(pg_conn(cx->pg), sql))
		return pg_lost(cx, sql);
	return pg_collect(cx, sql, deadline_ns, NULL);
}

void
pg_prepared_now(struct binding *b)
{
	b->prepared = true;
	b->column_count = -1; /* a migration may have come in between */
}

enum rc
pg_prepared(struct ctx *cx, const struct pg_stmt *stmt, int64_t deadline_ns, struct binding **ret_binding)
{
	struct binding *b;
	enum rc rc;

	rc = pg_binding(cx, cx->pg->link, stmt, &b);
	if (rc == RC_OK && !b->prepared) {
		rc = pg_begun(cx, deadline_ns);
		if (rc == RC_OK && !PQsendPrepare(pg_conn(cx->pg), stmt->name, stmt->sql, 0, NULL))
			rc = pg_lost(cx, stmt->name);
		if (rc == RC_OK)
			rc = pg_collect(cx, stmt->name, deadline_ns, NULL);
		if (rc == RC_OK)
			pg_prepared_now(b);
	}
	if (rc == RC_OK)
		*ret_binding = b;
	return rc;
}

const char **
pg_values(struct ctx *cx, const struct binding *b, const void *arg)
{
	const char **values = arena_zalloc_n(cx->arena, (size_t)b->param_count, sizeof(*values));

	for (int i = 0; i < b->param_count; i++)
		values[i] = field_text(cx->arena, b->params[i], arg);
	return values;
}

bool
pg_send(struct ctx *cx, const struct binding *b, const void *arg)
{
	const char **values = pg_values(cx, b, arg);

	return PQsendQueryPrepared(pg_conn(cx->pg), b->stmt->name, b->param_count, values, NULL, NULL, 0) == 1;
}

typedef enum rc load_fn(struct arena *a, const struct field *row, const char *sql_text, size_t length, void *into);

static enum rc
load(struct ctx *cx, struct arena *a, struct binding *b, const PGresult *result, int n, void *row, load_fn *member)
{
	for (int i = 0; i < b->absent_count; i++)
		(void)member(a, b->absent[i], NULL, 0, row);
	for (int i = 0; i < b->column_count; i++) {
		size_t length = (size_t)PQgetlength(result, n, i); /* of null, too, it is 0 */
		const char *text = length == 0 && PQgetisnull(result, n, i) ? NULL : PQgetvalue(result, n, i);

		if (member(a, b->columns[i], text, length, row) != RC_OK)
			return err_detail(cx, RC_INTERNAL, "%s: column %s doesn't fit its member",
			    b->stmt->name, PQfname(result, i));
	}
	return RC_OK;
}

enum rc
pg_load(struct ctx *cx, struct arena *a, struct binding *b, const PGresult *result, int n, void *row)
{
	return load(cx, a, b, result, n, row, field_load);
}

enum rc
pg_load_in_place(struct ctx *cx, struct arena *a, struct binding *b, const PGresult *result, int n, void *row)
{
	return load(cx, a, b, result, n, row, field_load_in_place);
}

/* The answers to BEGIN, to the statement, and to the end of the pipeline. */
static enum rc
collect_begun(struct ctx *cx, const char *name, int64_t deadline_ns, PGresult **ret_result)
{
	PGresult *result = NULL;
	struct pg *pg = cx->pg;
	enum rc rc;

	rc = pg_collect(cx, "begin", deadline_ns, NULL);
	if (rc != RC_OK) {
		if (pg_conn(pg) != NULL)
			pg_drop(pg);
		return rc;
	}
	rc = pg_collect(cx, name, deadline_ns, &result);
	if (pg_conn(pg) == NULL)
		return rc;
	pg->begun = true;
	if (pg_wait(cx, name, deadline_ns) == RC_OK) {
		PQclear(PQgetResult(pg_conn(pg))); /* PGRES_PIPELINE_SYNC */
		if (!PQexitPipelineMode(pg_conn(pg)))
			rc = pg_lost(cx, name);
	} else if (rc == RC_OK) {
		rc = RC_UNAVAILABLE;
	}
	if (rc == RC_OK)
		*ret_result = result;
	else
		PQclear(result);
	return rc;
}

/* The statement that begins a transaction goes out together with its BEGIN: one round trip for both. */
static enum rc
exchange(struct ctx *cx, struct binding *b, const void *arg, int64_t deadline_ns, PGresult **ret_result)
{
	const char *name = b->stmt->name;
	PGconn *conn = pg_conn(cx->pg);

	if (cx->pg->depth == 0 || cx->pg->begun) {
		if (!pg_send(cx, b, arg))
			return pg_lost(cx, name);
		return pg_collect(cx, name, deadline_ns, ret_result);
	}
	if (!PQenterPipelineMode(conn) || !PQsendQueryParams(conn, "begin", 0, NULL, NULL, NULL, NULL, 0) ||
	    !pg_send(cx, b, arg) || !PQpipelineSync(conn))
		return pg_lost(cx, name);
	return collect_begun(cx, name, deadline_ns, ret_result);
}

static enum rc
attempt(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t deadline_ns,
    struct binding **ret_binding, PGresult **ret_result)
{
	enum rc rc;

	cx->pg->failure = PG_FAILED;
	rc = pg_connected(cx, deadline_ns);
	if (rc == RC_OK)
		rc = pg_prepared(cx, stmt, deadline_ns, ret_binding);
	if (rc == RC_OK)
		rc = exchange(cx, *ret_binding, arg, deadline_ns, ret_result);
	return rc;
}

bool
pg_may_repeat(struct pg *pg, const struct pg_stmt *stmt, int tries)
{
	/* What began a transaction had no effect without its commit. */
	bool harmless = pg->depth > 0 ? !pg->begun : stmt->kind != PG_WRITE;

	if (pg->failure == PG_SERIALIZED) {
		if (pg->depth > 0 || tries >= REPEATS_MAX)
			return false;
		metrics_add(M_DATABASE_RETRIES, RETRY_SERIALIZED, 1);
		return true;
	}
	if (pg->failure != PG_LOST || !harmless || tries > 1)
		return false;
	metrics_add(M_DATABASE_RETRIES, RETRY_LOST, 1);
	pg->lost = false;
	return true;
}

static enum rc
try_and_repeat(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t deadline_ns,
    struct binding **ret_binding, PGresult **ret_result)
{
	struct err before = cx->err;
	enum rc rc;

	for (int tries = 1;; tries++) {
		rc = attempt(cx, stmt, arg, deadline_ns, ret_binding, ret_result);
		if (rc == RC_OK || !pg_may_repeat(cx->pg, stmt, tries))
			break;
		cx->err = before;
	}
	pg_done(cx->pg);
	return rc;
}

static enum rc
run(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, struct binding **ret_binding,
    PGresult **ret_result)
{
	int64_t started_ns = clock_monotonic_ns();
	enum rc rc;

	if (!pg_look_up(cx, stmt, arg, pg_deadline(cx), ret_binding, ret_result, &rc))
		rc = try_and_repeat(cx, stmt, arg, pg_deadline(cx), ret_binding, ret_result);
	metrics_observe(M_DATABASE_SECONDS, stmt->kind != PG_WRITE ? STATEMENT_READ : STATEMENT_WRITE,
	    clock_monotonic_ns() - started_ns);
	return rc;
}

enum rc
pg_fetch_one(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, void *ret_row)
{
	PGresult *result;
	struct binding *b;
	enum rc rc;

	rc = run(cx, stmt, arg, &b, &result);
	if (rc != RC_OK)
		return rc;
	if (PQntuples(result) == 0)
		rc = RC_NOT_FOUND;
	else if (PQntuples(result) > 1)
		rc = err_detail(cx, RC_INTERNAL, "%s: more than one row", stmt->name);
	if (rc == RC_OK)
		rc = pg_bind_columns(cx, b, result);
	if (rc == RC_OK)
		rc = pg_load(cx, cx->arena, b, result, 0, ret_row);
	PQclear(result);
	return rc;
}

enum rc
pg_fetch_all(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t size, void *ret_rows_ptr,
    size_t *ret_count)
{
	PGresult *result;
	struct binding *b;
	char *rows;
	int count;
	enum rc rc;

	rc = run(cx, stmt, arg, &b, &result);
	if (rc != RC_OK)
		return rc;
	count = PQntuples(result);
	rows = arena_zalloc_n(cx->arena, (size_t)count, size);
	rc = pg_bind_columns(cx, b, result);
	for (int i = 0; rc == RC_OK && i < count; i++)
		rc = pg_load(cx, cx->arena, b, result, i, rows + (size_t)i * size);
	PQclear(result);
	if (rc == RC_OK) {
		*(void **)ret_rows_ptr = rows;
		*ret_count = (size_t)count;
	}
	return rc;
}

enum rc
pg_execute(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t *ret_affected)
{
	PGresult *result;
	struct binding *b;
	enum rc rc;

	rc = run(cx, stmt, arg, &b, &result);
	if (rc != RC_OK)
		return rc;
	if (ret_affected != NULL)
		*ret_affected = strtoll(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	return RC_OK;
}
