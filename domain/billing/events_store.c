/*
 * events_store.c - batches of events in PostgreSQL.  A batch's rows travel as one array for each column, so
 * that a statement costs one round trip and one plan however many events there are.
 */
#include "domain/billing/events_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

struct counts {
	int64_t invoiced, voided;
	const char *unpriced;
};

static const struct field counts_fields[] = {
	{ .name = "invoiced", .type = F_INT, .at = offsetof(struct counts, invoiced) },
	{ .name = "voided", .type = F_INT, .at = offsetof(struct counts, voided) },
	{ .name = "unpriced", .type = F_TEXT, .at = offsetof(struct counts, unpriced) },
	FIELD_END,
};

/* Nothing is paid on it, nor was it settled in another way. */
#define UNPAID "(remaining_amount = amount and status not in ('PAID', 'PARTIALLY_PAID', 'REFUNDED'))"

static const struct pg_stmt void_invoices = {
	.name = "events_void_invoices",
	.kind = PG_WRITE,
	.sql = "with gone as (update invoice set"
	       " status = case when " UNPAID " then 'VOID' else status end,"
	       " remaining_amount = case when " UNPAID " then 0 else remaining_amount end,"
	       " appointment_cancelled = true, version = version + 1, updated_at = now()"
	       " where appointment_id = any($1::uuid[]) and not appointment_cancelled returning status)"
	       " select count(*) filter (where status = 'VOID') as voided from gone",
	.takes = "ids",
	.in = appointment_ids,
	.out = counts_fields,
};

enum rc
events_store_cancel(struct ctx *cx, const struct taken *all, size_t count, struct billing_tally *tally)
{
	struct pg_array array = PG_ARRAY(cx->arena);
	struct counts counts;
	const char *ids;
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		if (taken_voids(&all[i]))
			pg_array_add(&array, all[i].appointment_id);
	if (array.count == 0)
		return RC_OK;
	ids = pg_array_end(&array);
	rc = pg_execute(cx, &remember_cancelled, &ids, NULL);
	if (rc == RC_OK)
		rc = pg_fetch_one(cx, &void_invoices, &ids, &counts);
	if (rc == RC_OK)
		tally->voided += (size_t)counts.voided;
	return rc;
}

/* --- invoices --- */

struct booked {
	const char *ids, *appointment_ids, *patient_ids, *service_codes;
};

static const struct field booked_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = offsetof(struct booked, ids) },
	{ .name = "appointmentIds", .type = F_TEXT, .at = offsetof(struct booked, appointment_ids) },
	{ .name = "patientIds", .type = F_TEXT, .at = offsetof(struct booked, patient_ids) },
	{ .name = "serviceCodes", .type = F_TEXT, .at = offsetof(struct booked, service_codes) },
	FIELD_END,
};

/*
 * One snapshot decides which services have a price and which have not.  In order of appointment, so that two
 * batches at once wait for each other rather than deadlock.  unpriced: positions in the arrays, from 1,
 * parted by spaces; as a rule none.
 */
static const struct pg_stmt make_invoices = {
	.name = "events_make_invoices",
	.kind = PG_WRITE,
	.sql =
	    "with e as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])"
	    " with ordinality as e (id, appointment_id, patient_id, service_code, n)),"
	    " made as (insert into invoice (id, patient_id, appointment_id, service_code, status,"
	    " amount, remaining_amount, currency, description, appointment_cancelled)"
	    " select e.id, e.patient_id, e.appointment_id, s.code,"
	    " case when c.appointment_id is null then 'ISSUED' else 'VOID' end,"
	    " s.price, case when c.appointment_id is null then s.price else 0 end,"
	    " s.currency, s.description, c.appointment_id is not null"
	    " from e join service s on s.code = e.service_code"
	    " left join cancelled_appointment c on c.appointment_id = e.appointment_id"
	    " order by e.appointment_id on conflict (appointment_id) do nothing returning status)"
	    " select count(*) as invoiced, count(*) filter (where status = 'VOID') as voided,"
	    " (select string_agg(n::text, ' ') from e"
	    " where not exists (select from service s where s.code = e.service_code)) as unpriced from made",
	.takes = "ids appointmentIds patientIds serviceCodes",
	.in = booked_fields,
	.out = counts_fields,
};

static void
mark_unpriced(struct taken **booked, size_t count, const char *unpriced)
{
	char *end;

	for (const char *s = unpriced; s != NULL && *s != '\0'; s = end) {
		unsigned long n = strtoul(s, &end, 10);

		if (end == s || n == 0 || n > count)
			return;
		booked[n - 1]->reason = RC_NO_PRICE;
	}
}

static void
booked_arrays(struct ctx *cx, struct taken **booked, size_t count, struct booked *ret)
{
	struct pg_array ids = PG_ARRAY(cx->arena), appointments = PG_ARRAY(cx->arena);
	struct pg_array patients = PG_ARRAY(cx->arena), services = PG_ARRAY(cx->arena);
	char id[UUID_SIZE];

	for (size_t i = 0; i < count; i++) {
		uuid_new(id);
		pg_array_add(&ids, id);
		pg_array_add(&appointments, booked[i]->appointment_id);
		pg_array_add(&patients, booked[i]->patient_id);
		pg_array_add(&services, booked[i]->event->service_code);
	}
	*ret = (struct booked){
		.ids = pg_array_end(&ids),
		.appointment_ids = pg_array_end(&appointments),
		.patient_ids = pg_array_end(&patients),
		.service_codes = pg_array_end(&services),
	};
}

enum rc
events_store_invoice(struct ctx *cx, struct taken *all, size_t count, struct billing_tally *tally)
{
	struct taken **booked = arena_zalloc_n(cx->arena, count, sizeof(*booked));
	struct counts counts;
	struct booked arg;
	size_t n = 0;
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		if (taken_is(&all[i], BOOKING_MADE))
			booked[n++] = &all[i];
	if (n == 0)
		return RC_OK;
	booked_arrays(cx, booked, n, &arg);
	rc = pg_fetch_one(cx, &make_invoices, &arg, &counts);
	if (rc != RC_OK)
		return rc;
	mark_unpriced(booked, n, counts.unpriced);
	tally->invoiced += (size_t)counts.invoiced;
	tally->voided += (size_t)counts.voided;
	return RC_OK;
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
