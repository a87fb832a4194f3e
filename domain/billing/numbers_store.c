/* numbers_store.c - invoice numbers in PostgreSQL. */
#include "domain/billing/numbers_store.h"

#include "lib/pg/pg.h"

static const struct field numbering_fields[] = {
	{ .name = "max", .type = F_INT, .at = offsetof(struct numbering, max) },
	{ .name = "series", .type = F_TEXT, .at = offsetof(struct numbering, series) },
	{ .name = "zone", .type = F_ZONE, .at = offsetof(struct numbering, zone) },
	FIELD_END,
};

static const struct field numbered_fields[] = { { .name = "numbered", .type = F_INT, .at = 0 }, FIELD_END };

/*
 * The counter and the numbers in one statement, so both or neither.  What somebody holds is left for the next time: waiting for it could be
 * waiting in a circle.  Of two at once the second waits at the counter, with other invoices in hand, and goes on from where the first ended.
 */
static const struct pg_stmt number_invoices = {
	.name = "number_invoices",
	.kind = PG_WRITE,
	.sql = "with mine as materialized (select id, issued_at, extract(year from issued_at at time zone $3)::integer as year"
	       " from invoice where number is null and status <> 'DRAFT' order by issued_at, id limit $1::bigint for update skip locked),"
	       " placed as materialized (select id, year, row_number() over (partition by year order by issued_at, id) as place,"
	       " count(*) over (partition by year) as of_year from mine),"
	       " counter as (insert into invoice_series as s (series, year, last)"
	       " select $2, year, count(*) from placed group by year order by year"
	       " on conflict (series, year) do update set last = s.last + excluded.last returning year, last),"
	       " numbered as (update invoice set version = version + 1, updated_at = now(),"
	       " number = " INVOICE_NUMBER("$2 || c.year || '-'", "n.n")
	       " from placed p join counter c using (year), lateral (select c.last - p.of_year + p.place as n) n"
	       " where invoice.id = p.id returning invoice.id)"
	       " select count(*) as numbered from numbered",
	.takes = "max series zone",
	.in = numbering_fields,
	.out = numbered_fields,
};

enum rc
numbers_store_next(struct ctx *cx, const struct numbering *batch, int64_t *ret_numbered)
{
	return pg_fetch_one(cx, &number_invoices, batch, ret_numbered);
}
