/* outbox_store.h - rows of the outbox, for the domain's own files; the relay's functions are in scheduling.h. */
#ifndef SCHEDULING_OUTBOX_STORE_H
#define SCHEDULING_OUTBOX_STORE_H

#include "lib/base/ctx.h"
#include "lib/field/field.h"

/* An event about to be written with the change that it tells of. */
struct outbox_row {
	const char *id;   /* ce_id */
	const char *type; /* ce_type */
	struct field_bytes payload;
	const char *headers; /* JSON: ce_time, request_id, traceparent, appointment_id */
};

/* A new event of now, about one appointment; traced to the request in cx. */
void outbox_row_init(struct ctx *cx, struct outbox_row *row, const char *type, const char *appointment_id);

#endif
