/* pg.c - handles: with a connection of their own, for threads. */
#include <stdio.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/pg/conn.h"

const struct target *
pg_target(struct arena *a, const char *database, const char *role)
{
	struct target *to;

	if (strlen(database) >= 64 || strlen(role) >= 64) {
		fprintf(stderr, "database %s, role %s: names have at most 63 bytes\n", database, role);
		return NULL;
	}
	to = arena_zalloc(a, sizeof(*to));
	to->database = arena_strdup(a, database);
	to->role = arena_strdup(a, role);
	/* A backend whose client is gone stops working, one left inside a transaction lets go of its locks; compiling
	 * short statements costs more than running them. */
	to->options = arena_printf(a,
	    "-c TimeZone=UTC -c DateStyle=ISO -c statement_timeout=%lld"
	    " -c client_connection_check_interval=1000 -c idle_in_transaction_session_timeout=30000 -c "
	    "jit=off",
	    (long long)config->database.statement_timeout_ms);
	return to;
}

/* With a connection to it of its own; a is the handle's from now on. */
static struct pg *
owner(struct arena *a, const struct target *to)
{
	struct pg *pg = arena_zalloc(a, sizeof(*pg));

	pg->arena = a;
	pg->link = pg_link(a, to);
	return pg;
}

struct pg *
pg_new(const char *database, const char *role)
{
	struct arena *a = arena_new();
	const struct target *to = pg_target(a, database, role);

	if (to != NULL)
		return owner(a, to);
	arena_free(a);
	return NULL;
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
	struct arena *a = arena_new();
	struct target *to = arena_zalloc(a, sizeof(*to));

	to->foreign = arena_strdup(a, conninfo);
	return owner(a, to);
}

enum rc
pg_connect(struct ctx *cx)
{
	enum rc rc = pg_connected(cx, pg_deadline(cx));

	pg_done(cx->pg);
	return rc;
}

void
pg_close(struct pg *pg)
{
	if (pg == NULL)
		return;
	if (pg->pool != NULL) {
		pg_reset(pg);
		pg_pool_take_back(pg);
		return;
	}
	PQfinish(pg->link->conn);
	arena_free(pg->arena);
}
