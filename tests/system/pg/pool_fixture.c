#include "tests/system/pg/pool_fixture.h"

#include <stdio.h>

struct loop *loop;
struct pg_pool *pool;
struct guest guests[GUESTS_MOST];
struct fiber_list gate;

static const struct pg_stmt find = {
	.name = "find",
	.kind = PG_LOOKUP,
	.sql = "select id, name from thing where id = $1::uuid",
	.takes = "id",
	.in = thing_fields,
	.out = thing_fields,
};

const struct pg_stmt shared_pid = {
	.name = "shared_pid",
	.kind = PG_LOOKUP,
	.sql = "select pg_backend_pid() as number",
	.out = thing_fields,
};

void
pool_setup(void)
{
	setup();
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	pool = pg_pool_open("postgres", "postgres", 4);
	ck_assert_ptr_nonnull(pool);
	for (int i = 0; i < GUESTS_MOST; i++) {
		struct guest *g = &guests[i];

		*g = (struct guest){ .number = i };
		ctx_init(&g->cx, arena_new(), pg_pool_handle(pool));
	}
	gate = (struct fiber_list){ NULL, NULL };
}

void
pool_teardown(void)
{
	for (int i = 0; i < GUESTS_MOST; i++) {
		pg_close(guests[i].cx.pg);
		arena_free(guests[i].cx.arena);
	}
	pg_pool_close(pool);
	loop_free(loop);
	teardown();
}

static void
as_guest(void *arg)
{
	struct guest *g = arg;

	next_request(&g->cx);
	g->body(g);
	pg_reset(g->cx.pg);
}

void
start(int i, void (*body)(struct guest *g))
{
	guests[i].body = body;
	ck_assert(fiber_start(loop, as_guest, &guests[i]));
}

void
run_all(int count, void (*body)(struct guest *g))
{
	for (int i = 0; i < count; i++)
		start(i, body);
	loop_run(loop);
}

int64_t
ask(struct guest *g, const struct pg_stmt *stmt, int64_t about)
{
	struct thing found, t = { .number = about };
	enum rc rc = pg_fetch_one(&g->cx, stmt, &t, &found);

	ck_assert_msg(rc == RC_OK, "%s: %s", stmt->name, g->cx.err.detail);
	return found.number;
}

void
write_and_find(struct guest *g, int round)
{
	char id[UUID_SIZE], name[UUID_SIZE + 32];
	struct thing found, t = { .id = id, .name = name };

	uuid_new(id);
	snprintf(name, sizeof(name), "%d/%d of %s", g->number, round, id);
	ck_assert_int_eq(pg_fetch_one(&g->cx, &find, &t, &found), RC_NOT_FOUND);
	ck_assert_int_eq(pg_execute(&g->cx, &insert_thing, &t, NULL), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&g->cx, &find, &t, &found), RC_OK);
	ck_assert_str_eq(found.name, name);
	ck_assert_str_eq(found.id, id);
}

void
write_and_find_often(struct guest *g)
{
	for (int i = 0; i < 30; i++)
		write_and_find(g, i);
}

int64_t seen_pid;

void
note_shared_pid(struct guest *g)
{
	seen_pid = ask(g, &shared_pid, 0);
}
