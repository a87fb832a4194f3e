#include "cli/seed_store.h"

struct page_args {
	const char *after;
	int64_t limit;
};

static const struct field page_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct page_args, after) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct page_args, limit) },
	FIELD_END,
};

#define CELL(n) offsetof(struct seed_row, cells[n])

/* Whatever a column's type is there, here it is text until the fields' rows have looked at it. */
static const struct field row_fields[] = {
	{ .name = "id", .type = F_TEXT, .at = offsetof(struct seed_row, id) },
	{ .name = "c0", .type = F_TEXT, .at = CELL(0) },
	{ .name = "c1", .type = F_TEXT, .at = CELL(1) },
	{ .name = "c2", .type = F_TEXT, .at = CELL(2) },
	{ .name = "c3", .type = F_TEXT, .at = CELL(3) },
	{ .name = "c4", .type = F_TEXT, .at = CELL(4) },
	{ .name = "c5", .type = F_TEXT, .at = CELL(5) },
	FIELD_END,
};

/* Its primary key's index has them in this order. */
#define PAGE_OF(table) \
	" from " table " where id >= coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')" \
	" and id is distinct from $1::uuid order by id limit $2::bigint"

const struct pg_stmt seed_store_patients = {
	.name = "seed_patients",
	.kind = PG_READ,
	.sql = "select id::text as id, name::text as c0, email::text as c1, gender::text as c2, address::text as c3,"
	       " date_of_birth::text as c4, registered_date::text as c5" PAGE_OF("patient"),
	.takes = "after limit",
	.in = page_args_fields,
	.out = row_fields,
};

const struct pg_stmt seed_store_invoices = {
	.name = "seed_invoices",
	.kind = PG_READ,
	.sql = "select id::text as id, amount::text as c0, patient_id::text as c1, status::text as c2" PAGE_OF("invoice"),
	.takes = "after limit",
	.in = page_args_fields,
	.out = row_fields,
};

const struct pg_stmt seed_store_users = {
	.name = "seed_users",
	.kind = PG_READ,
	.sql = "select id::text as id, name::text as c0, email::text as c1, password::text as c2, role::text as c3" PAGE_OF("users"),
	.takes = "after limit",
	.in = page_args_fields,
	.out = row_fields,
};

enum rc
seed_store_next(
    struct ctx *cx, const struct seed_part *part, const char *after, struct seed_row **ret_rows, size_t *ret_count)
{
	struct page_args args = { .after = after, .limit = (int64_t)part->batch };

	return pg_fetch_all(cx, part->next, &args, sizeof(**ret_rows), ret_rows, ret_count);
}
