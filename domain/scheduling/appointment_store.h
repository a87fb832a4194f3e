/* appointment_store.h - the appointments' SQL, for appointment.c alone. */
#ifndef SCHEDULING_APPOINTMENT_STORE_H
#define SCHEDULING_APPOINTMENT_STORE_H

#include "domain/scheduling/scheduling.h"
#include "lib/outbox/outbox.h"

/* The appointment and its event in one statement, so both or neither.  a is complete.  RC_CONFLICT where the provider
 * or the id is taken. */
enum rc appointment_store_insert(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
    struct appointment *ret_saved);

enum rc appointment_store_find(struct ctx *cx, const char *id, struct appointment *ret_appointment);

/* When it was changed last: for one that was cancelled, when that was. */
enum rc appointment_store_changed_at(struct ctx *cx, const char *id, struct instant *ret_at);

/* a is what is stored, with its new status and cancel_reason.  RC_NOT_FOUND where it is no longer in that version; then no
 * event is written either. */
enum rc appointment_store_status(struct ctx *cx, const struct appointment *a, const struct outbox_row *event,
    struct appointment *ret_saved);

/* The same with its new times, provider and zone; RC_CONFLICT where the provider is taken. */
enum rc appointment_store_reschedule(struct ctx *cx, const struct appointment *a,
    const struct outbox_row *event, struct appointment *ret_saved);

/* Those after (after_start, after_id) in order of both; after_id NULL: from the start. */
enum rc appointment_store_list(struct ctx *cx, const struct appointment_filter *filter,
    struct instant after_start, const char *after_id, int64_t limit, struct appointment **ret_appointments,
    size_t *ret_count);

#endif
