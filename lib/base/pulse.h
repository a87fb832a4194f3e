/* pulse.h - a thread that shows that it gets on with its work, to one that looks whether all do. */
#ifndef BASE_PULSE_H
#define BASE_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/clock.h"

struct pulse {
	_Atomic int64_t at_ns; /* of its last step; 0: it waits for work */
};

static inline void
pulse_beat(struct pulse *p)
{
	atomic_store_explicit(&p->at_ns, clock_monotonic_ns(), memory_order_relaxed);
}

static inline void
pulse_rest(struct pulse *p)
{
	atomic_store_explicit(&p->at_ns, 0, memory_order_relaxed);
}

/* Whether it has work, and has made no step for longer than a step can take. */
static inline bool
pulse_stuck(const struct pulse *p, int64_t longest_ms)
{
	int64_t at = atomic_load_explicit(&p->at_ns, memory_order_relaxed);

	return at != 0 && clock_monotonic_ns() - at > longest_ms * 1000000;
}

#endif
