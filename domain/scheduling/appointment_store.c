/* appointment_store.c - appointments in PostgreSQL. */
#include "domain/scheduling/appointment_store.h"

#include <string.h>

#include "lib/pg/pg.h"

#define COLUMNS \
	"id, patient_id, provider_id, service_code, status, starts_at, ends_at, zone," \
	" cancel_reason, version"

/* What a statement takes that writes an appointment and its event. */
struct change {
	struct appointment a;
	struct outbox_row event;
};

#define AT(member) offsetof(struct change, member)

static const struct field change_fields[] = {
	{ .name = "id", .type = F_UUID, .at = AT(a.id) },
	{ .name = "patientId", .type = F_UUID, .at = AT(a.patient_id) },
	{ .name = "providerId", .type = F_UUID, .at = AT(a.provider_id) },
	{ .name = "serviceCode", .type = F_CODE, .at = AT(a.service_code) },
	{ .name = "status", .type = F_TEXT, .at = AT(a.status) },
	{ .name = "startsAt", .type = F_INSTANT, .at = AT(a.starts_at) },
	{ .name = "endsAt", .type = F_INSTANT, .at = AT(a.ends_at) },
	{ .name = "zone", .type = F_ZONE, .at = AT(a.zone) },
	{ .name = "cancelReason", .type = F_TEXT, .at = AT(a.cancel_reason) },
	{ .name = "version", .type = F_INT, .at = AT(a.version) },
	{ .name = "cancelledAt", .type = F_INSTANT, .at = AT(a.cancelled_at) },
	{ .name = "eventId", .type = F_UUID, .at = AT(event.id) },
	{ .name = "eventType", .type = F_TEXT, .at = AT(event.type) },
	{ .name = "eventPayload", .type = F_BYTES, .at = AT(event.payload) },
	{ .name = "eventHeaders", .type = F_TEXT, .at = AT(event.headers) },
	FIELD_END,
};

/* aggregateid becomes the message's key: one patient's events stay in order. */
#define EVENT_OF(changed) \
	"insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)" \
	" select $1::uuid, 'appointment', patient_id::text, $2, $3::bytea, $4::jsonb from " changed
#define EVENT_TAKES "eventId eventType eventPayload eventHeaders "

/* The constraint decides who gets a provider; but of two that insert at once each would wait for the other, until the
 * server finds the deadlock, a second later.  So bookings of one provider go one after the other. */
static const struct pg_stmt insert_appointment = {
	.name = "insert_appointment",
	.kind = PG_WRITE,
	.sql = "with turn as materialized (select pg_advisory_xact_lock(1, hashtext($7::uuid::text))),"
	       " a as (insert into appointment"
	       " (id, patient_id, provider_id, service_code, starts_at, ends_at, zone)"
	       " select $5::uuid, $6::uuid, $7::uuid, $8, $9::timestamptz, $10::timestamptz, $11 from turn"
	       " returning " COLUMNS "), e as (" EVENT_OF("a") ") select " COLUMNS " from a",
	.takes = EVENT_TAKES "id patientId providerId serviceCode startsAt endsAt zone",
	.in = change_fields,
	.out = appointment_fields,
};

static const struct pg_stmt set_appointment_status = {
	.name = "set_appointment_status",
	.kind = PG_WRITE,
	.sql = "with a as (update appointment"
	       " set status = $7, cancel_reason = $8, version = version + 1, updated_at = now()"
	       " where id = $5::uuid and version = $6::bigint"
	       " returning " COLUMNS "), e as (" EVENT_OF("a") ") select " COLUMNS " from a",
	.takes = EVENT_TAKES "id version status cancelReason",
	.in = change_fields,
	.out = appointment_fields,
};

/* In its provider's turn, as a booking is. */
static const struct pg_stmt reschedule_appointment = {
	.name = "reschedule_appointment",
	.kind = PG_WRITE,
	.sql = "with turn as materialized (select pg_advisory_xact_lock(1, hashtext($7::uuid::text))),"
	       " a as (update appointment set provider_id = $7::uuid, starts_at = $8::timestamptz,"
	       " ends_at = $9::timestamptz, zone = $10, version = version + 1, updated_at = now() from turn"
	       " where id = $5::uuid and version = $6::bigint"
	       " returning " COLUMNS "), e as (" EVENT_OF("a") ") select " COLUMNS " from a",
	.takes = EVENT_TAKES "id version providerId startsAt endsAt zone",
	.in = change_fields,
	.out = appointment_fields,
};

static const struct pg_stmt find_appointment = {
	.name = "find_appointment",
	.kind = PG_LOOKUP,
	.sql = "select " COLUMNS " from appointment where id = $1::uuid",
	.takes = "id",
	.in = change_fields,
	.out = appointment_fields,
};

static const struct pg_stmt find_changed_at = {
	.name = "find_changed_at",
	.kind = PG_LOOKUP,
	.sql = "select updated_at as cancelled_at from appointment where id = $1::uuid",
	.takes = "id",
	.in = change_fields,
	.out = change_fields,
};

/* The same condition as that of the constraint appointment_provider_free, whose index answers it.  An appointment that is to be moved
 * doesn't collide with itself. */
static const struct pg_stmt find_collision = {
	.name = "find_collision",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from appointment where provider_id = $1::uuid"
	       " and status not in ('CANCELLED', 'NO_SHOW')"
	       " and tstzrange(starts_at, ends_at) && tstzrange($2::timestamptz, $3::timestamptz)"
	       " and id <> $4::uuid order by starts_at limit 1",
	.takes = "providerId startsAt endsAt id",
	.in = change_fields,
	.out = appointment_fields,
};

/* --- lists: a statement for each index that can answer --- */

struct list_args {
	struct appointment_filter filter;
	struct instant after_start;
	const char *after_id;
	int64_t limit;
};

#define LIST_AT(member) offsetof(struct list_args, member)

static const struct field list_args_fields[] = {
	{ .name = "from", .type = F_INSTANT, .at = LIST_AT(filter.from) },
	{ .name = "to", .type = F_INSTANT, .at = LIST_AT(filter.to) },
	{ .name = "afterStart", .type = F_INSTANT, .at = LIST_AT(after_start) },
	{ .name = "afterId", .type = F_UUID, .at = LIST_AT(after_id) },
	{ .name = "limit", .type = F_COUNT, .at = LIST_AT(limit) },
	{ .name = "patientId", .type = F_UUID, .at = LIST_AT(filter.patient_id) },
	{ .name = "providerId", .type = F_UUID, .at = LIST_AT(filter.provider_id) },
	FIELD_END,
};

/* None lasts longer than 366 days, so those that end after $1 start at most that long before: the index needs to look
 * no further back. */
#define LIST(condition) \
	"select " COLUMNS " from appointment where " condition \
	" and starts_at > coalesce($1::timestamptz - interval '8784 hours', '-infinity')" \
	" and ends_at > coalesce($1::timestamptz, '-infinity')" \
	" and starts_at < coalesce($2::timestamptz, 'infinity')" \
	" and (starts_at, id) >= (coalesce($3::timestamptz, '-infinity')," \
	" coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))" \
	" and id is distinct from $4::uuid order by starts_at, id limit $5::bigint"
#define LIST_TAKES "from to afterStart afterId limit"

static const struct pg_stmt list_appointments = {
	.name = "list_appointments",
	.kind = PG_READ,
	.sql = LIST("true"),
	.takes = LIST_TAKES,
	.in = list_args_fields,
	.out = appointment_fields,
};

static const struct pg_stmt list_appointments_by_patient = {
	.name = "list_appointments_by_patient",
	.kind = PG_READ,
	.sql = LIST("patient_id = $6::uuid and ($7::uuid is null or provider_id = $7::uuid)"),
	.takes = LIST_TAKES " patientId providerId",
	.in = list_args_fields,
	.out = appointment_fields,
};

static const struct pg_stmt list_appointments_by_provider = {
	.name = "list_appointments_by_provider",
	.kind = PG_READ,
	.sql = LIST("provider_id = $6::uuid"),
	.takes = LIST_TAKES " providerId",
	.in = list_args_fields,
	.out = appointment_fields,
};

enum rc
appointment_store_list(struct ctx *cx, const struct appointment_filter *filter, struct instant after_start,
    const char *after_id, int64_t limit, struct appointment **ret_appointments, size_t *ret_count)
{
	struct list_args args = {
		.filter = *filter,
		.after_start = after_start,
		.after_id = after_id,
		.limit = limit,
	};
	const struct pg_stmt *stmt = &list_appointments;

	if (filter->patient_id != NULL)
		stmt = &list_appointments_by_patient;
	else if (filter->provider_id != NULL)
		stmt = &list_appointments_by_provider;
	return pg_fetch_all(cx, stmt, &args, sizeof(**ret_appointments), ret_appointments, ret_count);
}

/* --- one appointment --- */

/* The exclusion constraint has said no; what it collides with may be gone by now. */
static enum rc
collision(struct ctx *cx, const struct change *c)
{
	char from[INSTANT_SIZE], to[INSTANT_SIZE];
	struct appointment other;
	enum rc rc;

	err_clear(cx);
	rc = pg_fetch_one(cx, &find_collision, c, &other);
	if (rc == RC_NOT_FOUND)
		return err_field(cx, RC_CONFLICT, "startsAt", "Provider %s is already booked at that time",
		    c->a.provider_id);
	if (rc != RC_OK)
		return rc;
	instant_format(other.starts_at.us, from);
	instant_format(other.ends_at.us, to);
	return err_field(cx, RC_CONFLICT, "startsAt", "Provider %s is already booked from %s to %s",
	    c->a.provider_id, from, to);
}

enum rc
appointment_store_insert(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
    struct appointment *ret_saved)
{
	struct change c = { .a = *a, .event = *event };
	enum rc rc;

	rc = pg_try_one(cx, &insert_appointment, &c, ret_saved);
	if (rc == RC_OVERLAP)
		return collision(cx, &c);
	if (rc == RC_DUPLICATE)
		return err_field(cx, RC_CONFLICT, "id", "An appointment with this id: %s already exists",
		    a->id);
	return rc;
}

enum rc
appointment_store_find(struct ctx *cx, const char *id, struct appointment *ret_appointment)
{
	return pg_fetch_one(cx, &find_appointment, &(struct change){ .a.id = id }, ret_appointment);
}

enum rc
appointment_store_changed_at(struct ctx *cx, const char *id, struct instant *ret_at)
{
	struct change found = { .a.id = id };
	enum rc rc = pg_fetch_one(cx, &find_changed_at, &found, &found);

	if (rc == RC_OK)
		*ret_at = found.a.cancelled_at;
	return rc;
}

enum rc
appointment_store_status(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
    struct appointment *ret_saved)
{
	struct change c = { .a = *a, .event = *event };

	return pg_fetch_one(cx, &set_appointment_status, &c, ret_saved);
}

enum rc
appointment_store_reschedule(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
    struct appointment *ret_saved)
{
	struct change c = { .a = *a, .event = *event };
	enum rc rc = pg_try_one(cx, &reschedule_appointment, &c, ret_saved);

	return rc == RC_OVERLAP ? collision(cx, &c) : rc;
}
