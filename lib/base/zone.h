/* zone.h - what the clocks of a time zone show: the files of the IANA time zone database (RFC 8536). */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/dates.h"

/*
 * Seconds that zone's clocks are ahead of UTC at an instant, in seconds since 1970-01-01T00:00:00Z.  A zone's file is
 * read once and kept for the process's life.  False where there is no such zone, or its file can't be read.
 */
bool zone_offset(const char *zone, int64_t at, int32_t *ret_offset);

/* The day that its calendars show at an instant, in microseconds since then.  False as above, or where the year isn't 1 to 9999. */
bool zone_date(const char *zone, int64_t us, char ret_date[DATE_SIZE]);

/* --- zone_rule.c --- */

/* When the clocks change, each year: a day, and seconds from its midnight on. */
struct zone_change {
	enum { DAY_OF_MONTH_WEEK, DAY_WITHOUT_LEAP, DAY_OF_YEAR } kind;
	int month, week, day;
	int32_t time;
};

/* The rule for the times after the last that a file lists. */
struct zone_rule {
	int32_t standard, summer; /* offsets */
	bool changes;             /* false: standard all year */
	struct zone_change start, end; /* of summer time */
};

/* POSIX's TZ as RFC 8536, section 3.3.1, extends it: "EST5EDT,M3.2.0,M11.1.0".  False where text is none. */
bool zone_rule_parse(const char *text, struct zone_rule *ret);
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t at);

#endif
