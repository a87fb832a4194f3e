#include "cli/check_books_store.h"

#include "lib/pg/pg.h"

#define NIL "00000000-0000-0000-0000-000000000000"

static const struct field finding_fields[] = {
	{ .name = "id", .type = F_TEXT, .at = offsetof(struct books_finding, id) },
	{ .name = "why", .type = F_TEXT, .at = offsetof(struct books_finding, why) },
	{ .name = "count", .type = F_INT, .at = offsetof(struct books_finding, count) },
	FIELD_END,
};

/* clang-format off */

/* wrong has columns id and why, which is null where nothing is. */
#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)
#define FINDINGS_OF(wrong) \
	"select id::text, why, count(*) over () as count from (" wrong ") w where why is not null" \
	" order by id, why limit " TEXT_OF(BOOKS_NAMED_MAX)

/* --- ranges --- */

struct range_args {
	const char *after, *last;
	int64_t max;
};

static const struct field range_args_fields[] = {
	{ .name = "after", .type = F_UUID, .at = offsetof(struct range_args, after) },
	{ .name = "last", .type = F_UUID, .at = offsetof(struct range_args, last) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct range_args, max) },
	FIELD_END,
};

static const struct field range_fields[] = {
	{ .name = "last", .type = F_UUID, .at = offsetof(struct books_range, last) },
	{ .name = "invoices", .type = F_INT, .at = offsetof(struct books_range, invoices) },
	{ .name = "unnumbered", .type = F_INT, .at = offsetof(struct books_range, unnumbered) },
	FIELD_END,
};

static const struct pg_stmt next_range = {
	.name = "books_range",
	.kind = PG_READ,
	.sql = "select id as last, count(*) over () as invoices,"
	       " count(*) filter (where number is null and status <> 'DRAFT') over () as unnumbered"
	       " from (select id, number, status from invoice where id > $1::uuid order by id limit "
	       "$2::bigint) p"
	       " order by id desc limit 1",
	.takes = "after max",
	.in = range_args_fields,
	.out = range_fields,
};

static enum rc
fetch_range(
    struct ctx *cx, const struct pg_stmt *stmt, const char *after, int64_t max, struct books_range *ret_range)
{
	struct range_args args = { .after = *after == '\0' ? NIL : after, .max = max };
	enum rc rc;

	*ret_range = (struct books_range){ 0 };
	rc = pg_fetch_one(cx, stmt, &args, ret_range);
	ret_range->after = args.after;
	return rc;
}

enum rc
books_store_range(struct ctx *cx, const char *after, int64_t max, struct books_range *ret_range)
{
	return fetch_range(cx, &next_range, after, max, ret_range);
}

/* --- what is wrong in a range --- */

#define IN_RANGE(column) column " > $1::uuid and " column " <= $2::uuid"

/* A posting is of one invoice, so that one of several shows up as not balanced. */
#define POSTINGS \
	"select l.posting as id, case" \
	" when sum(l.amount) <> 0 then 'entries add up to ' || sum(l.amount)" \
	" when bool_or(l.currency <> i.currency) then 'currency'" \
	" when bool_or(l.patient_id <> i.patient_id) then 'patient'" \
	" when min(l.kind) <> max(l.kind) then 'kind' end as why" \
	" from ledger l join invoice i on i.id = l.invoice_id" \
	" where " IN_RANGE("l.invoice_id") " group by l.posting"

#define OWED "account in ('RECEIVABLE', 'WRITE_OFF')"
#define SUM_OF(condition) "coalesce(sum(amount) filter (where " condition "), 0)"

/* What the entries of each invoice say. */
#define SAID \
	"(select invoice_id, " SUM_OF(OWED) " as remaining," \
	" " SUM_OF("account = 'WRITE_OFF'") " as written_off," \
	" " SUM_OF("kind = 'ISSUE' and account = 'RECEIVABLE'") " as amount," \
	" -" SUM_OF("kind = 'ISSUE' and account = 'TAX'") " as tax," \
	" -" SUM_OF("kind = 'ISSUE' and account = 'REVENUE'") " as subtotal," \
	" -" SUM_OF("kind in ('PAYMENT', 'BOUNCE') and " OWED) " as paid," \
	" -" SUM_OF("kind = 'CREDIT_NOTE' and " OWED) " as credited," \
	" -" SUM_OF("kind = 'REFUND' and account not in ('REVENUE', 'TAX')") " as refunded" \
	" from ledger where " IN_RANGE("invoice_id") " group by invoice_id)"

/* The states that the amounts allow; which of them it is depends on dates and on what was asked for. */
#define STATE_FITS \
	"case status when 'ISSUED' then said.paid = 0 and (said.remaining > 0 or said.amount = 0)" \
	" when 'PARTIALLY_PAID' then said.paid > 0 and said.remaining > 0" \
	" when 'OVERDUE' then said.remaining > 0" \
	" when 'PAID' then said.paid > said.refunded and said.remaining = 0" \
	" when 'REFUNDED' then said.paid > 0 and said.paid = said.refunded and said.remaining = 0" \
	" when 'VOID' then said.paid = 0 and said.remaining = 0" \
	" when 'UNCOLLECTIBLE' then said.remaining > 0 or said.amount = 0 end"

#define INVOICES \
	"select i.id, case" \
	" when i.status = 'DRAFT' then case when s.invoice_id is not null then 'entries of a draft' end" \
	" when said.amount <> i.amount then 'amount' when said.tax <> i.tax then 'tax'" \
	" when said.subtotal <> i.subtotal then 'subtotal'" \
	" when said.paid <> i.amount_paid then 'amountPaid'" \
	" when said.credited <> i.amount_credited then 'amountCredited'" \
	" when said.refunded <> i.amount_refunded then 'amountRefunded'" \
	" when said.remaining <> i.remaining_amount then 'remainingAmount'" \
	" when not " STATE_FITS " then 'status'" \
	" when said.written_off <> case i.status when 'UNCOLLECTIBLE' then said.remaining else 0 end" \
	" then 'written off' end as why" \
	" from invoice i left join " SAID " s on s.invoice_id = i.id," \
	" lateral (select coalesce(s.amount, 0) as amount, coalesce(s.tax, 0) as tax," \
	" coalesce(s.subtotal, 0) as subtotal, coalesce(s.paid, 0) as paid," \
	" coalesce(s.credited, 0) as credited, coalesce(s.refunded, 0) as refunded," \
	" coalesce(s.remaining, 0) as remaining, coalesce(s.written_off, 0) as written_off) said" \
	" where " IN_RANGE("i.id")

/* numeric rounds half away from zero, as the tax of a line is. */
#define LINES \
	"select i.id, case" \
	" when coalesce(l.net, 0) <> i.subtotal then 'subtotal' when coalesce(l.tax, 0) <> i.tax then 'tax'" \
	" when coalesce(l.discount, 0) <> i.discount then 'discount'" \
	" when l.bad_net then 'net of a line' when l.bad_tax then 'tax of a line' end as why" \
	" from invoice i left join (select invoice_id, sum(net) as net, sum(tax) as tax, sum(discount) as discount," \
	" bool_or(net <> quantity::numeric * unit_price - discount) as bad_net," \
	" bool_or(tax <> round(net::numeric * tax_rate / 1000000)) as bad_tax" \
	" from invoice_line where " IN_RANGE("invoice_id") " group by invoice_id) l on l.invoice_id = i.id" \
	" where " IN_RANGE("i.id")

/* What the entries of each payment say. */
#define PAID \
	"(select l.payment_id, bool_or(l.invoice_id <> p.invoice_id) as elsewhere," \
	" -sum(l.amount) filter (where l.kind in ('PAYMENT', 'BOUNCE') and l." OWED ") as settled," \
	" sum(l.amount) filter (where l.kind in ('PAYMENT', 'BOUNCE') and l.account = p.method) as received," \
	" -sum(l.amount) filter (where l.kind = 'REFUND' and l.account = p.method) as refunded" \
	" from ledger l join payment p on p.id = l.payment_id where " IN_RANGE("l.invoice_id") \
	" group by l.payment_id)"

#define PAYMENTS \
	"select p.id, case when p.currency <> i.currency then 'currency'" \
	" when p.patient_id <> i.patient_id then 'patient'" \
	" when coalesce(e.settled, 0) <> case p.status when 'RECEIVED' then p.amount - p.credited else 0 end then 'amount'" \
	" when coalesce(e.received, 0) <> case p.status when 'RECEIVED' then p.amount else 0 end then 'received'" \
	" when coalesce(e.refunded, 0) <> p.refunded or coalesce(r.refunded, 0) <> p.refunded then 'amountRefunded'" \
	" when e.elsewhere then 'entries of another invoice' end as why" \
	" from payment p join invoice i on i.id = p.invoice_id" \
	" left join " PAID " e on e.payment_id = p.id" \
	" left join (select payment_id, sum(amount) as refunded from refund where " IN_RANGE("invoice_id") \
	" group by payment_id) r on r.payment_id = p.id" \
	" where " IN_RANGE("p.invoice_id") \
	" union all select posting, 'of no payment' from ledger where " IN_RANGE("invoice_id") \
	" and kind in ('PAYMENT', 'BOUNCE', 'REFUND') and payment_id is null" \
	" union all select i.id, case when coalesce(c.credited, 0) <> i.amount_credited then 'credit notes' end" \
	" from invoice i left join (select invoice_id, sum(amount) as credited from credit_note" \
	" where " IN_RANGE("invoice_id") " group by invoice_id) c on c.invoice_id = i.id where " IN_RANGE("i.id") \
	" union all select distinct patient_id, case when not exists (select from patient_credit c" \
	" where c.patient_id = l.patient_id and c.currency = l.currency) then 'credit in ' || currency end" \
	" from ledger l where account = 'CREDIT' and " IN_RANGE("invoice_id")

#define NUMBER_OF(n) "case when " n " < 1000000 then lpad(" n "::text, 6, '0') else " n "::text end"

/* A number's text is made of its series in one way only, so that none is another's equal in disguise. */
#define NUMBERS \
	"select i.number as id, case when i.status = 'DRAFT' then 'of a draft'" \
	" when exists (select from invoice other where other.number = i.number and other.id <> i.id) then 'twice'" \
	" when not exists (select from invoice_series s where starts_with(i.number, s.series || s.year || '-')" \
	" and i.number = s.series || s.year || '-' || " NUMBER_OF("n.n") \
	" and n.n between 1 and s.last) then 'of no series' end as why" \
	" from invoice i, lateral (select coalesce(substring(i.number from '-([0-9]{1,18})$'), '0')::bigint as n) n" \
	" where i.number is not null and " IN_RANGE("i.id")

#define LOOK(what, wrong) \
	{ .name = what, .kind = PG_READ, .sql = FINDINGS_OF(wrong), .takes = "after last", .in = range_args_fields, \
	  .out = finding_fields }

static const struct pg_stmt looks[] = {
	[BOOKS_POSTINGS] = LOOK("books_postings", POSTINGS),
	[BOOKS_INVOICES] = LOOK("books_invoices", INVOICES),
	[BOOKS_LINES] = LOOK("books_lines", LINES),
	[BOOKS_PAYMENTS] = LOOK("books_payments", PAYMENTS),
	[BOOKS_NUMBERS] = LOOK("books_numbers", NUMBERS),
};

enum rc
books_store_look(struct ctx *cx, enum books_part part, const struct books_range *range,
    struct books_finding **ret_findings, size_t *ret_count)
{
	struct range_args args = { .after = range->after, .last = range->last };

	return pg_fetch_all(cx, &looks[part], &args, sizeof(**ret_findings), ret_findings, ret_count);
}

/* --- numbers that are missing --- */

struct gaps_args {
	struct books_series series;
	int64_t first, max;
};

static const struct field gaps_args_fields[] = {
	{ .name = "series", .type = F_TEXT, .at = offsetof(struct gaps_args, series.series) },
	{ .name = "year", .type = F_INT, .at = offsetof(struct gaps_args, series.year) },
	{ .name = "first", .type = F_INT, .at = offsetof(struct gaps_args, first) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct gaps_args, max) },
	FIELD_END,
};

static const struct field series_fields[] = {
	{ .name = "series", .type = F_TEXT, .at = offsetof(struct books_series, series) },
	{ .name = "year", .type = F_INT, .at = offsetof(struct books_series, year) },
	{ .name = "last", .type = F_INT, .at = offsetof(struct books_series, last) },
	FIELD_END,
};

static const struct pg_stmt list_series = {
	.name = "books_series",
	.kind = PG_READ,
	.sql = "select series, year, last from invoice_series order by series, year",
	.out = series_fields,
};

/* The series is read with the invoices in one snapshot: the relay goes on meanwhile. */
#define GAPS \
	"select g.number as id, case when not exists (select from invoice i where i.number = g.number)" \
	" then 'missing' end as why" \
	" from (select s.series || s.year || '-' || " NUMBER_OF("n") " as number from invoice_series s," \
	" lateral generate_series($3::bigint, least(s.last, $3::bigint + $4::bigint - 1)) n" \
	" where s.series = $1 and s.year = $2::bigint) g"

static const struct pg_stmt gaps = {
	.name = "books_gaps",
	.kind = PG_READ,
	.sql = FINDINGS_OF(GAPS),
	.takes = "series year first max",
	.in = gaps_args_fields,
	.out = finding_fields,
};

enum rc
books_store_series(struct ctx *cx, struct books_series **ret_series, size_t *ret_count)
{
	return pg_fetch_all(cx, &list_series, NULL, sizeof(**ret_series), ret_series, ret_count);
}

enum rc
books_store_gaps(struct ctx *cx, const struct books_series *series, int64_t first, int64_t max,
    struct books_finding **ret_findings, size_t *ret_count)
{
	struct gaps_args args = { .series = *series, .first = first, .max = max };

	return pg_fetch_all(cx, &gaps, &args, sizeof(**ret_findings), ret_findings, ret_count);
}

/* --- patients' credit --- */

static const struct pg_stmt next_patients = {
	.name = "books_patients",
	.kind = PG_READ,
	.sql = "select patient_id as last, 0 as invoices, 0 as unnumbered"
	       " from (select distinct patient_id from patient_credit where patient_id > $1::uuid"
	       " order by patient_id limit $2::bigint) p order by patient_id desc limit 1",
	.takes = "after max",
	.in = range_args_fields,
	.out = range_fields,
};

#define CREDIT \
	"select c.patient_id as id, case when c.amount <> -coalesce(l.amount, 0) then 'credit in ' || c.currency end as why" \
	" from patient_credit c left join (select patient_id, currency, sum(amount) as amount from ledger" \
	" where account = 'CREDIT' and " IN_RANGE("patient_id") " group by patient_id, currency) l" \
	" on l.patient_id = c.patient_id and l.currency = c.currency where " IN_RANGE("c.patient_id")

static const struct pg_stmt credit = {
	.name = "books_credit",
	.kind = PG_READ,
	.sql = FINDINGS_OF(CREDIT),
	.takes = "after last",
	.in = range_args_fields,
	.out = finding_fields,
};

enum rc
books_store_patients(struct ctx *cx, const char *after, int64_t max, struct books_range *ret_range)
{
	return fetch_range(cx, &next_patients, after, max, ret_range);
}

enum rc
books_store_credit(
    struct ctx *cx, const struct books_range *range, struct books_finding **ret_findings, size_t *ret_count)
{
	struct range_args args = { .after = range->after, .last = range->last };

	return pg_fetch_all(cx, &credit, &args, sizeof(**ret_findings), ret_findings, ret_count);
}
