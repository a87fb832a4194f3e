/* states.h - what may become of an appointment: one table, which the code runs, README.md shows and a test walks. */
#ifndef SCHEDULING_STATES_H
#define SCHEDULING_STATES_H

#include <stdbool.h>

#include "domain/scheduling/scheduling.h"

enum visit_state {
	VISIT_BOOKED,
	VISIT_CHECKED_IN,
	VISIT_COMPLETED,
	VISIT_NO_SHOW,
	VISIT_CANCELLED,
	VISIT_STATES
};

extern const char *const visit_state_names[]; /* by enum visit_state, then NULL */

enum visit_state visit_state(const struct appointment *a);

/* Whether the table has the step.  From BOOKED to BOOKED is moving it to another time. */
bool visit_state_follows(enum visit_state from, enum visit_state to);

/* RC_OK, or RC_CONFLICT where the appointment can't become so: the message names its state and those possible from there. */
enum rc visit_may_become(struct ctx *cx, const struct appointment *a, enum visit_state to);

#endif
