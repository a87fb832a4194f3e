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

#define SCHEDULING_SCHEMA 3 /* newest file of db/scheduling */

#define APPOINTMENT_DAYS_MAX 366

struct appointment {
	const char *id;
	const char *patient_id;
	const char *provider_id;  /* NULL: nobody in particular, so it collides with nothing */
	const char *service_code; /* need not be one that billing knows: prices are billing's */
	const char *status;       /* BOOKED, CANCELLED */
	struct instant starts_at; /* [starts_at, ends_at) */
	struct instant ends_at;
	int64_t duration_minutes; /* input only, instead of ends_at */
	const char *zone;         /* IANA; only says how to show the times */
	const char *cancel_reason;
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
};

extern const struct field appointment_fields[];
extern const struct field appointment_filters[];
extern const struct field appointment_cancel_fields[];

/* Verifies the patient, then writes the appointment and its outbox row in one statement.  asked->id NULL: a new one
 * is made.  RC_CONFLICT where the provider is taken, blaming startsAt (the message says from when to when), or where
 * the id is, blaming id.  RC_NOT_FOUND, blaming patientId, for an unknown patient. */
enum rc appointment_book(struct ctx *cx, const struct scheduling_ports *ports,
    const struct appointment *asked, struct appointment *ret_booked);

enum rc appointment_find(struct ctx *cx, const char *id, struct appointment *ret_appointment);

/* One page in order of start, then id.  *ret_next is the key of the next page, NULL where this is the last. */
enum rc appointment_list(struct ctx *cx, const struct appointment_filter *filter,
    struct appointment **ret_appointments, size_t *ret_count, const char **ret_next);

/* Cancelling what is cancelled changes nothing and answers the same. */
enum rc appointment_cancel(struct ctx *cx, const struct scheduling_ports *ports, const char *id,
    int64_t if_version, const char *reason, struct appointment *ret_appointment);

/* What the relay publishes. */
extern const struct outbox scheduling_outbox;

#endif
