#include "cli/check_store.h"

#include "lib/base/event.h"
#include "lib/pg/pg.h"

#define EVENTS_OF(type)                                                                                      \
	"(select id, headers->>'appointment_id' as appointment_id,"                                          \
	" case when published_at is null then '" EVENT_WAITS "'"                                             \
	" when published_at > now() - make_interval(secs => $1::bigint) then '" EVENT_YOUNG "'"              \
	" else '" EVENT_OLD "' end as state from outbox where type in (" type "))"

#define BOOKED_EVENTS EVENTS_OF("'" TYPE_APPOINTMENT_BOOKED "'")
/* Who didn't come is cancelled for billing: of one appointment there is one of both at most. */
#define CANCELLED_EVENTS EVENTS_OF("'" TYPE_APPOINTMENT_CANCELLED "', '" TYPE_APPOINTMENT_NO_SHOW "'")

/* --- scheduling --- */

struct bookings_args {
	int64_t grace;
};

static const struct field bookings_args_fields[] = {
	{ .name = "grace", .type = F_INT, .at = offsetof(struct bookings_args, grace) },
	FIELD_END,
};

static const struct field booking_fields[] = {
	{ .name = "id", .type = F_UUID, .at = offsetof(struct checked_booking, id) },
	{ .name = "cancelled", .type = F_BOOL, .at = offsetof(struct checked_booking, cancelled) },
	{ .name = "bookedId", .type = F_UUID, .at = offsetof(struct checked_booking, booked_id) },
	{ .name = "bookedState", .type = F_TEXT, .at = offsetof(struct checked_booking, booked_state) },
	{ .name = "cancelledId", .type = F_UUID, .at = offsetof(struct checked_booking, cancelled_id) },
	{ .name = "cancelledState", .type = F_TEXT, .at = offsetof(struct checked_booking, cancelled_state) },
	{ .name = "cancelledType", .type = F_TEXT, .at = offsetof(struct checked_booking, cancelled_type) },
	FIELD_END,
};

static const struct pg_stmt bookings = {
	.name = "check_bookings",
	.kind = PG_READ,
	.sql =
	    "select distinct on (a.id) a.id, a.status in ('CANCELLED', 'NO_SHOW') as cancelled, b.id as booked_id,"
	    " b.state as booked_state, c.id as cancelled_id, c.state as cancelled_state,"
	    " case when a.status = 'NO_SHOW' then '" TYPE_APPOINTMENT_NO_SHOW "'"
	    " else '" TYPE_APPOINTMENT_CANCELLED "' end as cancelled_type from appointment a"
	    " left join " BOOKED_EVENTS " b on b.appointment_id = a.id::text"
	    " left join " CANCELLED_EVENTS " c on c.appointment_id = a.id::text order by a.id",
	.takes = "grace",
	.in = bookings_args_fields,
	.out = booking_fields,
};

enum rc
check_store_bookings(struct ctx *scheduling, int64_t grace_s,
    enum rc (*each)(void *closure, const void *booking), void *closure)
{
	struct bookings_args args = { .grace = grace_s };

	return pg_for_each(scheduling, &bookings, &args, sizeof(struct checked_booking), each, closure);
}

/* --- billing --- */

struct invoices_args {
	const char *appointment_id, *id;
	int64_t max;
};

static const struct field invoices_args_fields[] = {
	{ .name = "appointmentId", .type = F_UUID, .at = offsetof(struct invoices_args, appointment_id) },
	{ .name = "id", .type = F_UUID, .at = offsetof(struct invoices_args, id) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct invoices_args, max) },
	FIELD_END,
};

static const struct field invoice_fields[] = {
	{ .name = "id", .type = F_UUID, .at = offsetof(struct checked_invoice, id) },
	{ .name = "appointmentId", .type = F_UUID, .at = offsetof(struct checked_invoice, appointment_id) },
	{ .name = "settled", .type = F_BOOL, .at = offsetof(struct checked_invoice, settled) },
	{ .name = "cancelled", .type = F_BOOL, .at = offsetof(struct checked_invoice, cancelled) },
	{ .name = "closed", .type = F_BOOL, .at = offsetof(struct checked_invoice, closed) },
	FIELD_END,
};

#define NIL "00000000-0000-0000-0000-000000000000"

/* The ids break the tie that a unique index should make impossible: to see whether it did is this
 * command's purpose. */
static const struct pg_stmt invoices = {
	.name = "check_invoices",
	.kind = PG_READ,
	.sql = "select id, appointment_id, (status = 'VOID' or appointment_cancelled) as settled, appointment_cancelled as cancelled,"
	       " (status in ('VOID', 'REFUNDED') or appointment_cancelled) as closed from invoice"
	       " where appointment_id is not null and (appointment_id, id) > ($1::uuid, $2::uuid)"
	       " order by appointment_id, id limit $3::bigint",
	.takes = "appointmentId id max",
	.in = invoices_args_fields,
	.out = invoice_fields,
};

enum rc
check_store_invoices(struct ctx *billing, const struct checked_invoice *after, int64_t max,
    struct checked_invoice **ret_invoices, size_t *ret_count)
{
	struct invoices_args args = {
		.appointment_id = after->appointment_id == NULL ? NIL : after->appointment_id,
		.id = after->id == NULL ? NIL : after->id,
		.max = max,
	};

	return pg_fetch_all(billing, &invoices, &args, sizeof(**ret_invoices), ret_invoices, ret_count);
}

static const struct pg_stmt fees = {
	.name = "check_fees",
	.kind = PG_READ,
	.sql = "select i.id, f.appointment_id, false as settled, false as cancelled, i.status in ('VOID', 'REFUNDED') as closed"
	       " from fee f join invoice i on i.id = f.invoice_id where f.appointment_id > $1::uuid"
	       " order by f.appointment_id limit $2::bigint",
	.takes = "appointmentId max",
	.in = invoices_args_fields,
	.out = invoice_fields,
};

enum rc
check_store_fees(struct ctx *billing, const struct checked_invoice *after, int64_t max, struct checked_invoice **ret_invoices,
    size_t *ret_count)
{
	struct invoices_args args = { .appointment_id = after->appointment_id == NULL ? NIL : after->appointment_id, .max = max };

	return pg_fetch_all(billing, &fees, &args, sizeof(**ret_invoices), ret_invoices, ret_count);
}

struct appointments_args {
	const char *ids;
};

static const struct field appointments_args_fields[] = {
	{ .name = "ids", .type = F_TEXT, .at = offsetof(struct appointments_args, ids) },
	FIELD_END,
};

static const struct field appointment_row_fields[] = {
	{ .name = "n", .type = F_INT, .at = offsetof(struct checked_appointment, n) },
	{ .name = "known", .type = F_BOOL, .at = offsetof(struct checked_appointment, known) },
	{ .name = "cancelled", .type = F_BOOL, .at = offsetof(struct checked_appointment, cancelled) },
	FIELD_END,
};

static const struct pg_stmt appointments = {
	.name = "check_appointments",
	.kind = PG_READ,
	.sql = "select e.n, a.id is not null as known, coalesce(a.status in ('CANCELLED', 'NO_SHOW'), false) as cancelled"
	       " from unnest($1::uuid[]) with ordinality as e (id, n) left join appointment a on a.id = e.id order by e.n",
	.takes = "ids",
	.in = appointments_args_fields,
	.out = appointment_row_fields,
};

enum rc
check_store_appointments(
    struct ctx *scheduling, const char *ids, struct checked_appointment **ret_appointments, size_t *ret_count)
{
	struct appointments_args args = { ids };

	return pg_fetch_all(scheduling, &appointments, &args, sizeof(**ret_appointments), ret_appointments, ret_count);
}

struct events_args {
	const char *appointment_ids, *event_ids, *types;
};

static const struct field events_args_fields[] = {
	{ .name = "appointmentIds", .type = F_TEXT, .at = offsetof(struct events_args, appointment_ids) },
	{ .name = "eventIds", .type = F_TEXT, .at = offsetof(struct events_args, event_ids) },
	{ .name = "types", .type = F_TEXT, .at = offsetof(struct events_args, types) },
	FIELD_END,
};

static const struct field event_fields[] = {
	{ .name = "n", .type = F_INT, .at = offsetof(struct checked_event, n) },
	{ .name = "invoiced", .type = F_BOOL, .at = offsetof(struct checked_event, invoiced) },
	{ .name = "settled", .type = F_BOOL, .at = offsetof(struct checked_event, settled) },
	{ .name = "received", .type = F_BOOL, .at = offsetof(struct checked_event, received) },
	{ .name = "parked", .type = F_BOOL, .at = offsetof(struct checked_event, parked) },
	FIELD_END,
};

/*
 * Whose event a dead letter is, where the outbox has its id no more: in all of an appointment's messages in proto/events.proto
 * field 1 is appointment_id, which protobuf-c writes first, as the bytes 10, 36 and the text.
 */
#define PARKED_APPOINTMENTS \
	"select type || ' ' || encode(substring(payload from 3 for 36), 'escape') from dead_letters" \
	" where type is not null and substring(payload from 1 for 2) = '\\x0a24'::bytea"

/* One snapshot: an event is in the inbox exactly if its invoice or its dead letter is seen as well. */
static const struct pg_stmt events = {
	.name = "check_events",
	.kind = PG_READ,
	.sql =
	    "select e.n,"
	    " exists (select from invoice i where i.appointment_id = e.appointment_id) as invoiced,"
	    " exists (select from invoice i where i.appointment_id = e.appointment_id"
	    " and (i.status = 'VOID' or i.appointment_cancelled)) as settled,"
	    " exists (select from inbox b where b.ce_id = e.event_id) as received,"
	    " case when e.event_id is not null"
	    " then exists (select from dead_letters d where d.ce_id = e.event_id)"
	    " else e.type || ' ' || e.appointment_id in (" PARKED_APPOINTMENTS ") end as parked"
	    " from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality"
	    " as e (appointment_id, event_id, type, n) order by e.n",
	.takes = "appointmentIds eventIds types",
	.in = events_args_fields,
	.out = event_fields,
};

enum rc
check_store_events(struct ctx *billing, const char *appointment_ids, const char *event_ids, const char *types,
    struct checked_event **ret_events, size_t *ret_count)
{
	struct events_args args = {
		.appointment_ids = appointment_ids, .event_ids = event_ids, .types = types
	};

	return pg_fetch_all(billing, &events, &args, sizeof(**ret_events), ret_events, ret_count);
}

static const struct field total_fields[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct checked_total, currency) },
	{ .name = "invoices", .type = F_INT, .at = offsetof(struct checked_total, invoices) },
	{ .name = "voided", .type = F_INT, .at = offsetof(struct checked_total, voided) },
	{ .name = "amount", .type = F_MONEY, .at = offsetof(struct checked_total, amount) },
	{ .name = "remainingAmount",
	    .type = F_MONEY,
	    .at = offsetof(struct checked_total, remaining_amount) },
	FIELD_END,
};

static const struct pg_stmt totals = {
	.name = "check_totals",
	.kind = PG_READ,
	.sql = "select currency, count(*) as invoices, count(*) filter (where status = 'VOID') as voided,"
	       " coalesce(sum(amount) filter (where status <> 'VOID'), 0)::bigint as amount,"
	       " sum(remaining_amount)::bigint as remaining_amount"
	       " from invoice where appointment_id is not null group by currency order by currency",
	.out = total_fields,
};

enum rc
check_store_totals(struct ctx *billing, struct checked_total **ret_totals, size_t *ret_count)
{
	return pg_fetch_all(billing, &totals, NULL, sizeof(**ret_totals), ret_totals, ret_count);
}
