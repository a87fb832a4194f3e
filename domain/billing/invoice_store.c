/* invoice_store.c - invoices in PostgreSQL. */
#include "domain/billing/invoice_store.h"

#include "lib/pg/pg.h"

#define COLUMNS                                                                                              \
	"id, number, patient_id, appointment_id, service_code, status, amount, remaining_amount, currency,"  \
	" description, issued_at, due_date, appointment_cancelled, version"

#define MADE_OF "id, patient_id, amount, remaining_amount, currency, description, due_date"

static const struct pg_stmt insert_invoice = {
	.name = "insert_invoice",
	.kind = PG_WRITE,
	.sql = "insert into invoice (" MADE_OF ")"
	       " values ($1::uuid, $2::uuid, $3::bigint, $3::bigint, $4, $5, $6::date) returning " COLUMNS,
	.takes = "id patientId amount currency description dueDate",
	.in = invoice_fields,
	.out = invoice_fields,
};

static const struct field keyed_fields[] = {
	{ .name = "id", .type = F_UUID, .at = offsetof(struct keyed_invoice, invoice.id) },
	{ .name = "patientId", .type = F_UUID, .at = offsetof(struct keyed_invoice, invoice.patient_id) },
	{ .name = "amount", .type = F_MONEY, .at = offsetof(struct keyed_invoice, invoice.amount) },
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct keyed_invoice, invoice.currency) },
	{ .name = "description", .type = F_TEXT, .at = offsetof(struct keyed_invoice, invoice.description) },
	{ .name = "dueDate", .type = F_DATE, .at = offsetof(struct keyed_invoice, invoice.due_date) },
	{ .name = "account", .type = F_TEXT, .at = offsetof(struct keyed_invoice, account) },
	{ .name = "route", .type = F_TEXT, .at = offsetof(struct keyed_invoice, route) },
	{ .name = "key", .type = F_TEXT, .at = offsetof(struct keyed_invoice, key) },
	{ .name = "fingerprint", .type = F_TEXT, .at = offsetof(struct keyed_invoice, fingerprint) },
	{ .name = "resultId", .type = F_UUID, .at = offsetof(struct keyed_invoice, result_id) },
	FIELD_END,
};

/* The primary key decides which of several at once makes the invoice; the others wait for it there, then
 * write nothing. */
static const struct pg_stmt insert_invoice_once = {
	.name = "insert_invoice_once",
	.kind = PG_WRITE,
	.sql = "with mine as (insert into idempotency (account, route, key, fingerprint, result_id)"
	       " values ($7, $8, $9, $10, $1::uuid) on conflict do nothing returning result_id)"
	       " insert into invoice (" MADE_OF ")"
	       " select result_id, $2::uuid, $3::bigint, $3::bigint, $4, $5, $6::date from mine"
	       " returning " COLUMNS,
	.takes = "id patientId amount currency description dueDate account route key fingerprint",
	.in = keyed_fields,
	.out = invoice_fields,
};

static const struct pg_stmt find_key = {
	.name = "find_key",
	.kind = PG_READ,
	.sql = "select fingerprint, result_id from idempotency"
	       " where account = $1 and route = $2 and key = $3",
	.takes = "account route key",
	.in = keyed_fields,
	.out = keyed_fields,
};

static const struct pg_stmt find_invoice = {
	.name = "find_invoice",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from invoice where id = $1::uuid",
	.takes = "id",
	.in = invoice_fields,
	.out = invoice_fields,
};

/* --- lists: a statement for each index that can answer --- */

struct list_args {
	const char *after;
	int64_t limit;
	const char *patient_id;
	const char *status;
};

static const struct field list_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct list_args, after) },
	{ .name = "limit", .type = F_INT, .at = offsetof(struct list_args, limit) },
	{ .name = "patientId", .type = F_UUID, .at = offsetof(struct list_args, patient_id) },
	{ .name = "status", .type = F_TEXT, .at = offsetof(struct list_args, status) },
	FIELD_END,
};

/* Ids are version 7 of our own making: their order is that of time, and none is nil. */
#define NIL "00000000-0000-0000-0000-000000000000"
#define LIST "select " COLUMNS " from invoice where id > $1::uuid"
#define PAGE " order by id limit $2::bigint"

static const struct pg_stmt list_invoices = {
	.name = "list_invoices",
	.kind = PG_READ,
	.sql = LIST PAGE,
	.takes = "after limit",
	.in = list_args_fields,
	.out = invoice_fields,
};

static const struct pg_stmt list_invoices_of_patient = {
	.name = "list_invoices_of_patient",
	.kind = PG_READ,
	.sql = LIST " and patient_id = $3::uuid and ($4::text is null or status = $4)" PAGE,
	.takes = "after limit patientId status",
	.in = list_args_fields,
	.out = invoice_fields,
};

static const struct pg_stmt list_invoices_of_status = {
	.name = "list_invoices_of_status",
	.kind = PG_READ,
	.sql = LIST " and status = $3" PAGE,
	.takes = "after limit status",
	.in = list_args_fields,
	.out = invoice_fields,
};

enum rc
invoice_store_insert(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved)
{
	return pg_fetch_one(cx, &insert_invoice, invoice, ret_saved);
}

enum rc
invoice_store_insert_once(struct ctx *cx, const struct keyed_invoice *keyed, struct invoice *ret_saved)
{
	return pg_fetch_one(cx, &insert_invoice_once, keyed, ret_saved);
}

enum rc
invoice_store_find_key(struct ctx *cx, const struct keyed_invoice *keyed, struct keyed_invoice *ret_kept)
{
	return pg_fetch_one(cx, &find_key, keyed, ret_kept);
}

enum rc
invoice_store_find(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	return pg_fetch_one(cx, &find_invoice, &(struct invoice){ .id = id }, ret_invoice);
}

enum rc
invoice_store_list(struct ctx *cx, const struct invoice_filter *filter, const char *after, int64_t limit,
    struct invoice **ret_invoices, size_t *ret_count)
{
	struct list_args args = {
		.after = after == NULL ? NIL : after,
		.limit = limit,
		.patient_id = filter->patient_id,
		.status = filter->status,
	};
	const struct pg_stmt *stmt = &list_invoices;

	if (filter->patient_id != NULL)
		stmt = &list_invoices_of_patient;
	else if (filter->status != NULL)
		stmt = &list_invoices_of_status;
	return pg_fetch_all(cx, stmt, &args, sizeof(**ret_invoices), ret_invoices, ret_count);
}
