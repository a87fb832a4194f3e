/* pool.c - the connections of a loop, which handles borrow. */
#include "lib/loop/loop.h"
#include "lib/pg/conn.h"

/* A fiber that waits for one, on its stack. */
struct borrower {
	struct borrower *next;
	struct fiber_list fiber;
	struct link *link; /* what it gets */
	bool refused;
};

struct pg_pool {
	struct arena *arena; /* lives as long as this struct: its connections', handles' and lookups', too */
	const struct target *to;
	struct link *idle; /* the one that was used last comes first */
	unsigned unmade;   /* connections that may still be made */
	struct borrower *first, **end;
	struct pg *handles; /* closed ones, to be used again */
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
	pool->unmade = most;
	pool->end = &pool->first;
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

/* --- borrowing --- */

static void
leave_queue(struct pg_pool *pool, struct borrower *b)
{
	struct borrower **at = &pool->first;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	if (b->next == NULL)
		pool->end = at;
}

static struct borrower *
next_borrower(struct pg_pool *pool)
{
	struct borrower *b = pool->first;

	if (b != NULL)
		leave_queue(pool, b);
	return b;
}

/* NULL: none in time. */
static struct link *
wait_in_queue(struct pg_pool *pool, int64_t deadline_ns)
{
	struct borrower b = { .next = NULL };

	if (fiber_self() == NULL)
		return NULL;
	*pool->end = &b;
	pool->end = &b.next;
	if (!fiber_wait(&b.fiber, deadline_ns) && b.link == NULL && !b.refused)
		leave_queue(pool, &b);
	return b.link;
}

enum rc
pg_borrow(struct ctx *cx, int64_t deadline_ns)
{
	struct pg_pool *pool = cx->pg->pool;
	struct link *link = pool->idle;

	if (link != NULL) {
		pool->idle = link->next;
	} else if (pool->unmade > 0) {
		pool->unmade--;
		link = pg_link(pool->arena, pool->to);
	} else {
		link = wait_in_queue(pool, deadline_ns);
	}
	if (link == NULL)
		return err_detail(cx, RC_UNAVAILABLE, "database connection: none of the program's was free in time");
	cx->pg->link = link;
	return RC_OK;
}

/* Who waits has it before anybody who comes later. */
void
pg_give_back(struct pg *pg)
{
	struct pg_pool *pool = pg->pool;
	struct borrower *b = next_borrower(pool);
	struct link *link = pg->link;

	pg->link = NULL;
	if (b != NULL) {
		b->link = link;
		(void)fiber_wake(&b->fiber);
	} else {
		link->next = pool->idle;
		pool->idle = link;
	}
}

void
pg_pool_refuse(struct pg_pool *pool)
{
	struct borrower *b;

	while ((b = next_borrower(pool)) != NULL) {
		b->refused = true;
		(void)fiber_wake(&b->fiber);
	}
}
