#include <string.h>

#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

struct sorted {
	const char *state; /* SQLSTATE, or the beginning of it */
	enum rc rc;
	enum pg_failure failure;
	bool drop; /* the connection is of no more use */
};

/* clang-format off */
/* PostgreSQL's Appendix A; the first that fits. */
static const struct sorted table[] = {
	{ "23505", RC_DUPLICATE, PG_FAILED, false },
	{ "23P01", RC_OVERLAP, PG_FAILED, false },
	{ "40001", RC_UNAVAILABLE, PG_SERIALIZED, false }, /* serialization_failure */
	{ "40P01", RC_UNAVAILABLE, PG_SERIALIZED, false }, /* deadlock_detected */
	{ "57014", RC_TIMEOUT, PG_FAILED, false },	   /* query_canceled: statement_timeout */
	{ "55P03", RC_UNAVAILABLE, PG_LOCKED, false },	   /* lock_not_available */
	{ "57P0", RC_UNAVAILABLE, PG_LOST, true },	   /* shutdown, crash, starting up, terminated */
	{ "25P03", RC_UNAVAILABLE, PG_LOST, true },	   /* idle_in_transaction_session_timeout */
	{ "25006", RC_UNAVAILABLE, PG_LOST, true },	   /* read_only_sql_transaction: a stand-by */
	{ "08", RC_UNAVAILABLE, PG_LOST, true },	   /* connection exceptions */
	{ "53", RC_UNAVAILABLE, PG_FAILED, false },	   /* insufficient resources */
	/* Statements prepared before a migration changed their columns; prepared anew, on another connection, they work. */
	{ "0A000", RC_INTERNAL, PG_LOST, true },
	{ "26000", RC_INTERNAL, PG_LOST, true },
	{ "", RC_INTERNAL, PG_FAILED, false },
};
/* clang-format on */

enum rc
pg_lost(struct ctx *cx, const char *where)
{
	metrics_add(M_DATABASE_LOST, 0, 1);
	pg_drop(cx->pg);
	cx->pg->failure = PG_LOST;
	return err_detail(cx, RC_UNAVAILABLE, "%s: the connection to the database was lost", where);
}

bool
pg_lock_timed_out(const struct pg *pg)
{
	return pg->failure == PG_LOCKED;
}

/* A primary message can quote what was sent ("invalid input syntax for type date: …"), which no log may hold; that
 * of class 42 (syntax, names, rights) only names things of the schema. */
static enum rc
describe(struct ctx *cx, enum rc rc, const char *where, const char *state, const PGresult *result)
{
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
	const char *relation = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
	const char *words =
	    strncmp(state, "42", 2) == 0 ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	if (rc == RC_DUPLICATE || rc == RC_OVERLAP)
		cx->err.constraint = arena_strdup(cx->arena, constraint == NULL ? "" : constraint);
	return err_detail(cx, rc, "%s: SQLSTATE %s%s%s%s%s%s%s", where, state,
	    constraint == NULL ? "" : ", constraint ", constraint == NULL ? "" : constraint,
	    relation == NULL ? "" : ", table ", relation == NULL ? "" : relation, words == NULL ? "" : ", ",
	    words == NULL ? "" : words);
}

static const struct sorted *
sort(const char *state)
{
	const struct sorted *s = table;

	while (strncmp(state, s->state, strlen(s->state)) != 0)
		s++;
	return s;
}

enum pg_failure
pg_failure_of(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return state == NULL ? PG_LOST : sort(state)->failure;
}

enum rc
pg_sort(struct ctx *cx, const char *where, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const struct sorted *s;
	struct pg *pg = cx->pg;
	enum rc rc;

	if (state == NULL) /* libpq's own words */
		return pg_lost(cx, where);
	s = sort(state);
	rc = describe(cx, s->rc, where, state, result);
	pg->failure = s->failure;
	if (pg->link != NULL && (s->drop || PQstatus(pg_conn(pg)) != CONNECTION_OK)) {
		metrics_add(M_DATABASE_LOST, 0, rc == RC_UNAVAILABLE);
		pg_drop(pg);
	}
	return rc;
}
