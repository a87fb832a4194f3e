/* pool.c - the connections of a loop, which handles borrow. */
#include "lib/pg/conn.h"

struct pg_pool {
	struct arena *arena; /* lives as long as this struct; its connections' and handles', too */
	const struct target *to;
	struct link *idle; /* the one that was used last comes first */
	unsigned spare;	   /* connections that may still be made */
};

struct pg_pool *
pg_pool_open(const char *database, const char *role, unsigned most)
{
	struct arena *a = arena_new();
	const struct target *to = pg_target(a, database, role);
	struct pg_pool *pool;

	if (to == NULL) {
		arena_free(a);
		return NULL;
	}
	pool = arena_zalloc(a, sizeof(*pool));
	pool->arena = a;
	pool->to = to;
	pool->spare = most;
	return pool;
}

struct pg *
pg_pool_handle(struct pg_pool *pool)
{
	struct pg *pg = arena_zalloc(pool->arena, sizeof(*pg));

	pg->pool = pool;
	return pg;
}

void
pg_pool_close(struct pg_pool *pool)
{
	if (pool == NULL)
		return;
	for (struct link *link = pool->idle; link != NULL; link = link->next)
		PQfinish(link->conn);
	arena_free(pool->arena);
}

enum rc
pg_borrow(struct ctx *cx, int64_t deadline_ns)
{
	struct pg_pool *pool = cx->pg->pool;
	struct link *link = pool->idle;

	(void)deadline_ns;
	if (link != NULL) {
		pool->idle = link->next;
	} else if (pool->spare > 0) {
		pool->spare--;
		link = pg_link(pool->arena, pool->to);
	} else {
		return err_detail(cx, RC_UNAVAILABLE, "database connection: none of the program's was free in time");
	}
	cx->pg->link = link;
	return RC_OK;
}

void
pg_give_back(struct pg *pg)
{
	struct link *link = pg->link;

	pg->link = NULL;
	link->next = pg->pool->idle;
	pg->pool->idle = link;
}
