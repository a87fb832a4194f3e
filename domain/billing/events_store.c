/*
 * events_store.c - batches of events in PostgreSQL.  A batch's rows travel as one array for each column, so
 * that a statement costs one round trip and one plan however many events there are.
 */
#include "domain/billing/events_store.h"

#include <stdlib.h>
#include <string.h>

#include "domain/billing/invoice_store.h"
#include "domain/billing/numbers_store.h"
#include "domain/billing/states.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

#define ENVELOPE_TEXT_MAX 1024 /* bytes of a dead letter's texts: they come from outside */

/* --- lock --- */

/* Any number that nothing else in this database locks. */
#define LOCK "7310242002"

static const struct pg_stmt lock_shared = {
	.name = "events_lock_shared",
	.kind = PG_WRITE,
	.sql = "select pg_advisory_xact_lock_shared(" LOCK ")",
};

static const struct pg_stmt lock_alone = {
	.name = "events_lock_alone",
	.kind = PG_WRITE,
	.sql = "select pg_advisory_xact_lock(" LOCK ")",
};

enum rc
events_store_lock(struct ctx *cx, bool alone)
{
	return pg_execute(cx, alone ? &lock_alone : &lock_shared, NULL, NULL);
}

/* --- inbox --- */

struct received {
	const char *ce_ids, *types;
	const char *ce_id;
};

static const struct field received_fields[] = {
	{ .name = "ceIds", .type = F_TEXT, .at = offsetof(struct received, ce_ids) },
	{ .name = "types", .type = F_TEXT, .at = offsetof(struct received, types) },
	{ .name = "ceId", .type = F_TEXT, .at = offsetof(struct received, ce_id) },
	FIELD_END,
};

/* Gives those that were there before: as a rule none. */
static const struct pg_stmt receive = {
	.name = "events_receive",
	.kind = PG_WRITE,
	.sql = "with e as materialized (select * from unnest($1::text[], $2::text[]) as e (ce_id, type)),"
	       " fresh as (insert into inbox (ce_id, type) select ce_id, type from e"
	       " on conflict do nothing returning ce_id)"
	       " select ce_id from e where not exists (select from fresh where fresh.ce_id = e.ce_id)",
	.takes = "ceIds types",
	.in = received_fields,
	.out = received_fields,
};

static int
compare_ce_id(const void *a, const void *b)
{
	return strcmp(((const struct received *)a)->ce_id, ((const struct received *)b)->ce_id);
}

/* An event's text as PostgreSQL takes it: what is no UTF-8 gives way to question marks, what is too long
 * is cut. */
static const char *
clean(struct ctx *cx, const char *s)
{
	size_t length;
	char *copy;

	if (s == NULL)
		return NULL;
	length = strnlen(s, ENVELOPE_TEXT_MAX);
	if (s[length] == '\0' && utf8_valid(s, length))
		return s;
	copy = arena_strndup(cx->arena, s, length);
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return copy;
}

enum rc
events_store_receive(struct ctx *cx, struct taken *all, size_t count)
{
	struct pg_array ce_ids = PG_ARRAY(cx->arena), types = PG_ARRAY(cx->arena);
	struct received arg, *before;
	size_t before_count;
	enum rc rc;

	for (size_t i = 0; i < count; i++) {
		const char *type = clean(cx, all[i].event->envelope->type);

		if (all[i].repeated || all[i].ce_id == NULL)
			continue;
		pg_array_add(&ce_ids, all[i].ce_id);
		pg_array_add(&types, type == NULL ? "" : type);
	}
	if (ce_ids.count == 0)
		return RC_OK;
	arg = (struct received){ .ce_ids = pg_array_end(&ce_ids), .types = pg_array_end(&types) };
	rc = pg_fetch_all(cx, &receive, &arg, sizeof(*before), &before, &before_count);
	if (rc != RC_OK || before_count == 0)
		return rc;
	qsort(before, before_count, sizeof(*before), compare_ce_id);
	for (size_t i = 0; i < count; i++) {
		struct received key = { .ce_id = all[i].ce_id };

		if (key.ce_id != NULL &&
		    bsearch(&key, before, before_count, sizeof(*before), compare_ce_id) != NULL)
			all[i].repeated = true;
	}
	return RC_OK;
}

/* --- cancellations --- */

static const struct field appointment_ids[] = { { .name = "ids", .type = F_TEXT, .at = 0 }, FIELD_END };

static const struct pg_stmt remember_cancelled = {
	.name = "events_remember_cancelled",
	.kind = PG_WRITE,
	.sql = "insert into cancelled_appointment (appointment_id) select unnest($1::uuid[])"
	       " on conflict do nothing",
	.takes = "ids",
	.in = appointment_ids,
};

/* Nothing is paid on it, and nothing but that it should be expected any more. */
#define VOIDABLE "(i.amount_paid = 0 and i.status in ('ISSUED', 'OVERDUE', 'UNCOLLECTIBLE'))"

/*
 * Gives those that are VOID only now; others are marked.  Locked in one order, so that two batches at once wait for each other.  With
 * nothing paid, all that an invoice has in the books is taken out again, whatever part of it was credited or given up before.
 */
static const struct pg_stmt void_invoices = {
	.name = "events_void_invoices",
	.kind = PG_WRITE,
	.sql = "with locked as materialized (select id, status from invoice"
	       " where appointment_id = any($1::uuid[]) and not appointment_cancelled order by id for update),"
	       " gone as (update invoice i set"
	       " status = case when " VOIDABLE " then 'VOID' else i.status end,"
	       " remaining_amount = case when " VOIDABLE " then 0 else i.remaining_amount end,"
	       " appointment_cancelled = true, version = i.version + 1, updated_at = now()"
	       " from locked where i.id = locked.id returning i.*, locked.status as before),"
	       " voided as materialized (select gone.*, gen_random_uuid() as posting from gone"
	       " where status = 'VOID' and before <> 'VOID'),"
	       " posted as (insert into ledger"
	       " (posting, kind, account, amount, currency, patient_id, invoice_id, service_code)"
	       " select v.posting, 'VOID', l.account, (-sum(l.amount))::bigint, v.currency, v.patient_id, v.id, l.service_code"
	       " from voided v join ledger l on l.invoice_id = v.id"
	       " group by v.posting, l.account, v.currency, v.patient_id, v.id, l.service_code having sum(l.amount) <> 0)"
	       " select " INVOICE_COLUMNS("v") " from voided v",
	.takes = "ids",
	.in = appointment_ids,
	.out = invoice_fields,
};

/* An invoice, and what made it what it is. */
struct told {
	const struct invoice *invoice;
	const struct billing_event *event;
};

/* The events of what became of invoices, each in the trace of its booking or cancellation. */
static enum rc
tell(struct ctx *cx, const struct billing_ports *ports, const struct told *told, size_t count)
{
	const struct trace ours = cx->trace;
	struct outbox_row *rows = arena_zalloc_n(cx->arena, count, sizeof(*rows));
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct invoice *invoice = told[i].invoice;
		bool gone = strcmp(invoice->status, "VOID") == 0;

		cx->trace = told[i].event->trace;
		outbox_row_init(cx, &rows[i], "invoice", gone ? TYPE_INVOICE_VOIDED : TYPE_INVOICE_ISSUED, invoice->id);
		rows[i].key = invoice->patient_id;
		rc = ports->encode_invoice(cx, invoice, &rows[i].payload);
	}
	cx->trace = ours;
	return rc == RC_OK && count > 0 ? outbox_insert(cx, rows, count) : rc;
}

/* Which of the batch voided it; a batch has few that void. */
static const struct billing_event *
who_voided(const struct taken *all, size_t count, const struct invoice *invoice)
{
	size_t i = 0;

	while (i + 1 < count && !(taken_voids(&all[i]) && strcmp(all[i].appointment_id, invoice->appointment_id) == 0))
		i++;
	return all[i].event;
}

static enum rc
void_all(struct ctx *cx, const struct billing_ports *ports, const char *ids, const struct taken *all, size_t all_count,
    struct billing_tally *tally)
{
	struct invoice *voided;
	struct told *told;
	size_t count;
	enum rc rc = pg_fetch_all(cx, &void_invoices, &ids, sizeof(*voided), &voided, &count);

	if (rc != RC_OK)
		return rc;
	told = arena_zalloc_n(cx->arena, count, sizeof(*told));
	for (size_t i = 0; i < count; i++)
		told[i] = (struct told){ &voided[i], who_voided(all, all_count, &voided[i]) };
	tally->voided += count;
	return tell(cx, ports, told, count);
}

enum rc
events_store_cancel(struct ctx *cx, const struct billing_ports *ports, const struct taken *all, size_t count,
    struct billing_tally *tally)
{
	struct pg_array array = PG_ARRAY(cx->arena);
	const char *ids;
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		if (taken_voids(&all[i]))
			pg_array_add(&array, all[i].appointment_id);
	if (array.count == 0)
		return RC_OK;
	ids = pg_array_end(&array);
	rc = pg_execute(cx, &remember_cancelled, &ids, NULL);
	return rc == RC_OK ? void_all(cx, ports, ids, all, count, tally) : rc;
}

/* --- invoices --- */

struct booked {
	const char *ids, *appointment_ids, *patient_ids, *service_codes, *due_date;
	const char *series, *zone; /* what numbers begin with, whose year it is */
};

#define BOOKED(member) offsetof(struct booked, member)

static const struct field booked_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = BOOKED(ids) },
	{ .name = "appointmentIds", .type = F_TEXT, .at = BOOKED(appointment_ids) },
	{ .name = "patientIds", .type = F_TEXT, .at = BOOKED(patient_ids) },
	{ .name = "serviceCodes", .type = F_TEXT, .at = BOOKED(service_codes) },
	{ .name = "dueDate", .type = F_DATE, .at = BOOKED(due_date) },
	{ .name = "series", .type = F_TEXT, .at = BOOKED(series) },
	{ .name = "zone", .type = F_ZONE, .at = BOOKED(zone) },
	FIELD_END,
};

/* What became of one booking; of its invoice, what the booking doesn't say. */
struct made {
	int64_t n;     /* its position, from 1 */
	bool unpriced; /* then there is no invoice */
	struct invoice invoice;
};

#define MADE(member) offsetof(struct made, invoice.member)

static const struct field made_fields[] = {
	{ .name = "n", .type = F_INT, .at = offsetof(struct made, n) },
	{ .name = "unpriced", .type = F_BOOL, .at = offsetof(struct made, unpriced) },
	{ .name = "currency", .type = F_CURRENCY, .at = MADE(currency) },
	{ .name = "amount", .type = F_MONEY, .at = MADE(amount) },
	{ .name = "remainingAmount", .type = F_MONEY, .at = MADE(remaining_amount) },
	{ .name = "appointmentCancelled", .type = F_BOOL, .at = MADE(appointment_cancelled) },
	FIELD_END,
};

/*
 * One snapshot decides which services have a price and which have not.  What was cancelled before is posted and taken back at once.
 *
 * The numbers are given here, since an index entry that is written once costs half of one that the relay would have to change: a batch holds the
 * counter until its commit, so that batches make their invoices one after the other, as the relay would number them.  Who had the
 * appointment's invoice made meanwhile is met at its unique index: then all of it, the counter too, is rolled back and taken again.
 * Scalar subqueries ask an index for each booking, whatever the planner thinks of the tables.
 */
static const struct pg_stmt make_invoices = {
	.name = "events_make_invoices",
	.kind = PG_WRITE,
	.sql =
	    "with e as materialized (select e.*, s.description, s.price, s.currency, s.tax_rate, t.tax,"
	    " (select true from cancelled_appointment c where c.appointment_id = e.appointment_id) is true as cancelled,"
	    " s.code is null or s.price + t.tax > 9223372036854775807 as unpriced,"
	    " (select true from invoice i where i.appointment_id = e.appointment_id) is true as there"
	    " from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])"
	    " with ordinality as e (id, appointment_id, patient_id, service_code, n)"
	    " left join service s on s.code = e.service_code"
	    " left join lateral (select round(s.price::numeric * s.tax_rate / 1000000) as tax) t on true),"
	    " fresh as materialized (select *, row_number() over (order by n) as place from"
	    " (select distinct on (appointment_id) * from e where not unpriced and not there order by appointment_id, n) f),"
	    " counter as (insert into invoice_series as s (series, year, last)"
	    " select $6, extract(year from now() at time zone $7)::integer, count(*) from fresh having count(*) > 0"
	    " on conflict (series, year) do update set last = s.last + excluded.last"
	    " returning $6 || year || '-' as prefix, last - (select count(*) from fresh) as before),"
	    " made as (insert into invoice (id, number, patient_id, appointment_id, service_code, status, amount, remaining_amount,"
	    " subtotal, tax, currency, description, due_date, appointment_cancelled)"
	    " select id, " INVOICE_NUMBER("prefix", "(before + place)") ", patient_id, appointment_id, service_code,"
	    " case when cancelled then 'VOID' else 'ISSUED' end, price + tax, case when cancelled then 0 else price + tax end,"
	    " price, tax, currency, description, $5::date, cancelled from fresh, counter order by n),"
	    " lines as (insert into invoice_line"
	    " (invoice_id, position, service_code, description, quantity, unit_price, tax_rate, net, tax)"
	    " select id, 1, service_code, description, 1, price, tax_rate, price, tax from fresh),"
	    " posted as (insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, service_code)"
	    " select p.posting, p.kind, a.account, p.sign * a.amount, currency, patient_id, id, a.code from"
	    " (select id as posting, 'ISSUE' as kind, 1 as sign, * from fresh union all"
	    " select gen_random_uuid(), 'VOID', -1, * from fresh where cancelled) p,"
	    " lateral (values ('RECEIVABLE', price + tax, null), ('TAX', -tax, null), ('REVENUE', -price, service_code))"
	    " as a (account, amount, code) where a.amount <> 0)"
	    " select n, false as unpriced, currency, price + tax as amount, case when cancelled then 0 else price + tax end as remaining_amount,"
	    " cancelled as appointment_cancelled from fresh"
	    " union all select n, true, null, null, null, false from e where unpriced",
	.takes = "ids appointmentIds patientIds serviceCodes dueDate series zone",
	.in = booked_fields,
	.out = made_fields,
};

/* ret_ids are those that the invoices will have. */
static struct booked
booked_arrays(struct ctx *cx, struct taken **booked, size_t count, const char *due_date, char (*ret_ids)[UUID_SIZE])
{
	struct pg_array c[4];

	for (size_t i = 0; i < 4; i++)
		c[i] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		uuid_new(ret_ids[i]);
		pg_array_add(&c[0], ret_ids[i]);
		pg_array_add(&c[1], booked[i]->appointment_id);
		pg_array_add(&c[2], booked[i]->patient_id);
		pg_array_add(&c[3], booked[i]->event->service_code);
	}
	return (struct booked){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]), due_date,
		config->billing.series, config->scheduling.zone };
}

/* The invoice, as it was written. */
static void
complete(struct invoice *made, const struct taken *of, const char *id, const char *due_date)
{
	made->id = id;
	made->patient_id = of->patient_id;
	made->appointment_id = of->appointment_id;
	made->service_code = of->event->service_code;
	made->status = invoice_state_names[made->appointment_cancelled ? VOID : ISSUED];
	made->due_date = due_date;
	made->version = 1;
}

/* Sorts what there is now, as a rule an invoice for each, from what has no price. */
static enum rc
settle_made(struct ctx *cx, const struct billing_ports *ports, struct taken **booked, size_t count, char (*ids)[UUID_SIZE],
    const char *due_date, struct made *rows, size_t row_count, struct billing_tally *tally)
{
	struct told *made = arena_zalloc_n(cx->arena, row_count, sizeof(*made));
	size_t n = 0;

	for (size_t i = 0; i < row_count; i++) {
		size_t at = (size_t)rows[i].n - 1;

		if (at >= count)
			return err_detail(cx, RC_INTERNAL, "a booking that nobody asked about");
		if (rows[i].unpriced) {
			booked[at]->reason = RC_NO_PRICE;
			continue;
		}
		complete(&rows[i].invoice, booked[at], ids[at], due_date);
		made[n++] = (struct told){ &rows[i].invoice, booked[at]->event };
		tally->invoiced++;
		tally->numbered++;
		tally->voided += rows[i].invoice.appointment_cancelled;
	}
	return tell(cx, ports, made, n);
}

enum rc
events_store_invoice(struct ctx *cx, const struct billing_ports *ports, const char *due_date, struct taken *all,
    size_t count, struct billing_tally *tally)
{
	struct taken **booked = arena_zalloc_n(cx->arena, count, sizeof(*booked));
	char (*ids)[UUID_SIZE] = arena_alloc(cx->arena, count * sizeof(*ids));
	struct booked arg;
	struct made *rows;
	size_t n = 0, row_count;
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		if (taken_is(&all[i], BOOKING_MADE))
			booked[n++] = &all[i];
	if (n == 0)
		return RC_OK;
	arg = booked_arrays(cx, booked, n, due_date, ids);
	rc = pg_fetch_all(cx, &make_invoices, &arg, sizeof(*rows), &rows, &row_count);
	if (rc == RC_DUPLICATE && strcmp(cx->err.constraint, "invoice_appointment_id_key") == 0)
		return err_detail(cx, RC_UNAVAILABLE, "another had a booking's invoice made at the same moment");
	return rc == RC_OK ? settle_made(cx, ports, booked, n, ids, due_date, rows, row_count, tally) : rc;
}

/* --- dead letters --- */

struct parked {
	const char *ce_ids, *types, *sources, *times, *traceparents, *topics, *keys, *payloads, *reasons;
};

static const struct field parked_fields[] = {
	{ .name = "ceIds", .type = F_TEXT, .at = offsetof(struct parked, ce_ids) },
	{ .name = "types", .type = F_TEXT, .at = offsetof(struct parked, types) },
	{ .name = "sources", .type = F_TEXT, .at = offsetof(struct parked, sources) },
	{ .name = "times", .type = F_TEXT, .at = offsetof(struct parked, times) },
	{ .name = "traceparents", .type = F_TEXT, .at = offsetof(struct parked, traceparents) },
	{ .name = "topics", .type = F_TEXT, .at = offsetof(struct parked, topics) },
	{ .name = "keys", .type = F_TEXT, .at = offsetof(struct parked, keys) },
	{ .name = "payloads", .type = F_TEXT, .at = offsetof(struct parked, payloads) },
	{ .name = "reasons", .type = F_TEXT, .at = offsetof(struct parked, reasons) },
	FIELD_END,
};

static const struct pg_stmt park = {
	.name = "events_park",
	.kind = PG_WRITE,
	.sql =
	    "insert into dead_letters (ce_id, type, source, time, traceparent, topic, key, payload,"
	    " reason) select ce_id, type, source, time, traceparent, topic, key, decode(hex, 'hex'), reason"
	    " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],"
	    " $7::text[], $8::text[], $9::text[])"
	    " as e (ce_id, type, source, time, traceparent, topic, key, hex, reason)"
	    " on conflict (ce_id) where ce_id is not null do nothing",
	.takes = "ceIds types sources times traceparents topics keys payloads reasons",
	.in = parked_fields,
};

static const char *
hex(struct ctx *cx, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(cx->arena, 2 * length + 1), *out = text;

	for (size_t i = 0; i < length; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
	return text;
}

enum rc
events_store_park(struct ctx *cx, const struct taken *all, size_t count, struct billing_tally *tally)
{
	/* In the order of $1 to $9. */
	struct pg_array columns[9];
	const char *arrays[9];
	struct parked arg;

	for (size_t c = 0; c < 9; c++)
		columns[c] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++) {
		const struct event *e = all[i].event->envelope;

		if (all[i].repeated || all[i].reason == RC_OK)
			continue;
		pg_array_add(&columns[0], all[i].ce_id);
		pg_array_add(&columns[1], clean(cx, e->type));
		pg_array_add(&columns[2], clean(cx, e->source));
		pg_array_add(&columns[3], clean(cx, e->time));
		pg_array_add(&columns[4], clean(cx, e->traceparent));
		pg_array_add(&columns[5], e->topic == NULL ? "" : clean(cx, e->topic));
		pg_array_add(&columns[6], clean(cx, e->key));
		pg_array_add(&columns[7], hex(cx, e->payload, e->length));
		pg_array_add(&columns[8], rc_meaning(all[i].reason)->name);
		tally->reasons[all[i].reason]++;
	}
	if (columns[0].count == 0)
		return RC_OK;
	for (size_t c = 0; c < 9; c++)
		arrays[c] = pg_array_end(&columns[c]);
	tally->parked += columns[0].count;
	arg = (struct parked){ arrays[0], arrays[1], arrays[2], arrays[3], arrays[4], arrays[5], arrays[6],
		arrays[7], arrays[8] };
	return pg_execute(cx, &park, &arg, NULL);
}
