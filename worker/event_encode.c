#include "domain/billing/billing.h"
#include "domain/scheduling/scheduling.h"
#include "proto/events.pb-c.h"
#include "worker/event_codec.h"

/* The wire has milliseconds; rounded down on both sides of 1970. */
static int64_t
ms_of(struct instant t)
{
	return t.us / 1000 - (t.us % 1000 < 0 ? 1 : 0);
}

/* proto3 has no absent texts, only empty ones.  protobuf-c's structs take char * but its packing only reads. */
static char *
text_of(const char *s)
{
	return s == NULL ? (char *)(uintptr_t)protobuf_c_empty_string : (char *)(uintptr_t)s;
}

static void
pack(struct ctx *cx, const ProtobufCMessage *message, struct field_bytes *ret_payload)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = arena_alloc(cx->arena, length);

	*ret_payload =
	    (struct field_bytes){ .bytes = bytes, .length = protobuf_c_message_pack(message, bytes) };
}

enum rc
event_encode_booked(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentBooked booked = MEDICORE__V1__APPOINTMENT_BOOKED__INIT;

	booked.appointment_id = text_of(a->id);
	booked.patient_id = text_of(a->patient_id);
	booked.provider_id = text_of(a->provider_id);
	booked.service_code = text_of(a->service_code);
	booked.starts_at_ms = ms_of(a->starts_at);
	booked.ends_at_ms = ms_of(a->ends_at);
	booked.zone = text_of(a->zone);
	booked.version = (uint64_t)a->version;
	pack(cx, &booked.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_cancelled(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentCancelled cancelled = MEDICORE__V1__APPOINTMENT_CANCELLED__INIT;

	cancelled.appointment_id = text_of(a->id);
	cancelled.patient_id = text_of(a->patient_id);
	cancelled.reason = text_of(a->cancel_reason);
	cancelled.version = (uint64_t)a->version;
	cancelled.starts_at_ms = ms_of(a->starts_at);
	cancelled.cancelled_at_ms = ms_of(a->cancelled_at);
	pack(cx, &cancelled.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_rescheduled(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentRescheduled rescheduled = MEDICORE__V1__APPOINTMENT_RESCHEDULED__INIT;

	rescheduled.appointment_id = text_of(a->id);
	rescheduled.patient_id = text_of(a->patient_id);
	rescheduled.starts_at_ms = ms_of(a->starts_at);
	rescheduled.ends_at_ms = ms_of(a->ends_at);
	rescheduled.version = (uint64_t)a->version;
	pack(cx, &rescheduled.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_checked_in(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentCheckedIn checked_in = MEDICORE__V1__APPOINTMENT_CHECKED_IN__INIT;

	checked_in.appointment_id = text_of(a->id);
	checked_in.patient_id = text_of(a->patient_id);
	checked_in.version = (uint64_t)a->version;
	pack(cx, &checked_in.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_completed(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentCompleted completed = MEDICORE__V1__APPOINTMENT_COMPLETED__INIT;

	completed.appointment_id = text_of(a->id);
	completed.patient_id = text_of(a->patient_id);
	completed.version = (uint64_t)a->version;
	pack(cx, &completed.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_no_show(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	Medicore__V1__AppointmentNoShow no_show = MEDICORE__V1__APPOINTMENT_NO_SHOW__INIT;

	no_show.appointment_id = text_of(a->id);
	no_show.patient_id = text_of(a->patient_id);
	no_show.version = (uint64_t)a->version;
	pack(cx, &no_show.base, ret_payload);
	return RC_OK;
}

enum rc
event_encode_invoice(struct ctx *cx, const struct invoice *i, struct field_bytes *ret_payload)
{
	Medicore__V1__InvoiceChanged changed = MEDICORE__V1__INVOICE_CHANGED__INIT;

	changed.invoice_id = text_of(i->id);
	changed.patient_id = text_of(i->patient_id);
	changed.appointment_id = text_of(i->appointment_id);
	changed.status = text_of(i->status);
	changed.currency = text_of(i->currency);
	changed.amount = i->amount.minor;
	changed.remaining_amount = i->remaining_amount.minor;
	changed.amount_paid = i->amount_paid.minor;
	changed.amount_refunded = i->amount_refunded.minor;
	changed.due_date = text_of(i->due_date);
	changed.version = (uint64_t)i->version;
	pack(cx, &changed.base, ret_payload);
	return RC_OK;
}
