/* pool.c - the connections of a loop, which handles borrow. */
#include "lib/loop/loop.h"
#include "lib/pg/conn.h"

struct pg_pool {
	struct arena *arena; /* lives as long as this struct: its connections', handles' and lookups', too */
	const struct target *to;
	struct link *idle;	     /* the one that was used last comes first */
	unsigned free;		     /* connections that are idle, or may still be made */
	unsigned promised;	     /* of these, to fibers that were woken for them and haven't run yet */
	struct fiber_list waiting;   /* until one is given back */
	struct pg *handles;	     /* closed ones, to be used again */
	struct pg_lookups *lookups;
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
	pool->free = most;
	pool->lookups = pg_lookups(a, to);
	return pool;
}

void
pg_pool_close(struct pg_pool *pool)
{
	if (pool == NULL)
		return;
	for (struct link *link = pool->idle; link != NULL; link = link->next)
		PQfinish(link->conn);
	pg_lookups_end(pool->lookups);
	arena_free(pool->arena);
}

struct pg *
pg_pool_handle(struct pg_pool *pool)
{
	struct pg *pg = pool->handles;

	if (pg == NULL)
		pg = arena_zalloc(pool->arena, sizeof(*pg));
	else
		pool->handles = pg->next;
	pg->pool = pool;
	return pg;
}

void
pg_pool_take_back(struct pg *pg)
{
	pg->next = pg->pool->handles;
	pg->pool->handles = pg;
}

struct pg_lookups *
pg_pool_lookups(struct pg_pool *pool)
{
	return pool->lookups;
}

/* Who comes while others wait comes after them, also where one has just become free. */
static bool
wait_for_one(struct pg_pool *pool, int64_t deadline_ns)
{
	if (pool->free > pool->promised)
		return true;
	if (fiber_self() == NULL || !fiber_wait(&pool->waiting, deadline_ns))
		return false;
	pool->promised--;
	return true;
}

enum rc
pg_borrow(struct ctx *cx, int64_t deadline_ns)
{
	struct pg_pool *pool = cx->pg->pool;
	struct link *link;

	if (!wait_for_one(pool, deadline_ns))
		return err_detail(cx, RC_UNAVAILABLE, "database connection: none of the program's was free in time");
	link = pool->idle;
	if (link != NULL)
		pool->idle = link->next;
	else
		link = pg_link(pool->arena, pool->to);
	pool->free--;
	cx->pg->link = link;
	return RC_OK;
}

void
pg_give_back(struct pg *pg)
{
	struct pg_pool *pool = pg->pool;
	struct link *link = pg->link;

	pg->link = NULL;
	link->next = pool->idle;
	pool->idle = link;
	pool->free++;
	if (fiber_wake(&pool->waiting))
		pool->promised++;
}
