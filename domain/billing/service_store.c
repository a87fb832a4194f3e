/* service_store.c - the price list in PostgreSQL. */
#include "domain/billing/service_store.h"

#include "lib/pg/pg.h"

#define COLUMNS "code, description, price, currency, version"
#define SAVED "s.code, s.description, s.price, s.currency, s.version"

static const struct pg_stmt put_service = {
	.name = "put_service",
	.kind = PG_WRITE,
	.sql = "insert into service as s (code, description, price, currency) values ($1, $2, $3::bigint, $4)"
	       " on conflict (code) do update set description = excluded.description, price = excluded.price,"
	       " currency = excluded.currency, version = s.version + 1, updated_at = now()"
	       " where (s.description, s.price, s.currency)"
	       " is distinct from (excluded.description, excluded.price, excluded.currency)"
	       " returning " SAVED,
	.takes = "code description price currency",
	.in = service_fields,
	.out = service_fields,
};

#define CHANGED "((description, price, currency) is distinct from ($2, $3::bigint, $4))"

static const struct pg_stmt replace_service = {
	.name = "replace_service",
	.kind = PG_WRITE,
	.sql = "update service set description = $2, price = $3::bigint, currency = $4,"
	       " version = version + " CHANGED "::int, updated_at = case when " CHANGED
	       " then now() else updated_at end"
	       " where code = $1 and version = $5::bigint returning " COLUMNS,
	.takes = "code description price currency version",
	.in = service_fields,
	.out = service_fields,
};

static const struct pg_stmt find_service = {
	.name = "find_service",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from service where code = $1",
	.takes = "code",
	.in = service_fields,
	.out = service_fields,
};

struct list_args {
	const char *after;
	int64_t limit;
};

static const struct field list_args_fields[] = {
	{ .name = "after", .type = F_TEXT, .at = offsetof(struct list_args, after) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct list_args, limit) },
	FIELD_END,
};

static const struct pg_stmt list_services = {
	.name = "list_services",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from service where code > $1 order by code limit $2::bigint",
	.takes = "after limit",
	.in = list_args_fields,
	.out = service_fields,
};

enum rc
service_store_put(struct ctx *cx, const struct service *s, struct service *ret_saved)
{
	return pg_fetch_one(cx, &put_service, s, ret_saved);
}

enum rc
service_store_replace(struct ctx *cx, const struct service *s, struct service *ret_saved)
{
	return pg_fetch_one(cx, &replace_service, s, ret_saved);
}

enum rc
service_store_find(struct ctx *cx, const char *code, struct service *ret_service)
{
	return pg_fetch_one(cx, &find_service, &(struct service){ .code = code }, ret_service);
}

enum rc
service_store_list(
    struct ctx *cx, const char *after, int64_t limit, struct service **ret_services, size_t *ret_count)
{
	struct list_args args = { .after = after, .limit = limit };

	return pg_fetch_all(cx, &list_services, &args, sizeof(**ret_services), ret_services, ret_count);
}
