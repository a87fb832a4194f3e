/* tell_again.c - events of appointments whose first ones were lost, as between databases restored to different moments. */
#include "domain/scheduling/appointment_store.h"
#include "domain/scheduling/states.h"
#include "lib/outbox/outbox.h"

/* The event of its end, as the step that ended it wrote it. */
static enum rc
encode_end(struct ctx *cx, const struct scheduling_ports *ports, struct appointment *a, struct outbox_row *event)
{
	enum rc rc;

	switch (visit_state(a)) {
	case VISIT_CANCELLED:
		rc = appointment_store_changed_at(cx, a->id, &a->cancelled_at);
		if (rc != RC_OK)
			return rc;
		outbox_row_init(cx, event, "appointment", TYPE_APPOINTMENT_CANCELLED, a->id);
		return ports->encode_cancelled(cx, a, &event->payload);
	case VISIT_NO_SHOW:
		outbox_row_init(cx, event, "appointment", TYPE_APPOINTMENT_NO_SHOW, a->id);
		return ports->encode_no_show(cx, a, &event->payload);
	default:
		return err_set(cx, RC_CONFLICT, "The appointment is %s", a->status);
	}
}

enum rc
appointment_tell_again(struct ctx *cx, const struct scheduling_ports *ports, const char *id, bool ended)
{
	struct outbox_row event;
	struct appointment a;
	enum rc rc = appointment_find(cx, id, &a);

	if (rc != RC_OK)
		return rc;
	if (ended) {
		rc = encode_end(cx, ports, &a, &event);
	} else {
		outbox_row_init(cx, &event, "appointment", TYPE_APPOINTMENT_BOOKED, a.id);
		rc = ports->encode_booked(cx, &a, &event.payload);
	}
	event.key = a.patient_id;
	return rc == RC_OK ? outbox_insert(cx, &event, 1) : rc;
}
