/* service_store.c - the price list in PostgreSQL. */
#include "domain/billing/service_store.h"

#include "lib/pg/pg.h"

#define COLUMNS "code, description, price, currency, tax_rate, version"
#define SAVED "s.code, s.description, s.price, s.currency, s.tax_rate, s.version"

static const struct pg_stmt put_service = {
	.name = "put_service",
	.kind = PG_WRITE,
	.sql = "insert into service as s (code, description, price, currency, tax_rate)"
	       " values ($1, $2, $3::bigint, $4, $5::bigint)"
	       " on conflict (code) do update set description = excluded.description, price = excluded.price,"
	       " currency = excluded.currency, tax_rate = excluded.tax_rate, version = s.version + 1, updated_at = now()"
	       " where (s.description, s.price, s.currency, s.tax_rate) is distinct from"
	       " (excluded.description, excluded.price, excluded.currency, excluded.tax_rate)"
	       " returning " SAVED,
	.takes = "code description price currency taxRate",
	.in = service_fields,
	.out = service_fields,
};

#define CHANGED "((description, price, currency, tax_rate) is distinct from ($2, $3::bigint, $4, $5::bigint))"

static const struct pg_stmt replace_service = {
	.name = "replace_service",
	.kind = PG_WRITE,
	.sql = "update service set description = $2, price = $3::bigint, currency = $4, tax_rate = $5::bigint,"
	       " version = version + " CHANGED "::int, updated_at = case when " CHANGED
	       " then now() else updated_at end"
	       " where code = $1 and version = $6::bigint returning " COLUMNS,
	.takes = "code description price currency taxRate version",
	.in = service_fields,
	.out = service_fields,
};

static const struct pg_stmt find_service = {
	.name = "find_service",
	.kind = PG_LOOKUP,
	.sql = "select " COLUMNS " from service where code = $1",
	.takes = "code",
	.in = service_fields,
	.out = service_fields,
};

static const struct field codes_fields[] = { { .name = "codes", .type = F_TEXT, .at = 0 }, FIELD_END };

static const struct pg_stmt find_services = {
	.name = "find_services",
	.kind = PG_LOOKUP,
	.sql = "select " COLUMNS " from service where code = any($1::text[])",
	.takes = "codes",
	.in = codes_fields,
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
	.kind = PG_LOOKUP,
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
service_store_find_all(
    struct ctx *cx, const char *const *codes, size_t count, struct service **ret_services, size_t *ret_count)
{
	struct pg_array array = PG_ARRAY(cx->arena);
	const char *arg;

	for (size_t i = 0; i < count; i++)
		pg_array_add(&array, codes[i]);
	arg = pg_array_end(&array);
	return pg_fetch_all(cx, &find_services, &arg, sizeof(**ret_services), ret_services, ret_count);
}

enum rc
service_store_list(
    struct ctx *cx, const char *after, int64_t limit, struct service **ret_services, size_t *ret_count)
{
	struct list_args args = { .after = after, .limit = limit };

	return pg_fetch_all(cx, &list_services, &args, sizeof(**ret_services), ret_services, ret_count);
}
