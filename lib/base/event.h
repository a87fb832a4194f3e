/*
 * event.h - a CloudEvents 1.0 envelope (binary mode), the same for Kafka, the direct transport and dead letters.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct event {
	const char *topic;	 /* "medicore.appointment.v1" */
	const char *key;	 /* patient id: one patient's events stay in order */
	const char *id;		 /* ce_id; NULL where the message had none */
	const char *type;	 /* ce_type */
	const char *source;	 /* ce_source */
	const char *time;	 /* ce_time, RFC 3339 */
	const char *traceparent; /* NULL: none */
	const void *payload;	 /* protobuf, not yet trusted */
	size_t length;
};

#define TOPIC_APPOINTMENT "medicore.appointment.v1"
#define GROUP_BILLING "medicore-billing" /* consumer group of the billing worker */
#define TYPE_APPOINTMENT_BOOKED "medicore.appointment.booked.v1"
#define TYPE_APPOINTMENT_CANCELLED "medicore.appointment.cancelled.v1"
#define TYPE_APPOINTMENT_RESCHEDULED "medicore.appointment.rescheduled.v1"
#define TYPE_APPOINTMENT_CHECKED_IN "medicore.appointment.checked-in.v1"
#define TYPE_APPOINTMENT_COMPLETED "medicore.appointment.completed.v1"
#define TYPE_APPOINTMENT_NO_SHOW "medicore.appointment.no-show.v1"

#define TOPIC_INVOICE "medicore.invoice.v1"
#define TYPE_INVOICE_ISSUED "medicore.invoice.issued.v1"
#define TYPE_INVOICE_PARTIALLY_PAID "medicore.invoice.partially-paid.v1"
#define TYPE_INVOICE_PAID "medicore.invoice.paid.v1"
#define TYPE_INVOICE_OVERDUE "medicore.invoice.overdue.v1"
#define TYPE_INVOICE_VOIDED "medicore.invoice.voided.v1"
#define TYPE_INVOICE_UNCOLLECTIBLE "medicore.invoice.uncollectible.v1"
#define TYPE_INVOICE_REFUNDED "medicore.invoice.refunded.v1"

#endif
