/* copy.c - many rows by COPY, several times cheaper than an insert of as many. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* PostgreSQL's manual, COPY, "Text Format": these end a column, a row, or begin an escape. */
void
pg_rows_add(struct pg_rows *rows, const char *text)
{
	struct buf *b = &rows->buf;

	if (rows->in_row)
		buf_add_char(b, '\t');
	rows->in_row = true;
	if (text == NULL) {
		buf_add_text(b, "\\N");
		return;
	}
	for (;;) {
		size_t plain = strcspn(text, "\\\t\n\r");

		buf_add(b, text, plain);
		text += plain;
		if (*text == '\0')
			return;
		buf_add_char(b, '\\');
		buf_add_char(b, *text == '\t' ? 't' : *text == '\n' ? 'n' : *text == '\r' ? 'r' : '\\');
		text++;
	}
}

void
pg_rows_end(struct pg_rows *rows)
{
	buf_add_char(&rows->buf, '\n');
	rows->in_row = false;
	rows->count++;
}

/* The server's answer to the command: that it takes rows now. */
static enum rc
begin_copy(struct ctx *cx, const char *sql, int64_t deadline_ns)
{
	PGresult *result;
	enum rc rc;

	if (!PQsendQuery(pg_conn(cx->pg), sql))
		return pg_lost(cx, sql);
	rc = pg_wait(cx, sql, deadline_ns);
	if (rc != RC_OK)
		return rc;
	result = PQgetResult(pg_conn(cx->pg));
	if (PQresultStatus(result) == PGRES_COPY_IN) {
		PQclear(result);
		return RC_OK;
	}
	rc = pg_sort(cx, sql, result);
	PQclear(result);
	if (pg_conn(cx->pg) != NULL)
		(void)pg_collect(cx, sql, deadline_ns, NULL);
	return rc;
}

static enum rc
copy(struct ctx *cx, const char *sql, const struct pg_rows *rows)
{
	int64_t started_ns = clock_monotonic_ns(), deadline = pg_deadline(cx);
	struct pg *pg = cx->pg;
	enum rc rc;

	rc = pg_connected(cx, deadline);
	if (rc == RC_OK)
		rc = pg_begun(cx, deadline);
	if (rc == RC_OK)
		rc = begin_copy(cx, sql, deadline);
	if (rc != RC_OK)
		return rc;
	/* What doesn't fit into the socket is kept by the library, and goes out while the answer is waited for. */
	if (PQputCopyData(pg_conn(pg), rows->buf.bytes, (int)rows->buf.length) != 1 ||
	    PQputCopyEnd(pg_conn(pg), NULL) != 1)
		return pg_lost(cx, sql);
	rc = pg_collect(cx, sql, deadline, NULL);
	metrics_observe(M_DATABASE_SECONDS, STATEMENT_COPY, clock_monotonic_ns() - started_ns);
	return rc;
}

enum rc
pg_copy(struct ctx *cx, const char *sql, const struct pg_rows *rows)
{
	enum rc rc = RC_OK;

	if (rows->count > 0)
		rc = copy(cx, sql, rows);
	pg_done(cx->pg);
	return rc;
}
