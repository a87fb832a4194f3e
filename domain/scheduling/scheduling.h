/*
 * scheduling.h - appointments, and the events that tell others of them.
 */
#ifndef SCHEDULING_SCHEDULING_H
#define SCHEDULING_SCHEDULING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/dates.h"
#include "lib/base/event.h"
#include "lib/field/field.h"
#include "lib/field/page.h"
#include "lib/outbox/outbox.h"

#define SCHEDULING_SCHEMA 4 /* newest file of db/scheduling */

#define APPOINTMENT_DAYS_MAX 366

struct appointment {
	const char *id;
	const char *patient_id;
	const char *provider_id;  /* NULL: nobody in particular, so it collides with nothing */
	const char *service_code; /* need not be one that billing knows: prices are billing's */
	const char *status;       /* a name of states.h */
	struct instant starts_at; /* [starts_at, ends_at) */
	struct instant ends_at;
	int64_t duration_minutes; /* input only, instead of ends_at */
	const char *zone;         /* IANA; only says how to show the times */
	const char *cancel_reason;
	struct instant cancelled_at; /* for the event alone */
	int64_t version;
};

struct appointment_filter {
	const char *patient_id;
	const char *provider_id;
	struct instant from, to; /* those that overlap [from, to) */
	struct page page;
};

/* What scheduling needs from outside; each main program passes an implementation in. */
struct scheduling_ports {
	/* RC_OK and an answer for each id; RC_UNAVAILABLE or RC_TIMEOUT where nobody can say. */
	enum rc (*patients_exist)(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist);

	/* The values of an event's payload (proto/events.proto), in the arena: how bytes look on the wire is the adapter's. */
	enum rc (*encode_booked)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*encode_cancelled)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*encode_rescheduled)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*encode_checked_in)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*encode_completed)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
	enum rc (*encode_no_show)(
	    struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
};

extern const struct field appointment_fields[];
extern const struct field appointment_filters[];
extern const struct field appointment_cancel_fields[];
extern const struct field appointment_reschedule_fields[];

/* Verifies the patient, then writes the appointment and its outbox row in one statement.  asked->id NULL: a new one
 * is made.  RC_CONFLICT where the provider is taken, blaming startsAt (the message says from when to when), or where
 * the id is, blaming id.  RC_NOT_FOUND, blaming patientId, for an unknown patient. */
enum rc appointment_book(struct ctx *cx, const struct scheduling_ports *ports,
    const struct appointment *asked, struct appointment *ret_booked);

enum rc appointment_find(struct ctx *cx, const char *id, struct appointment *ret_appointment);

/* One page in order of start, then id.  *ret_next is the key of the next page, NULL where this is the last. */
enum rc appointment_list(struct ctx *cx, const struct appointment_filter *filter,
    struct appointment **ret_appointments, size_t *ret_count, const char **ret_next);

/*
 * What may become of an appointment, by the table of states.h; each with its event, in one statement.  Doing again what is done changes
 * nothing and answers the same.  RC_STALE where it isn't in version if_version (0: whatever it is); RC_CONFLICT where its state doesn't
 * allow it: the message says which states are possible.
 */
enum rc appointment_cancel(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, const char *reason, struct appointment *ret_appointment);
enum rc appointment_check_in(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, struct appointment *ret_appointment);
enum rc appointment_complete(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, struct appointment *ret_appointment);
enum rc appointment_no_show(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, struct appointment *ret_appointment);

/* asked has starts_at, and ends_at or duration_minutes; perhaps provider_id and zone, else they stay.  RC_CONFLICT also where the provider
 * is taken, blaming startsAt. */
enum rc appointment_reschedule(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, const struct appointment *asked, struct appointment *ret_appointment);

/*
 * Writes an event of what it is once more, as a new one, where the first was lost: that it was booked or, where ended is set, that it was
 * cancelled or not shown, which it must be (else RC_CONFLICT).
 */
enum rc appointment_tell_again(struct ctx *cx, const struct scheduling_ports *ports, const char *id, bool ended);

/* What the relay publishes. */
extern const struct outbox scheduling_outbox;

#endif
