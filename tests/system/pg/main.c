#include <stdio.h>

#include "tests/lib/run_suites.h"
#include "tests/system/pg/pg_test.h"

#define AT(member) offsetof(struct thing, member)

const struct field thing_fields[] = {
	{ .name = "id", .type = F_UUID, .at = AT(id) },
	{ .name = "name", .type = F_TEXT, .at = AT(name) },
	{ .name = "count", .type = F_INT, .at = AT(count) },
	{ .name = "payload", .type = F_BYTES, .at = AT(payload) },
	{ .name = "happenedAt", .type = F_INSTANT, .at = AT(at) },
	{ .name = "day", .type = F_DATE, .at = AT(day) },
	{ .name = "flag", .type = F_BOOL, .at = AT(flag) },
	{ .name = "amount", .type = F_MONEY, .at = AT(amount) },
	{ .name = "currency", .type = F_CURRENCY, .at = AT(currency) },
	{ .name = "text", .type = F_TEXT, .at = AT(text) },
	{ .name = "number", .type = F_INT, .at = AT(number) },
	FIELD_END,
};

const struct pg_stmt insert_thing = {
	.name = "insert_thing",
	.kind = PG_WRITE,
	.sql = "insert into thing (id, name) values ($1::uuid, $2)",
	.takes = "id name",
	.in = thing_fields,
};

const struct pg_stmt count_things = {
	.name = "count_things",
	.kind = PG_READ,
	.sql = "select count(*) as number from thing",
	.out = thing_fields,
};

const struct pg_stmt backend_pid = {
	.name = "backend_pid",
	.kind = PG_READ,
	.sql = "select pg_backend_pid() as number",
	.out = thing_fields,
};

const struct pg_stmt sleep_long = {
	.name = "sleep_long",
	.kind = PG_READ,
	.sql = "select 1 as number from pg_sleep(60)",
	.out = thing_fields,
};

static const struct pg_stmt terminate_backend = {
	.name = "terminate_backend",
	.kind = PG_READ,
	.sql = "select pg_terminate_backend($1::integer, 5000) as flag",
	.takes = "number",
	.in = thing_fields,
	.out = thing_fields,
};

struct ctx cx, other;

int64_t
now_ms(void)
{
	return clock_monotonic_ns() / 1000000;
}

void
next_request(struct ctx *c)
{
	ctx_init(c, c->arena, c->pg);
}

void
setup(void)
{
	char port[16], wait[24];

	snprintf(port, sizeof(port), "%s", getenv("PGPORT"));
	setenv("MEDICORE__DATABASE__HOST", getenv("PGHOST"), 1);
	setenv("MEDICORE__DATABASE__PORT", port, 1);
	snprintf(wait, sizeof(wait), "%dms", STATEMENT_TIMEOUT_MS);
	setenv("MEDICORE__DATABASE__STATEMENT_TIMEOUT", wait, 1);
	snprintf(wait, sizeof(wait), "%dms", CONNECT_TIMEOUT_MS);
	setenv("MEDICORE__DATABASE__CONNECT_TIMEOUT", wait, 1);
	ck_assert(config_load(NULL));
	ctx_init(&cx, arena_new(), NULL);
	ctx_init(&other, arena_new(), NULL);
	cx.pg = pg_open("postgres", "postgres");
	other.pg = pg_open("postgres", "postgres");
	ck_assert_int_eq(
	    pg_script(&other,
		"drop table if exists thing; drop sequence if exists tries;"
		"create sequence tries;"
		"create table thing (id uuid primary key, name text constraint thing_name unique,"
		" during tstzrange, count bigint constraint thing_count check (count < 100),"
		" payload bytea, happened_at timestamptz, day date, flag boolean, amount bigint,"
		" currency text, constraint thing_during exclude using gist (during with &&))"),
	    RC_OK);
}

void
teardown(void)
{
	pg_close(cx.pg);
	pg_close(other.pg);
	arena_free(cx.arena);
	arena_free(other.arena);
}

void
server(const char *action)
{
	char command[512];

	snprintf(command, sizeof(command), "\"$PGSERVER\" %s", action);
	ck_assert_msg(system(command) == 0, "%s", command);
}

int64_t
number(struct ctx *c, const struct pg_stmt *stmt)
{
	struct thing found;
	enum rc rc = pg_fetch_one(c, stmt, NULL, &found);

	ck_assert_msg(rc == RC_OK, "%s: %s", stmt->name, c->err.detail);
	return found.number;
}

void
terminate(struct ctx *c)
{
	struct thing t = { .number = number(c, &backend_pid) };

	ck_assert_int_eq(pg_fetch_one(c == &cx ? &other : &cx, &terminate_backend, &t, &t), RC_OK);
	ck_assert(t.flag);
}

enum rc
insert(struct ctx *c, const char *name)
{
	char id[UUID_SIZE];

	uuid_new(id);
	return pg_execute(c, &insert_thing, &(struct thing){ .id = id, .name = name }, NULL);
}

int
main(void)
{
	if (getenv("PGSERVER") == NULL) {
		fputs("run it by tests/lib/with-postgres\n", stderr);
		return 77;
	}
	return run_suites((Suite *[]){ errors_suite(), values_suite(), transaction_suite(), session_suite(),
	    stream_suite(), lost_suite(), lookup_suite(), pool_suite(), NULL });
}
