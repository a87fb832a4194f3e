/* clock.h - what time it is. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_monotonic_ns(void); /* for deadlines and durations */
int64_t clock_now_us(void);	  /* UTC, microseconds since 1970-01-01T00:00:00Z */

#endif
