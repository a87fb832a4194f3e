#include "lib/base/zone.h"

#include <string.h>

#include "lib/base/dates.h"
#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* What Python's zoneinfo says of them: both sides of changes, days that are missing, times after a file's last change. */
static const struct {
	const char *zone, *instant;
	int32_t offset;
	const char *date;
} clocks[] = {
	{ "UTC", "2026-11-27T23:59:59Z", 0, "2026-11-27" },
	{ "Asia/Kolkata", "2026-11-27T18:29:59Z", 19800, "2026-11-27" },
	{ "Asia/Kolkata", "2026-11-27T18:30:00Z", 19800, "2026-11-28" },
	{ "Asia/Kolkata", "1941-12-31T00:00:00Z", 23400, "1941-12-31" },
	{ "America/New_York", "2026-03-08T06:59:59Z", -18000, "2026-03-08" },
	{ "America/New_York", "2026-03-08T07:00:00Z", -14400, "2026-03-08" },
	{ "America/New_York", "2026-03-09T03:59:59Z", -14400, "2026-03-08" },
	{ "America/New_York", "2026-03-09T04:00:00Z", -14400, "2026-03-09" },
	{ "America/New_York", "2026-11-01T05:59:59Z", -14400, "2026-11-01" },
	{ "America/New_York", "2026-11-01T06:00:00Z", -18000, "2026-11-01" },
	{ "America/New_York", "2026-11-02T04:59:59Z", -18000, "2026-11-01" },
	{ "America/New_York", "2026-11-02T05:00:00Z", -18000, "2026-11-02" },
	{ "America/New_York", "2040-03-11T07:00:00Z", -14400, "2040-03-11" },
	{ "America/New_York", "2040-11-04T05:59:59Z", -14400, "2040-11-04" },
	{ "America/New_York", "2040-11-04T06:00:00Z", -18000, "2040-11-04" },
	{ "America/New_York", "2400-07-01T03:59:59Z", -14400, "2400-06-30" },
	{ "America/New_York", "1850-01-01T00:00:00Z", -17762, "1849-12-31" },
	{ "Europe/Berlin", "2026-03-29T00:59:59Z", 3600, "2026-03-29" },
	{ "Europe/Berlin", "2026-03-29T01:00:00Z", 7200, "2026-03-29" },
	{ "Europe/Berlin", "2026-10-24T22:00:00Z", 7200, "2026-10-25" },
	{ "Europe/Berlin", "2026-10-25T01:00:00Z", 3600, "2026-10-25" },
	{ "Europe/Berlin", "2026-10-25T22:59:59Z", 3600, "2026-10-25" },
	{ "Europe/Berlin", "2026-10-25T23:00:00Z", 3600, "2026-10-26" },
	{ "Europe/Berlin", "2050-03-27T01:00:00Z", 7200, "2050-03-27" },
	{ "Europe/Dublin", "2026-01-15T12:00:00Z", 0, "2026-01-15" },
	{ "Europe/Dublin", "2026-07-15T23:30:00Z", 3600, "2026-07-16" },
	{ "Europe/Dublin", "2060-01-15T12:00:00Z", 0, "2060-01-15" },
	{ "Europe/Dublin", "2060-07-15T12:00:00Z", 3600, "2060-07-15" },
	{ "Australia/Lord_Howe", "2026-04-04T14:59:59Z", 39600, "2026-04-05" },
	{ "Australia/Lord_Howe", "2026-04-04T15:00:00Z", 37800, "2026-04-05" },
	{ "Australia/Lord_Howe", "2060-01-01T00:00:00Z", 39600, "2060-01-01" },
	{ "Australia/Lord_Howe", "2060-07-01T00:00:00Z", 37800, "2060-07-01" },
	{ "Pacific/Apia", "2011-12-30T09:59:59Z", -36000, "2011-12-29" },
	{ "Pacific/Apia", "2011-12-30T10:00:00Z", 50400, "2011-12-31" },
	{ "Pacific/Kiritimati", "2026-11-27T10:00:00Z", 50400, "2026-11-28" },
	{ "America/Santiago", "2060-04-03T02:59:59Z", -10800, "2060-04-02" },
	{ "America/Santiago", "2060-04-04T03:00:00Z", -14400, "2060-04-03" },
	{ "America/Santiago", "2060-09-05T04:00:00Z", -10800, "2060-09-05" },
	{ "America/Nuuk", "2060-03-28T00:59:59Z", -7200, "2060-03-27" },
	{ "America/Nuuk", "2060-03-28T01:00:00Z", -3600, "2060-03-28" },
	{ "Asia/Gaza", "2087-04-30T00:00:00Z", 10800, "2087-04-30" },
	{ "Asia/Gaza", "2087-12-01T00:00:00Z", 7200, "2087-12-01" },
	{ "Etc/GMT+5", "2026-11-27T04:59:59Z", -18000, "2026-11-26" },
};

START_TEST(a_zones_clocks_and_calendar_show_what_they_should)
{
	struct instant at;
	char date[DATE_SIZE];
	int32_t offset;

	ck_assert(instant_parse(clocks[_i].instant, strlen(clocks[_i].instant), &at));
	ck_assert(zone_offset(clocks[_i].zone, at.us / 1000000, &offset));
	ck_assert_int_eq(offset, clocks[_i].offset);
	ck_assert(zone_date(clocks[_i].zone, at.us, date));
	ck_assert_str_eq(date, clocks[_i].date);
}
END_TEST

START_TEST(a_moment_before_1970_belongs_to_the_day_before)
{
	char date[DATE_SIZE];

	ck_assert(zone_date("UTC", -1, date));
	ck_assert_str_eq(date, "1969-12-31");
	ck_assert(zone_date("UTC", 0, date));
	ck_assert_str_eq(date, "1970-01-01");
}
END_TEST

START_TEST(no_other_file_is_taken_for_a_zone)
{
	static const char *const names[] = { "", "Mars/Olympus", "Europe", "Europe/", "../../etc/passwd", "/etc/passwd",
		"posix/UTC", "right/UTC", "posixrules", "Europe/Berlin/../London", "zone.tab", "Europe/Berlin ",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	char date[DATE_SIZE];
	int32_t offset;

	for (size_t i = 0; i < COUNT(names); i++) {
		ck_assert_msg(!zone_offset(names[i], 0, &offset), "%s", names[i]);
		ck_assert(!zone_date(names[i], 0, date));
	}
}
END_TEST

static const struct {
	const char *text;
	bool sound;
	int32_t january, july; /* offsets in the middle of those months of 2026 */
} rules[] = {
	{ "UTC0", true, 0, 0 },
	{ "<+0330>-3:30", true, 12600, 12600 },
	{ "<-05>5", true, -18000, -18000 },
	{ "EST5EDT,M3.2.0,M11.1.0", true, -18000, -14400 },
	{ "AEST-10AEDT,M10.1.0,M4.1.0/3", true, 39600, 36000 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", true, 0, 3600 },
	{ "XXX3YYY,J60/0,J300", true, -10800, -7200 },
	{ "XXX3YYY,59/0,300", true, -10800, -7200 },
	{ "XXX3EDT4,0/0,J365/23", true, -14400, -14400 }, /* RFC 8536, section 3.3.1: summer time all year */
	{ "EET-2EEST,M3.4.4/50,M10.4.4/50", true, 7200, 10800 },
	{ "", false, 0, 0 },
	{ "EST", false, 0, 0 },
	{ "ES5", false, 0, 0 },
	{ "<+03", false, 0, 0 },
	{ "EST5EDT", false, 0, 0 },
	{ "EST5EDT,M3.2.0", false, 0, 0 },
	{ "EST5EDT,M13.2.0,M11.1.0", false, 0, 0 },
	{ "EST5EDT,M3.6.0,M11.1.0", false, 0, 0 },
	{ "EST5EDT,M3.2.7,M11.1.0", false, 0, 0 },
	{ "EST5EDT,J0,J300", false, 0, 0 },
	{ "EST5EDT,M3.2.0/168,M11.1.0", false, 0, 0 },
	{ "EST5EDT,M3.2.0,M11.1.0,", false, 0, 0 },
	{ "EST99999999999999999999", false, 0, 0 },
};

START_TEST(a_rule_says_when_the_clocks_change)
{
	struct zone_rule rule;

	ck_assert_msg(zone_rule_parse(rules[_i].text, &rule) == rules[_i].sound, "%s", rules[_i].text);
	if (!rules[_i].sound)
		return;
	ck_assert_int_eq(zone_rule_offset(&rule, 1768435200), rules[_i].january);
	ck_assert_int_eq(zone_rule_offset(&rule, 1784073600), rules[_i].july);
}
END_TEST

Suite *
zone_suite(void)
{
	Suite *suite = suite_create("zone");
	TCase *t = tcase_create("zone");

	tcase_add_loop_test(t, a_zones_clocks_and_calendar_show_what_they_should, 0, COUNT(clocks));
	tcase_add_test(t, a_moment_before_1970_belongs_to_the_day_before);
	tcase_add_test(t, no_other_file_is_taken_for_a_zone);
	tcase_add_loop_test(t, a_rule_says_when_the_clocks_change, 0, COUNT(rules));
	suite_add_tcase(suite, t);
	return suite;
}
