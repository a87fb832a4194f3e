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
	if (ret->appointment_id != NULL && ret->patient_id != NULL)
		ret->rc = RC_OK;
}

void
event_decode(struct ctx *cx, const struct event *e, struct billing_event *ret)
{
	*ret = (struct billing_event){ .envelope = e, .rc = RC_MALFORMED };
	/* Without its id a second delivery can't be told from a first. */
	if (e->id == NULL || e->id[0] == '\0')
		return;
	if (e->type == NULL)
		ret->rc = RC_UNKNOWN_TYPE;
	else if (strcmp(e->type, TYPE_APPOINTMENT_BOOKED) == 0)
		decode_booked(cx, e, ret);
	else if (strcmp(e->type, TYPE_APPOINTMENT_CANCELLED) == 0)
		decode_cancelled(cx, e, ret);
	else
		ret->rc = RC_UNKNOWN_TYPE;
}
