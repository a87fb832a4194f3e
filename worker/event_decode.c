#include <string.h>

#include "domain/billing/billing.h"
#include "lib/base/uuid.h"
#include "lib/rpc/wire.h"
#include "proto/events.pb-c.h"
#include "worker/event_codec.h"

/* The bytes as a message of type d, in the arena; NULL for anything else. */
static ProtobufCMessage *
unpack(struct ctx *cx, const struct event *e, const ProtobufCMessageDescriptor *d)
{
	uint8_t *bytes = arena_copy(cx->arena, e->payload, e->length);
	const char *bad;

	if (wire_check(d, bytes, e->length, WIRE_TEXT_REFUSED, &bad) != RC_OK)
		return NULL;
	return wire_unpack(cx->arena, d, bytes, e->length);
}

/* In canonical form; NULL for what is no UUID. */
static const char *
uuid_of(struct ctx *cx, const char *text)
{
	char id[UUID_SIZE];

	return uuid_parse(text, strlen(text), id) ? arena_strdup(cx->arena, id) : NULL;
}

static void
decode_booked(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	const Medicore__V1__AppointmentBooked *m;

	ret->kind = BOOKING_MADE;
	m = (const void *)unpack(cx, e, &medicore__v1__appointment_booked__descriptor);
	if (m == NULL)
		return;
	ret->appointment_id = uuid_of(cx, m->appointment_id);
	ret->patient_id = uuid_of(cx, m->patient_id);
	ret->service_code = m->service_code;
	if (ret->appointment_id != NULL && ret->patient_id != NULL && ret->service_code[0] != '\0')
		ret->rc = RC_OK;
}

/* Older messages don't say; what no difference of times could be nobody knows either. */
static int64_t
notice(int64_t starts_at_ms, int64_t cancelled_at_ms)
{
	int64_t ms;

	if (starts_at_ms == 0 || cancelled_at_ms == 0 || __builtin_sub_overflow(starts_at_ms, cancelled_at_ms, &ms))
		return INT64_MAX;
	return ms;
}

static void
decode_cancelled(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	const Medicore__V1__AppointmentCancelled *m;

	ret->kind = BOOKING_CANCELLED;
	m = (const void *)unpack(cx, e, &medicore__v1__appointment_cancelled__descriptor);
	if (m == NULL)
		return;
	ret->appointment_id = uuid_of(cx, m->appointment_id);
	ret->patient_id = uuid_of(cx, m->patient_id);
	ret->notice_ms = notice(m->starts_at_ms, m->cancelled_at_ms);
	if (ret->appointment_id != NULL && ret->patient_id != NULL)
		ret->rc = RC_OK;
}

static void
decode_no_show(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	const Medicore__V1__AppointmentNoShow *m;

	ret->kind = BOOKING_NO_SHOW;
	m = (const void *)unpack(cx, e, &medicore__v1__appointment_no_show__descriptor);
	if (m == NULL)
		return;
	ret->appointment_id = uuid_of(cx, m->appointment_id);
	ret->patient_id = uuid_of(cx, m->patient_id);
	if (ret->appointment_id != NULL && ret->patient_id != NULL)
		ret->rc = RC_OK;
}

/* Billing does nothing about it, so it matters to nobody whether its payload can be read. */
static void
pass(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	(void)cx;
	(void)e;
	ret->kind = BOOKING_ELSE;
	ret->rc = RC_OK;
}

static const struct {
	const char *type;
	void (*decode)(struct ctx *cx, const struct event *e, struct billing_event *ret);
} types[] = {
	{ TYPE_APPOINTMENT_BOOKED, decode_booked },
	{ TYPE_APPOINTMENT_CANCELLED, decode_cancelled },
	{ TYPE_APPOINTMENT_NO_SHOW, decode_no_show },
	{ TYPE_APPOINTMENT_RESCHEDULED, pass },
	{ TYPE_APPOINTMENT_CHECKED_IN, pass },
	{ TYPE_APPOINTMENT_COMPLETED, pass },
};

void
event_decode(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	*ret = (struct billing_event){ .envelope = e, .rc = RC_MALFORMED };
	trace_begin(&ret->trace);
	trace_join(&ret->trace, e->traceparent);
	/* Without its id a second delivery can't be told from a first. */
	if (e->id == NULL || e->id[0] == '\0')
		return;
	for (size_t i = 0; e->type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(e->type, types[i].type) == 0) {
			types[i].decode(cx, e, ret);
			return;
		}
	ret->rc = RC_UNKNOWN_TYPE;
}
