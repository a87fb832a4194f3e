/*
 * event_codec.h - what events look like on the wire: the only place that knows both the domains' structs and
 * proto/events.proto.
 */
#ifndef WORKER_EVENT_CODEC_H
#define WORKER_EVENT_CODEC_H

#include "lib/base/ctx.h"
#include "lib/base/event.h"
#include "lib/field/field.h"

struct appointment;
struct billing_event;
struct invoice;

/* The payloads of medicore.appointment.booked.v1, .cancelled.v1 and so on, in cx's arena.  They are of the type that struct
 * scheduling_ports asks for.  Always RC_OK. */
enum rc event_encode_booked(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
enum rc event_encode_cancelled(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
enum rc event_encode_rescheduled(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
enum rc event_encode_checked_in(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
enum rc event_encode_completed(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);
enum rc event_encode_no_show(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload);

/* Of medicore.invoice.<what>.v1, whichever; for struct billing_ports.  Always RC_OK. */
enum rc event_encode_invoice(struct ctx *cx, const struct invoice *invoice, struct field_bytes *ret_payload);

/*
 * What an event means to billing; its texts and e must live as long as *ret.  Nothing in e is trusted.  ret->rc is RC_MALFORMED for a payload
 * that is not its type's message, for an id that is no UUID, a text that is not UTF-8 or holds a NUL, and for an envelope that has no ce_id;
 * RC_UNKNOWN_TYPE for a ce_type that is not ours.  Either is to be parked, so *ret is always filled in.
 */
void event_decode(struct ctx *cx, const struct event *e, struct billing_event *ret);

#endif
