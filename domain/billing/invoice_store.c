/* invoice_store.c - invoices in PostgreSQL. */
#include "domain/billing/invoice_store.h"

#include <inttypes.h>

#include "domain/billing/ledger_store.h"
#include "domain/billing/numbers_store.h"
#include "lib/base/config.h"
#include "lib/outbox/outbox_store.h"
#include "lib/pg/pg.h"

/* --- lines, as one array for each column --- */

struct line_columns {
	const char *invoices, *positions, *codes, *descriptions, *quantities, *prices, *discounts, *rates, *nets, *taxes;
};

#define LINE_COLUMNS "invoice_id, position, service_code, description, quantity, unit_price, discount, tax_rate, net, tax"

/* Parameters in the order of struct line_columns. */
#define LINES_INTO(p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)                                                  \
	"insert into invoice_line (" LINE_COLUMNS ") select * from unnest(" p1 "::uuid[], " p2 "::integer[], " p3 "::text[], "  \
	p4 "::text[], " p5 "::bigint[], " p6 "::bigint[], " p7 "::bigint[], " p8 "::bigint[], " p9 "::bigint[], " p10 "::bigint[])"

#define LINES_AT(whole, in) \
	{ .name = "lineInvoices", .type = F_TEXT, .at = offsetof(whole, in.invoices) }, \
	{ .name = "positions", .type = F_TEXT, .at = offsetof(whole, in.positions) }, \
	{ .name = "codes", .type = F_TEXT, .at = offsetof(whole, in.codes) }, \
	{ .name = "lineDescriptions", .type = F_TEXT, .at = offsetof(whole, in.descriptions) }, \
	{ .name = "quantities", .type = F_TEXT, .at = offsetof(whole, in.quantities) }, \
	{ .name = "prices", .type = F_TEXT, .at = offsetof(whole, in.prices) }, \
	{ .name = "lineDiscounts", .type = F_TEXT, .at = offsetof(whole, in.discounts) }, \
	{ .name = "rates", .type = F_TEXT, .at = offsetof(whole, in.rates) }, \
	{ .name = "nets", .type = F_TEXT, .at = offsetof(whole, in.nets) }, \
	{ .name = "lineTaxes", .type = F_TEXT, .at = offsetof(whole, in.taxes) }

#define TAKES_LINES "lineInvoices positions codes lineDescriptions quantities prices lineDiscounts rates nets lineTaxes"

static void
add_number(struct pg_array *array, int64_t n)
{
	pg_array_add(array, arena_printf(array->buf.arena, "%" PRId64, n));
}

static void
arrays_begin(struct ctx *cx, struct pg_array *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		c[i] = (struct pg_array)PG_ARRAY(cx->arena);
}

/* In the order of struct line_columns. */
static void
add_lines(struct pg_array *c, const struct invoice *invoice)
{
	const struct invoice_line *lines = invoice->lines.rows;

	for (size_t i = 0; i < invoice->lines.count; i++) {
		pg_array_add(&c[0], invoice->id);
		add_number(&c[1], (int64_t)i + 1);
		pg_array_add(&c[2], lines[i].service_code);
		pg_array_add(&c[3], lines[i].description);
		add_number(&c[4], lines[i].quantity);
		add_number(&c[5], lines[i].unit_price.minor);
		add_number(&c[6], lines[i].discount.minor);
		add_number(&c[7], lines[i].tax_rate);
		add_number(&c[8], lines[i].net.minor);
		add_number(&c[9], lines[i].tax.minor);
	}
}

static struct line_columns
end_lines(struct pg_array *c)
{
	return (struct line_columns){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]), pg_array_end(&c[5]), pg_array_end(&c[6]), pg_array_end(&c[7]), pg_array_end(&c[8]),
		pg_array_end(&c[9]) };
}

/* --- new ones: many, with all that belongs to them, by one statement --- */

struct inserted {
	const char *ids, *patient_ids, *statuses, *amounts, *subtotals, *taxes, *discounts, *currencies, *descriptions, *due_dates;
	struct line_columns lines;
	struct ledger_columns postings;
	struct outbox_columns events;
	const char *places; /* from 1, among those that get a number */
	int64_t numbers;    /* so many do */
	const char *series, *zone;
};

#define NEW(member) offsetof(struct inserted, member)

static const struct field inserted_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = NEW(ids) },
	{ .name = "patientIds", .type = F_TEXT, .at = NEW(patient_ids) },
	{ .name = "statuses", .type = F_TEXT, .at = NEW(statuses) },
	{ .name = "amounts", .type = F_TEXT, .at = NEW(amounts) },
	{ .name = "subtotals", .type = F_TEXT, .at = NEW(subtotals) },
	{ .name = "taxes", .type = F_TEXT, .at = NEW(taxes) },
	{ .name = "discounts", .type = F_TEXT, .at = NEW(discounts) },
	{ .name = "currencies", .type = F_TEXT, .at = NEW(currencies) },
	{ .name = "descriptions", .type = F_TEXT, .at = NEW(descriptions) },
	{ .name = "dueDates", .type = F_TEXT, .at = NEW(due_dates) },
	LINES_AT(struct inserted, lines),
	LEDGER_COLUMNS(struct inserted, postings),
	OUTBOX_COLUMNS(struct inserted, events),
	{ .name = "places", .type = F_TEXT, .at = NEW(places) },
	{ .name = "numbers", .type = F_INT, .at = NEW(numbers) },
	{ .name = "series", .type = F_TEXT, .at = NEW(series) },
	{ .name = "zone", .type = F_ZONE, .at = NEW(zone) },
	FIELD_END,
};

static const struct field made_fields[] = {
	{ .name = "at", .type = F_INSTANT, .at = offsetof(struct invoices_made, at) },
	{ .name = "numbered", .type = F_INT, .at = offsetof(struct invoices_made, numbered) },
	FIELD_END,
};

#define INVOICES "id, patient_id, status, amount, subtotal, tax, discount, currency, description, due_date"
#define INVOICE_ARRAYS \
	"$1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::date[]"

/* made: the insert of the invoices; numbered: how many of them it numbers. */
#define INSERT(made, numbered)                                                                                                               \
	made ", lines as (" LINES_INTO("$11", "$12", "$13", "$14", "$15", "$16", "$17", "$18", "$19", "$20") "),"                             \
	     " posted as (" LEDGER_INTO("$21", "$22", "$23", "$24", "$25", "$26", "$27", "$28", "$29") "),"                                   \
	     " told as (" OUTBOX_INTO("$30", "$31", "$32", "$33", "$34", "$35") ") select now() as at, " numbered "::bigint as numbered"
#define TAKES \
	"ids patientIds statuses amounts subtotals taxes discounts currencies descriptions dueDates " TAKES_LINES " " TAKES_LEDGER " " TAKES_OUTBOX

static const struct pg_stmt insert_invoices = {
	.name = "insert_invoices",
	.kind = PG_WRITE,
	.sql = INSERT("with made as (insert into invoice (" INVOICES ", remaining_amount) select *, amount"
		      " from unnest(" INVOICE_ARRAYS ") as i (" INVOICES "))",
	    "0"),
	.takes = TAKES,
	.in = inserted_fields,
	.out = made_fields,
};

/* With their numbers, if nobody has the counter at the moment; else, and in a series that has no counter yet, they are numbered by the
 * relay, so that nobody waits here for another's commit. */
static const struct pg_stmt insert_numbered = {
	.name = "insert_numbered_invoices",
	.kind = PG_WRITE,
	.sql = INSERT("with mine as materialized (select series, year from invoice_series"
		      " where series = $38 and year = extract(year from now() at time zone $39)::integer for update skip locked),"
		      " counter as (update invoice_series s set last = s.last + $37::bigint from mine where (s.series, s.year) = (mine.series, mine.year)"
		      " returning s.series || s.year || '-' as prefix, s.last - $37::bigint as before),"
		      " made as (insert into invoice (" INVOICES ", remaining_amount, number)"
		      " select " INVOICES ", amount, case when place > 0 then " INVOICE_NUMBER("prefix", "(before + place)") " end"
		      " from unnest(" INVOICE_ARRAYS ", $36::bigint[]) as i (" INVOICES ", place) left join counter on true)",
	    "(select $37::bigint * count(*) from counter)"),
	.takes = TAKES " places numbers series zone",
	.in = inserted_fields,
	.out = made_fields,
};

/* So many that are issued are quicker numbered here: it costs the statement what the relay's numbering costs a few of them. */
#define NUMBERED_FROM 4

/* In the order of struct inserted. */
static void
add_invoice(struct pg_array *c, const struct invoice *invoice)
{
	pg_array_add(&c[0], invoice->id);
	pg_array_add(&c[1], invoice->patient_id);
	pg_array_add(&c[2], invoice->status);
	add_number(&c[3], invoice->amount.minor);
	add_number(&c[4], invoice->subtotal.minor);
	add_number(&c[5], invoice->tax.minor);
	add_number(&c[6], invoice->discount.minor);
	pg_array_add(&c[7], invoice->currency);
	pg_array_add(&c[8], invoice->description);
	pg_array_add(&c[9], invoice->due_date);
}

enum rc
invoice_store_insert(struct ctx *cx, const struct invoice_new *all, size_t count, struct invoices_made *ret_made)
{
	const struct posting **postings = arena_zalloc_n(cx->arena, count, sizeof(*postings));
	struct outbox_row *events = arena_zalloc_n(cx->arena, count, sizeof(*events));
	size_t posted = 0, told = 0;
	struct pg_array c[10], l[10], places = PG_ARRAY(cx->arena);
	struct inserted arg;

	arrays_begin(cx, c, 10);
	arrays_begin(cx, l, 10);
	for (size_t i = 0; i < count; i++) {
		add_invoice(c, all[i].invoice);
		add_lines(l, all[i].invoice);
		if (all[i].posting != NULL)
			postings[posted++] = all[i].posting;
		if (all[i].event != NULL)
			events[told++] = *all[i].event;
		add_number(&places, all[i].posting != NULL ? (int64_t)posted : 0);
	}
	arg = (struct inserted){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]), pg_array_end(&c[5]), pg_array_end(&c[6]), pg_array_end(&c[7]), pg_array_end(&c[8]),
		pg_array_end(&c[9]), end_lines(l), ledger_columns(cx, postings, posted), outbox_columns(cx, events, told),
		pg_array_end(&places), (int64_t)posted, config->billing.series, config->scheduling.zone };
	return pg_fetch_one(cx, posted < NUMBERED_FROM ? &insert_invoices : &insert_numbered, &arg, ret_made);
}

/* --- drafts --- */

struct written {
	struct invoice invoice;
	struct line_columns lines;
};

#define OF(member) offsetof(struct written, invoice.member)

static const struct field written_fields[] = {
	{ .name = "id", .type = F_UUID, .at = OF(id) },
	{ .name = "amount", .type = F_MONEY, .at = OF(amount) },
	{ .name = "subtotal", .type = F_MONEY, .at = OF(subtotal) },
	{ .name = "tax", .type = F_MONEY, .at = OF(tax) },
	{ .name = "discount", .type = F_MONEY, .at = OF(discount) },
	{ .name = "currency", .type = F_CURRENCY, .at = OF(currency) },
	{ .name = "description", .type = F_TEXT, .at = OF(description) },
	{ .name = "dueDate", .type = F_DATE, .at = OF(due_date) },
	LINES_AT(struct written, lines),
	FIELD_END,
};

static const struct pg_stmt drop_lines = {
	.name = "invoice_drop_lines",
	.kind = PG_WRITE,
	.sql = "delete from invoice_line where invoice_id = $1::uuid",
	.takes = "id",
	.in = written_fields,
};

static const struct pg_stmt replace_invoice = {
	.name = "replace_invoice",
	.kind = PG_WRITE,
	.sql = "with made as (update invoice set amount = $2::bigint, remaining_amount = $2::bigint, subtotal = $3::bigint,"
	       " tax = $4::bigint, discount = $5::bigint, description = $6, due_date = $7::date, version = version + 1,"
	       " updated_at = now() where id = $1::uuid returning *),"
	       " lines as (" LINES_INTO("$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17") ")"
	       " select " INVOICE_COLUMNS("made") " from made",
	.takes = "id amount subtotal tax discount description dueDate " TAKES_LINES,
	.in = written_fields,
	.out = invoice_fields,
};

static const struct pg_stmt issue_invoice = {
	.name = "issue_invoice",
	.kind = PG_WRITE,
	.sql = "update invoice as i set status = 'ISSUED', issued_at = now(), due_date = $2::date, version = version + 1,"
	       " updated_at = now() where id = $1::uuid returning " INVOICE_COLUMNS("i"),
	.takes = "id dueDate",
	.in = written_fields,
	.out = invoice_fields,
};

enum rc
invoice_store_replace(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved)
{
	struct written arg = { .invoice = *invoice };
	struct pg_array lines[10];
	enum rc rc = pg_execute(cx, &drop_lines, &arg, NULL);

	if (rc != RC_OK)
		return rc;
	arrays_begin(cx, lines, 10);
	add_lines(lines, invoice);
	arg.lines = end_lines(lines);
	rc = pg_fetch_one(cx, &replace_invoice, &arg, ret_saved);
	if (rc == RC_OK)
		ret_saved->lines = arg.invoice.lines;
	return rc;
}

enum rc
invoice_store_issue(struct ctx *cx, const struct invoice *invoice, struct invoice *ret_saved)
{
	struct written arg = { .invoice = *invoice };
	enum rc rc = pg_fetch_one(cx, &issue_invoice, &arg, ret_saved);

	if (rc == RC_OK)
		ret_saved->lines = arg.invoice.lines;
	return rc;
}

/* --- finding one: a row for each of its lines --- */

struct found {
	struct invoice invoice;
	int64_t position; /* 0: it has no lines */
	struct invoice_line line;
};

#define OF_LINE(member) offsetof(struct found, line.member)

static const struct field found_fields[] = {
	INVOICE_ROWS(struct found, invoice),
	{ .name = "position", .type = F_INT, .at = offsetof(struct found, position) },
	{ .name = "lineCode", .type = F_TEXT, .at = OF_LINE(service_code) },
	{ .name = "lineDescription", .type = F_TEXT, .at = OF_LINE(description) },
	{ .name = "quantity", .type = F_COUNT, .at = OF_LINE(quantity) },
	{ .name = "unitPrice", .type = F_MONEY, .at = OF_LINE(unit_price) },
	{ .name = "lineDiscount", .type = F_MONEY, .at = OF_LINE(discount) },
	{ .name = "taxRate", .type = F_RATE, .at = OF_LINE(tax_rate) },
	{ .name = "lineNet", .type = F_MONEY, .at = OF_LINE(net) },
	{ .name = "lineTax", .type = F_MONEY, .at = OF_LINE(tax) },
	FIELD_END,
};

#define FIND                                                                                                 \
	"select " INVOICE_COLUMNS("i") ", l.position, l.service_code as line_code, l.description as line_description," \
	" l.quantity, l.unit_price, l.discount as line_discount, l.tax_rate, l.net as line_net, l.tax as line_tax" \
	" from invoice i left join invoice_line l on l.invoice_id = i.id where i.id = $1::uuid order by l.position"

static const struct pg_stmt find_invoice = {
	.name = "find_invoice",
	.kind = PG_LOOKUP,
	.sql = FIND,
	.takes = "id",
	.in = found_fields,
	.out = found_fields,
};

static const struct pg_stmt lock_invoice = {
	.name = "invoice_lock",
	.kind = PG_WRITE,
	.sql = "select " INVOICE_COLUMNS("i") " from invoice i where id = $1::uuid for update",
	.takes = "id",
	.in = found_fields,
	.out = invoice_fields,
};

static enum rc
fold(struct ctx *cx, const struct found *rows, size_t count, struct invoice *ret_invoice)
{
	struct invoice_line *lines;
	size_t n = 0;

	if (count == 0)
		return RC_NOT_FOUND;
	lines = arena_zalloc_n(cx->arena, count, sizeof(*lines));
	for (size_t i = 0; i < count; i++) {
		if (rows[i].position == 0)
			continue;
		lines[n] = rows[i].line;
		lines[n++].currency = rows[0].invoice.currency;
	}
	*ret_invoice = rows[0].invoice;
	ret_invoice->lines = (struct field_list){ .rows = lines, .count = n };
	return RC_OK;
}

enum rc
invoice_store_find(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	struct found *rows;
	size_t count;
	enum rc rc = pg_fetch_all(
	    cx, &find_invoice, &(struct found){ .invoice.id = id }, sizeof(*rows), &rows, &count);

	return rc == RC_OK ? fold(cx, rows, count, ret_invoice) : rc;
}

/* In two statements: what the lock waited for may have changed the lines, which the statement that waited wouldn't see. */
enum rc
invoice_store_lock(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	enum rc rc = pg_fetch_one(cx, &lock_invoice, &(struct found){ .invoice.id = id }, ret_invoice);

	return rc == RC_OK ? invoice_store_find(cx, id, ret_invoice) : rc;
}

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
#define LIST "select " INVOICE_COLUMNS("i") " from invoice i where id > $1::uuid"
#define PAGE " order by id limit $2::bigint"
#define BOUNDED " order by id" PAGE_BOUND

static const struct pg_stmt list_invoices = {
	.name = "list_invoices",
	.kind = PG_LOOKUP,
	.sql = "select * from (" LIST BOUNDED ") page" PAGE,
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
	.sql = "select * from (" LIST " and status = $3" BOUNDED ") page" PAGE,
	.takes = "after limit status",
	.in = list_args_fields,
	.out = invoice_fields,
};

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
