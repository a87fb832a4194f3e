/* schema.c - whether the database has the schema that this program was built for. */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "lib/pg/conn.h"

#define ASK_EVERY_MS 200

struct schema {
	bool there;
	int64_t number;
};

static const struct field schema_fields[] = {
	{ .name = "there", .type = F_BOOL, .at = offsetof(struct schema, there) },
	{ .name = "number", .type = F_INT, .at = offsetof(struct schema, number) },
	FIELD_END,
};

static const struct pg_stmt any_migration = {
	.name = "any_migration",
	.kind = PG_READ,
	.sql = "select to_regclass('public.schema_migration') is not null as there",
	.out = schema_fields,
};

static const struct pg_stmt newest_migration = {
	.name = "newest_migration",
	.kind = PG_READ,
	.sql = "select coalesce(max(number), 0) as number from schema_migration",
	.out = schema_fields,
};

enum rc
pg_ready(struct ctx *cx, int schema)
{
	struct schema found;
	enum rc rc;

	rc = pg_fetch_one(cx, &newest_migration, NULL, &found);
	if (rc == RC_INTERNAL) /* no such table, or no right to it */
		return RC_UNAVAILABLE;
	if (rc == RC_OK && found.number < schema)
		return err_detail(cx, RC_UNAVAILABLE,
		    "the database's schema is %lld, this program was built for %d", (long long)found.number,
		    schema);
	return rc;
}

enum rc
pg_schema(struct ctx *cx, int64_t *ret_number)
{
	struct err before = cx->err, why;
	struct schema found = { 0 };
	enum rc rc;

	rc = pg_fetch_one(cx, &newest_migration, NULL, &found);
	if (rc == RC_INTERNAL) { /* no such table, or no right to it */
		why = cx->err;
		cx->err = before;
		rc = pg_fetch_one(cx, &any_migration, NULL, &found);
		if (rc == RC_OK && found.there) {
			cx->err = why;
			rc = RC_INTERNAL;
		}
	}
	if (rc == RC_OK)
		*ret_number = found.number;
	return rc;
}

/* --- before serving --- */

/* What was asked for, for the thread that goes on asking; static, as there is one program in a process. */
static struct pg_need need;

static enum pg_fit
compare(struct ctx *cx, const struct pg_need *n, const char **ret_words)
{
	int64_t number = 0;
	enum rc rc = pg_schema(cx, &number);

	if (rc != RC_OK) {
		*ret_words = arena_printf(cx->arena, "database %s can't be asked, waiting for it: %s", n->database,
		    cx->err.detail == NULL ? rc_meaning(rc)->title : cx->err.detail);
		return PG_UNKNOWN;
	}
	if (number == n->schema)
		return PG_FITS;
	*ret_words = arena_printf(cx->arena, "database %s has schema %lld, this program is for %d: %s", n->database, (long long)number,
	    n->schema, number < n->schema ? "run `medicore migrate`" : "install the MediCore that made it, or a newer one");
	return PG_MISFITS;
}

/* said: that it can't be asked, already. */
static enum pg_fit
look(const struct pg_need *n, bool said)
{
	struct arena *a = arena_new();
	struct pg *pg = pg_new(n->database, n->role);
	enum pg_fit fit = PG_MISFITS; /* names that are none */
	const char *words = NULL;
	struct ctx cx;

	if (pg != NULL) {
		ctx_init(&cx, a, pg);
		fit = compare(&cx, n, &words);
		pg_close(pg);
	}
	if (words != NULL && !(said && fit == PG_UNKNOWN))
		n->say(fit == PG_MISFITS ? LOG_ERROR : LOG_WARNING, "%s", words);
	arena_free(a);
	return fit;
}

/* Nothing that was begun is left half done: whatever a program is at, it can be killed at any moment. */
static void *
go_on_looking(void *arg)
{
	const struct timespec pause = { .tv_nsec = ASK_EVERY_MS * 1000000L };
	enum pg_fit fit;

	(void)arg;
	do {
		nanosleep(&pause, NULL);
		fit = look(&need, true);
	} while (fit == PG_UNKNOWN);
	if (fit == PG_MISFITS)
		_exit(PG_MISFIT_STATUS);
	return NULL;
}

enum pg_fit
pg_schema_check(const struct pg_need *n)
{
	need = *n;
	return look(n, false);
}

bool
pg_schema_await(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, go_on_looking, NULL) != 0)
		return false;
	pthread_detach(thread);
	return true;
}
