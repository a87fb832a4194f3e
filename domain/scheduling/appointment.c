/* appointment.c - rules about appointments. */
#include "domain/scheduling/scheduling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "domain/scheduling/appointment_store.h"
#include "domain/scheduling/states.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"

#define MINUTE_US INT64_C(60000000)
#define LONGEST_US (APPOINTMENT_DAYS_MAX * 24 * 60 * MINUTE_US)

/* 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z: what RFC 3339 can write. */
#define FIRST_US INT64_C(-62135596800000000)
#define LAST_US INT64_C(253402300799999999)
#define US_DIGITS 18

/* How often a step is begun again that somebody else's came before. */
#define STEP_TRIES 5

static enum rc
not_found(struct ctx *cx, const char *id)
{
	return err_set(cx, RC_NOT_FOUND, "Appointment with the id %s doesn't exist", id);
}

/* Works out when it ends; exactly one of ends_at and duration_minutes may say. */
static enum rc
settle_end(struct ctx *cx, struct appointment *a)
{
	const char *blamed = a->ends_at.known ? "endsAt" : "durationMinutes";

	if (a->ends_at.known && a->duration_minutes != 0)
		return err_field(
		    cx, RC_INVALID, "durationMinutes", "Give either endsAt or durationMinutes, not both");
	if (!a->ends_at.known && a->duration_minutes == 0)
		return err_field(cx, RC_INVALID, "endsAt", "Either endsAt or durationMinutes is required");
	if (a->duration_minutes < 0)
		return err_field(cx, RC_INVALID, blamed, "durationMinutes must be at least 1");
	if (a->duration_minutes > LONGEST_US / MINUTE_US)
		return err_field(
		    cx, RC_INVALID, blamed, "An appointment lasts at most %d days", APPOINTMENT_DAYS_MAX);
	if (!a->ends_at.known)
		a->ends_at = (struct instant){
			.us = a->starts_at.us + a->duration_minutes * MINUTE_US,
			.known = true,
		};
	if (a->ends_at.us <= a->starts_at.us)
		return err_field(cx, RC_INVALID, blamed, "endsAt must be after startsAt");
	if (a->ends_at.us - a->starts_at.us > LONGEST_US)
		return err_field(
		    cx, RC_INVALID, blamed, "An appointment lasts at most %d days", APPOINTMENT_DAYS_MAX);
	if (a->ends_at.us > LAST_US)
		return err_field(cx, RC_INVALID, blamed, "An appointment ends before the year 10000");
	return RC_OK;
}

static enum rc
check_patient(struct ctx *cx, const struct scheduling_ports *ports, const char *patient_id)
{
	bool exists = false;
	enum rc rc;

	rc = ports->patients_exist(cx, &patient_id, 1, &exists);
	if (rc == RC_OK && !exists)
		rc = err_field(
		    cx, RC_NOT_FOUND, "patientId", "Patient with the id %s doesn't exist", patient_id);
	return rc;
}

enum rc
appointment_book(struct ctx *cx, const struct scheduling_ports *ports, const struct appointment *asked,
    struct appointment *ret_booked)
{
	struct appointment a = *asked;
	struct outbox_row event;
	char id[UUID_SIZE];
	enum rc rc;

	if (a.id == NULL) {
		uuid_new(id);
		a.id = id;
	}
	if (a.zone == NULL)
		a.zone = config->scheduling.zone;
	a.status = "BOOKED";
	a.cancel_reason = NULL;
	a.version = 1;
	rc = settle_end(cx, &a);
	if (rc == RC_OK)
		rc = check_patient(cx, ports, a.patient_id);
	if (rc != RC_OK)
		return rc;
	outbox_row_init(cx, &event, "appointment", TYPE_APPOINTMENT_BOOKED, a.id);
	rc = ports->encode_booked(cx, &a, &event.payload);
	if (rc == RC_OK)
		rc = appointment_store_insert(cx, &a, &event, ret_booked);
	return rc;
}

enum rc
appointment_find(struct ctx *cx, const char *id, struct appointment *ret_appointment)
{
	enum rc rc = appointment_store_find(cx, id, ret_appointment);

	return rc == RC_NOT_FOUND ? not_found(cx, id) : rc;
}

/* One step of states.h: what it makes of an appointment, and who hears of it. */
struct step {
	enum visit_state to;
	const char *type;
	enum rc (*encode)(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*store)(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
	    struct appointment *ret_saved);
	struct appointment asked; /* CANCELLED: the reason; BOOKED: its times, provider and zone */
};

/* The appointment after the step. */
static struct appointment
after(const struct appointment *now, const struct step *s)
{
	struct appointment next = *now;

	next.status = visit_state_names[s->to];
	if (s->to == VISIT_CANCELLED) {
		next.cancel_reason = s->asked.cancel_reason;
		next.cancelled_at = (struct instant){ .us = clock_now_us(), .known = true };
	}
	if (s->to != VISIT_BOOKED)
		return next;
	next.starts_at = s->asked.starts_at;
	next.ends_at = s->asked.ends_at;
	if (s->asked.provider_id != NULL)
		next.provider_id = s->asked.provider_id;
	if (s->asked.zone != NULL)
		next.zone = s->asked.zone;
	return next;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether the step has been taken already. */
static bool
is_done(const struct appointment *now, const struct step *s)
{
	struct appointment next = after(now, s);

	return visit_state(now) == s->to && now->starts_at.us == next.starts_at.us && now->ends_at.us == next.ends_at.us &&
	       same_text(now->provider_id, next.provider_id) && same_text(now->zone, next.zone);
}

/* Writes the step from what was read as now; RC_NOT_FOUND where it is no longer so. */
static enum rc
write_step(struct ctx *cx, const struct step *s, const struct appointment *now, struct appointment *ret_appointment)
{
	struct appointment next = after(now, s);
	struct outbox_row event;
	enum rc rc;

	next.version = now->version + 1;
	outbox_row_init(cx, &event, "appointment", s->type, now->id);
	rc = s->encode(cx, &next, &event.payload);
	next.version = now->version;
	if (rc == RC_OK)
		rc = s->store(cx, &next, &event, ret_appointment);
	return rc;
}

/*
 * The event names the patient and the new version, so the appointment is read first; the statement that writes both
 * changes only what was read.  What is done is answered also to the If-Match of the version before, which is what a
 * client holds who repeats a step whose answer was lost (RFC 9110, section 13.1.1).
 */
static enum rc
take(struct ctx *cx, const char *id, int64_t if_version, const struct step *s, struct appointment *ret_appointment)
{
	struct appointment now;
	enum rc rc = RC_NOT_FOUND;

	for (int i = 0; i < STEP_TRIES && rc == RC_NOT_FOUND; i++) {
		bool done;

		rc = appointment_find(cx, id, &now);
		if (rc != RC_OK)
			return rc;
		done = is_done(&now, s);
		if (if_version != 0 && if_version != now.version && !(done && if_version == now.version - 1))
			return err_set(cx, RC_STALE, "The appointment was changed meanwhile");
		if (done) {
			*ret_appointment = now;
			return RC_OK;
		}
		rc = visit_may_become(cx, &now, s->to);
		if (rc == RC_OK)
			rc = write_step(cx, s, &now, ret_appointment);
	}
	return rc == RC_NOT_FOUND ? RC_UNAVAILABLE : rc;
}

enum rc
appointment_cancel(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
    const char *reason, struct appointment *ret_appointment)
{
	const struct step cancel = { VISIT_CANCELLED, TYPE_APPOINTMENT_CANCELLED, ports->encode_cancelled,
		appointment_store_status, { .cancel_reason = reason } };

	return take(cx, id, if_version, &cancel, ret_appointment);
}

enum rc
appointment_check_in(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
    struct appointment *ret_appointment)
{
	const struct step check_in = { VISIT_CHECKED_IN, TYPE_APPOINTMENT_CHECKED_IN, ports->encode_checked_in,
		appointment_store_status, { 0 } };

	return take(cx, id, if_version, &check_in, ret_appointment);
}

enum rc
appointment_complete(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
    struct appointment *ret_appointment)
{
	const struct step complete = { VISIT_COMPLETED, TYPE_APPOINTMENT_COMPLETED, ports->encode_completed,
		appointment_store_status, { 0 } };

	return take(cx, id, if_version, &complete, ret_appointment);
}

enum rc
appointment_no_show(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
    struct appointment *ret_appointment)
{
	const struct step no_show = { VISIT_NO_SHOW, TYPE_APPOINTMENT_NO_SHOW, ports->encode_no_show,
		appointment_store_status, { 0 } };

	return take(cx, id, if_version, &no_show, ret_appointment);
}

enum rc
appointment_reschedule(struct ctx *cx, const struct scheduling_ports *ports, const char *id, int64_t if_version,
    const struct appointment *asked, struct appointment *ret_appointment)
{
	struct step reschedule = { VISIT_BOOKED, TYPE_APPOINTMENT_RESCHEDULED, ports->encode_rescheduled,
		appointment_store_reschedule, *asked };
	enum rc rc = settle_end(cx, &reschedule.asked);

	return rc == RC_OK ? take(cx, id, if_version, &reschedule, ret_appointment) : rc;
}

/* "<microseconds>|<id>": where a page ended. */
static const char *
page_key(struct ctx *cx, const struct appointment *last)
{
	return arena_printf(cx->arena, "%" PRId64 "|%s", last->starts_at.us, last->id);
}

/* What page_key makes, and nothing else: it comes back from outside. */
static bool
parse_key(struct ctx *cx, const char *key, struct instant *ret_start, const char **ret_id)
{
	const char *bar = strchr(key, '|'), *digits = key + (*key == '-');
	char id[UUID_SIZE];
	int64_t us = 0;

	if (bar == NULL || bar <= digits || bar - digits > US_DIGITS ||
	    !uuid_parse(bar + 1, strlen(bar + 1), id))
		return false;
	for (const char *p = digits; p < bar; p++) {
		if (*p < '0' || *p > '9')
			return false;
		us = us * 10 + (*p - '0');
	}
	if (*key == '-')
		us = -us;
	if (us < FIRST_US || us > LAST_US)
		return false;
	*ret_start = (struct instant){ .us = us, .known = true };
	*ret_id = arena_strdup(cx->arena, id);
	return true;
}

enum rc
appointment_list(struct ctx *cx, const struct appointment_filter *filter,
    struct appointment **ret_appointments, size_t *ret_count, const char **ret_next)
{
	struct instant after_start = { 0 };
	const char *after_id = NULL;
	struct appointment *rows;
	size_t count, limit = (size_t)filter->page.limit;
	enum rc rc;

	if (filter->from.known && filter->to.known && filter->to.us <= filter->from.us)
		return err_field(cx, RC_INVALID, "to", "to must be after from");
	if (filter->page.after != NULL && !parse_key(cx, filter->page.after, &after_start, &after_id))
		return err_field(cx, RC_INVALID, "cursor", "No cursor of this list");
	/* One more than asked for tells whether others follow. */
	rc = appointment_store_list(cx, filter, after_start, after_id, (int64_t)limit + 1, &rows, &count);
	if (rc != RC_OK)
		return rc;
	*ret_appointments = rows;
	*ret_count = count > limit ? limit : count;
	*ret_next = count > limit ? page_key(cx, &rows[limit - 1]) : NULL;
	return RC_OK;
}
