/* take_over_store.c - invoices of the system replaced in PostgreSQL, many at once. */
#include "domain/billing/take_over_store.h"

#include <inttypes.h>

struct columns {
	const char *at, *currency, *ids, *patients, *statuses, *amounts, *remaining, *paid, *refunded, *due;
};

#define AT(member) offsetof(struct columns, member)

static const struct field columns_fields[] = {
	{ .name = "at", .type = F_TEXT, .at = AT(at) },
	{ .name = "currency", .type = F_TEXT, .at = AT(currency) },
	{ .name = "ids", .type = F_TEXT, .at = AT(ids) },
	{ .name = "patients", .type = F_TEXT, .at = AT(patients) },
	{ .name = "statuses", .type = F_TEXT, .at = AT(statuses) },
	{ .name = "amounts", .type = F_TEXT, .at = AT(amounts) },
	{ .name = "remaining", .type = F_TEXT, .at = AT(remaining) },
	{ .name = "paid", .type = F_TEXT, .at = AT(paid) },
	{ .name = "refunded", .type = F_TEXT, .at = AT(refunded) },
	{ .name = "due", .type = F_TEXT, .at = AT(due) },
	FIELD_END,
};

static const struct pg_stmt insert_imported = {
	.name = "insert_imported",
	.kind = PG_WRITE,
	.sql = "with asked as (select * from unnest($3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],"
	       " $9::bigint[], $10::date[]) with ordinality"
	       " as a (id, patient_id, status, amount, remaining, paid, refunded, due_date, n)),"
	       " new as (insert into invoice (id, patient_id, status, amount, subtotal, remaining_amount, amount_paid, amount_refunded,"
	       " currency, issued_at, due_date) select id, patient_id, status, amount, amount, remaining, paid, refunded, $2,"
	       " $1::timestamptz, due_date from asked order by n on conflict (id) do nothing returning id)"
	       " select new.id is not null as is_new, true as there, (i.patient_id, i.amount, i.status) is not distinct from"
	       " (a.patient_id, a.amount, a.status) as same from asked a left join new on new.id = a.id"
	       " left join invoice i on i.id = a.id order by n",
	.takes = "at currency ids patients statuses amounts remaining paid refunded due",
	.in = columns_fields,
	.out = pg_each_fields,
};

void
imported_begin(struct ctx *cx, struct imported *ret, const char *at)
{
	*ret = (struct imported){
		.at = at,
		.lines = PG_ROWS(cx->arena),
		.payments = PG_ROWS(cx->arena),
		.refunds = PG_ROWS(cx->arena),
		.entries = PG_ROWS(cx->arena),
	};
}

static void
add_number(struct pg_array *array, struct money amount)
{
	pg_array_add(array, arena_printf(array->buf.arena, "%" PRId64, amount.minor));
}

enum rc
imported_insert(struct ctx *cx, const struct imported *to, const struct invoice *all, size_t count, enum rc *ret_each)
{
	struct pg_array c[8];

	for (size_t k = 0; k < 8; k++)
		c[k] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		pg_array_add(&c[0], all[i].id);
		pg_array_add(&c[1], all[i].patient_id);
		pg_array_add(&c[2], all[i].status);
		add_number(&c[3], all[i].amount);
		add_number(&c[4], all[i].remaining_amount);
		add_number(&c[5], all[i].amount_paid);
		add_number(&c[6], all[i].amount_refunded);
		pg_array_add(&c[7], all[i].due_date);
	}
	return pg_insert_each(cx, &insert_imported,
	    &(struct columns){ to->at, all[0].currency, pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]),
		pg_array_end(&c[3]), pg_array_end(&c[4]), pg_array_end(&c[5]), pg_array_end(&c[6]), pg_array_end(&c[7]) },
	    count, ret_each);
}

/* --- the rows that belong to them, by COPY --- */

static void
add_amount(struct pg_rows *rows, int64_t minor)
{
	pg_rows_add(rows, arena_printf(rows->buf.arena, "%" PRId64, minor));
}

void
imported_add_line(struct imported *to, const struct invoice *of)
{
	pg_rows_add(&to->lines, of->id);
	pg_rows_add(&to->lines, "1");
	pg_rows_add(&to->lines, "1");
	add_amount(&to->lines, of->amount.minor);
	add_amount(&to->lines, of->amount.minor);
	pg_rows_add(&to->lines, "0");
	pg_rows_end(&to->lines);
}

void
imported_add_payment(struct imported *to, const char *id, const struct invoice *of)
{
	pg_rows_add(&to->payments, id);
	pg_rows_add(&to->payments, of->id);
	pg_rows_add(&to->payments, of->patient_id);
	add_amount(&to->payments, of->amount_paid.minor);
	add_amount(&to->payments, of->amount_refunded.minor);
	pg_rows_add(&to->payments, of->currency);
	pg_rows_add(&to->payments, "IMPORTED");
	pg_rows_add(&to->payments, to->at);
	pg_rows_end(&to->payments);
}

void
imported_add_refund(struct imported *to, const char *id, const char *payment_id, const struct invoice *of, const char *reason)
{
	pg_rows_add(&to->refunds, id);
	pg_rows_add(&to->refunds, payment_id);
	pg_rows_add(&to->refunds, of->id);
	add_amount(&to->refunds, of->amount_refunded.minor);
	pg_rows_add(&to->refunds, of->currency);
	pg_rows_add(&to->refunds, reason);
	pg_rows_add(&to->refunds, to->at);
	pg_rows_end(&to->refunds);
}

void
imported_add_entry(struct imported *to, const char *posting, const char *kind, const char *account, int64_t amount,
    const struct invoice *of, const char *payment_id)
{
	pg_rows_add(&to->entries, posting);
	pg_rows_add(&to->entries, kind);
	pg_rows_add(&to->entries, account);
	add_amount(&to->entries, amount);
	pg_rows_add(&to->entries, of->currency);
	pg_rows_add(&to->entries, of->patient_id);
	pg_rows_add(&to->entries, of->id);
	pg_rows_add(&to->entries, payment_id);
	pg_rows_add(&to->entries, to->at);
	pg_rows_end(&to->entries);
}

enum rc
imported_end(struct ctx *cx, const struct imported *to)
{
	const struct {
		const char *sql;
		const struct pg_rows *rows;
	} copies[] = {
		{ "copy invoice_line (invoice_id, position, quantity, unit_price, net, tax) from stdin", &to->lines },
		{ "copy payment (id, invoice_id, patient_id, amount, refunded, currency, method, received_at) from stdin", &to->payments },
		{ "copy refund (id, payment_id, invoice_id, amount, currency, reason, created_at) from stdin", &to->refunds },
		{ "copy ledger (posting, kind, account, amount, currency, patient_id, invoice_id, payment_id, at) from stdin",
		  &to->entries },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(copies) / sizeof(*copies); i++)
		rc = pg_copy(cx, copies[i].sql, copies[i].rows);
	return rc;
}
