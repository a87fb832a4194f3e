#include "domain/scheduling/states.h"

#include <string.h>

#include "lib/base/text.h"

const char *const visit_state_names[] = {
	[VISIT_BOOKED] = "BOOKED",
	[VISIT_CHECKED_IN] = "CHECKED_IN",
	[VISIT_COMPLETED] = "COMPLETED",
	[VISIT_NO_SHOW] = "NO_SHOW",
	[VISIT_CANCELLED] = "CANCELLED",
	[VISIT_STATES] = NULL,
};

#define TO(state) (1u << VISIT_##state)

/* Those without a row are final. */
static const unsigned steps[VISIT_STATES] = {
	[VISIT_BOOKED] = TO(BOOKED) | TO(CHECKED_IN) | TO(COMPLETED) | TO(NO_SHOW) | TO(CANCELLED),
	[VISIT_CHECKED_IN] = TO(COMPLETED),
};

/* The database holds no other than these. */
enum visit_state
visit_state(const struct appointment *a)
{
	enum visit_state state = VISIT_BOOKED;

	while (state < VISIT_STATES && strcmp(a->status, visit_state_names[state]) != 0)
		state++;
	return state;
}

bool
visit_state_follows(enum visit_state from, enum visit_state to)
{
	return from < VISIT_STATES && to < VISIT_STATES && (steps[from] >> to & 1) != 0;
}

enum rc
visit_may_become(struct ctx *cx, const struct appointment *a, enum visit_state to)
{
	enum visit_state from = visit_state(a);
	struct buf possible = { .arena = cx->arena };

	if (visit_state_follows(from, to))
		return RC_OK;
	for (enum visit_state s = 0; s < VISIT_STATES; s++)
		if (visit_state_follows(from, s))
			buf_addf(&possible, "%s%s", possible.length == 0 ? "" : ", ", visit_state_names[s]);
	if (possible.length == 0)
		return err_set(cx, RC_CONFLICT, "The appointment is %s, which is final", a->status);
	return err_set(cx, RC_CONFLICT, "The appointment is %s; from there it can only become %s", a->status, possible.bytes);
}
