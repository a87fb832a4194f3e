#include "cli/mend_store.h"

#include "lib/field/field.h"
#include "lib/pg/pg.h"

struct page_args {
	const char *after, *ids;
	int64_t max;
};

static const struct field page_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct page_args, after) },
	{ .name = "ids", .type = F_TEXT, .at = offsetof(struct page_args, ids) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct page_args, max) },
	FIELD_END,
};

static const struct field patient_row_fields[] = {
	{ .name = "id", .type = F_UUID, .at = offsetof(struct mend_patient, id) },
	{ .name = "count", .type = F_INT, .at = offsetof(struct mend_patient, count) },
	FIELD_END,
};

/* The index on patient_id answers it in its order. */
#define PATIENTS_OF(table) \
	"select patient_id as id, count(*) as count from " table \
	" where patient_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')" \
	" group by patient_id order by patient_id limit $2::bigint"

static const struct pg_stmt with_invoices = {
	.name = "mend_with_invoices",
	.kind = PG_READ,
	.sql = PATIENTS_OF("invoice"),
	.takes = "after max",
	.in = page_args_fields,
	.out = patient_row_fields,
};

static const struct pg_stmt with_appointments = {
	.name = "mend_with_appointments",
	.kind = PG_READ,
	.sql = PATIENTS_OF("appointment"),
	.takes = "after max",
	.in = page_args_fields,
	.out = patient_row_fields,
};

static const struct pg_stmt unknown = {
	.name = "mend_unknown",
	.kind = PG_READ,
	.sql = "select u.id, 0::bigint as count from unnest($1::uuid[]) as u (id)"
	       " where not exists (select from patient p where p.id = u.id) order by u.id",
	.takes = "ids",
	.in = page_args_fields,
	.out = patient_row_fields,
};

enum rc
mend_store_with_invoices(struct ctx *billing, const char *after, int64_t max, struct mend_patient **ret_patients, size_t *ret_count)
{
	struct page_args args = { .after = after, .max = max };

	return pg_fetch_all(billing, &with_invoices, &args, sizeof(**ret_patients), ret_patients, ret_count);
}

enum rc
mend_store_with_appointments(
    struct ctx *scheduling, const char *after, int64_t max, struct mend_patient **ret_patients, size_t *ret_count)
{
	struct page_args args = { .after = after, .max = max };

	return pg_fetch_all(scheduling, &with_appointments, &args, sizeof(**ret_patients), ret_patients, ret_count);
}

enum rc
mend_store_unknown(struct ctx *patient, const char *ids, struct mend_patient **ret_patients, size_t *ret_count)
{
	struct page_args args = { .ids = ids };

	return pg_fetch_all(patient, &unknown, &args, sizeof(**ret_patients), ret_patients, ret_count);
}
