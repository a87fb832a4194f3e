#include "lib/base/dates.h"

#include <string.h>

#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *text;
	bool valid;
} dates[] = {
	{ "2024-02-29", true }, { "2000-02-29", true }, { "0001-01-01", true }, { "9999-12-31", true },
	{ "2023-12-31", true }, { "2023-02-29", false }, { "1900-02-29", false }, { "2100-02-29", false },
	{ "2023-02-30", false }, { "2023-04-31", false }, { "0000-01-01", false }, { "2023-00-10", false },
	{ "2023-13-10", false }, { "2023-10-00", false }, { "2023-10-32", false }, { "2023-1-01", false },
	{ "2023-01-1", false }, { "2023-01-011", false }, { "20230101", false }, { "2023/01/01", false },
	{ "2023-01-01T", false }, { " 2023-01-01", false }, { "2023-01-01 ", false }, { "+023-01-01", false },
	{ "-023-01-01", false }, { "12023-01-01", false }, { "", false }, { "yesterday!", false },
	{ "2023-0a-01", false },
};

START_TEST(a_date_is_a_day_that_exists)
{
	ck_assert_msg(date_valid(dates[_i].text, strlen(dates[_i].text)) == dates[_i].valid, "%s", dates[_i].text);
}
END_TEST

START_TEST(a_nul_inside_a_date_is_refused)
{
	ck_assert(!date_valid("2023-01-0\0", 10));
}
END_TEST

START_TEST(today_is_a_date_of_this_century)
{
	char today[DATE_SIZE];

	date_today(today);
	ck_assert(date_valid(today, strlen(today)));
	ck_assert_str_gt(today, "2024-01-01");
	ck_assert_str_lt(today, "2100-01-01");
}
END_TEST

static const struct {
	const char *text, *utc; /* NULL: refused */
} instants[] = {
	{ "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z" },
	{ "2026-11-01T04:58:59Z", "2026-11-01T04:58:59Z" },
	{ "2026-11-01t04:58:59z", "2026-11-01T04:58:59Z" },
	{ "2026-11-01T04:58:59-05:00", "2026-11-01T09:58:59Z" },
	{ "2026-11-01T00:30:00+05:30", "2026-10-31T19:00:00Z" },
	{ "2026-01-01T00:00:00+00:01", "2025-12-31T23:59:00Z" },
	{ "2024-02-29T23:00:00-02:00", "2024-03-01T01:00:00Z" },
	{ "2026-11-01T04:58:59+23:59", "2026-10-31T04:59:59Z" },
	{ "2026-11-01T04:58:59-00:00", "2026-11-01T04:58:59Z" },
	{ "2026-11-01T04:58:59.5Z", "2026-11-01T04:58:59.5Z" },
	{ "2026-11-01T04:58:59.500000Z", "2026-11-01T04:58:59.5Z" },
	{ "2026-11-01T04:58:59.000001Z", "2026-11-01T04:58:59.000001Z" },
	{ "2026-11-01T04:58:59.0000000Z", "2026-11-01T04:58:59Z" },
	{ "2026-11-01T04:58:59.123456000Z", "2026-11-01T04:58:59.123456Z" },
	{ "1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z" },
	{ "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z" },
	{ "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z" },
	{ "2026-11-01 04:58:59+00", "2026-11-01T04:58:59Z" },
	{ "2026-11-01 04:58:59.25+00", "2026-11-01T04:58:59.25Z" },
	{ "2026-11-01 04:58:59+05:30", "2026-10-31T23:28:59Z" },
	{ "2026-11-01T04:58:59+00", NULL }, /* PostgreSQL's own only */
	{ "2026-11-01T04:58:59", NULL },
	{ "2026-11-01T04:58Z", NULL },
	{ "2026-11-01", NULL },
	{ "2026-11-01T", NULL },
	{ "2026-11-01T04:58:60Z", NULL },
	{ "2026-11-01T24:00:00Z", NULL },
	{ "2026-11-01T23:60:00Z", NULL },
	{ "2026-02-30T00:00:00Z", NULL },
	{ "0000-01-01T00:00:00Z", NULL },
	{ "0001-01-01T00:00:00+00:01", NULL },
	{ "9999-12-31T23:59:59-00:01", NULL },
	{ "2026-11-01T04:58:59.Z", NULL },
	{ "2026-11-01T04:58:59,5Z", NULL },
	{ "2026-11-01T04:58:59.0000001Z", NULL },
	{ "2026-11-01T04:58:59.123456001Z", NULL },
	{ "2026-11-01T04:58:59+0530", NULL },
	{ "2026-11-01T04:58:59+24:00", NULL },
	{ "2026-11-01T04:58:59+05:60", NULL },
	{ "2026-11-01T04:58:59 05:30", NULL },
	{ "2026-11-01T04:58:59ZZ", NULL },
	{ "2026-11-01T04:58:59Z ", NULL },
	{ " 2026-11-01T04:58:59Z", NULL },
	{ "2026-11-01_04:58:59Z", NULL },
	{ "20261101T045859Z", NULL },
	{ "", NULL },
};

START_TEST(an_instant_is_read_with_its_offset_and_written_in_utc)
{
	struct instant at = { .us = 77, .known = false };
	bool ok = instant_parse(instants[_i].text, strlen(instants[_i].text), &at);
	char text[INSTANT_SIZE];

	ck_assert_msg(ok == (instants[_i].utc != NULL), "%s", instants[_i].text);
	ck_assert(at.known == ok);
	if (!ok) {
		ck_assert_int_eq(at.us, 77);
		return;
	}
	instant_format(at.us, text);
	ck_assert_str_eq(text, instants[_i].utc);
}
END_TEST

START_TEST(known_instants_have_the_microseconds_of_other_programs)
{
	struct instant at;

	ck_assert(instant_parse("2026-11-01T04:58:59Z", 20, &at));
	ck_assert_int_eq(at.us, INT64_C(1793509139000000)); /* date -d 2026-11-01T04:58:59Z +%s */
	ck_assert(instant_parse("0001-01-01T00:00:00Z", 20, &at));
	ck_assert_int_eq(at.us, INT64_C(-62135596800000000));
}
END_TEST

START_TEST(every_tenth_day_of_ten_thousand_years_comes_back)
{
	const int64_t day = INT64_C(86400000000);
	struct instant at;
	char text[INSTANT_SIZE];

	for (int64_t n = -719162; n <= 2932896; n += 10) {
		instant_format(n * day, text);
		ck_assert_msg(instant_parse(text, strlen(text), &at) && at.us == n * day, "%s", text);
	}
}
END_TEST

static const struct {
	const char *date;
	int64_t days;
	const char *later; /* NULL: there is no such day */
} additions[] = {
	{ "2026-11-27", 0, "2026-11-27" },
	{ "2026-11-27", 30, "2026-12-27" },
	{ "2024-02-28", 1, "2024-02-29" },
	{ "2023-02-28", 1, "2023-03-01" },
	{ "2024-02-29", 366, "2025-03-01" },
	{ "2026-01-01", -1, "2025-12-31" },
	{ "1970-01-01", 11016, "2000-02-29" },
	{ "0001-01-01", 3652058, "9999-12-31" },
	{ "9999-12-31", 1, NULL },
	{ "0001-01-01", -1, NULL },
	{ "2026-11-27", INT64_MAX, NULL },
	{ "2026-11-27", INT64_MIN, NULL },
	{ "2026-02-30", 1, NULL },
	{ "2026-11-27T", 1, NULL },
	{ "", 1, NULL },
};

START_TEST(days_are_added_by_the_calendar)
{
	char later[DATE_SIZE];
	int64_t between;

	ck_assert(date_add_days(additions[_i].date, additions[_i].days, later) == (additions[_i].later != NULL));
	if (additions[_i].later == NULL)
		return;
	ck_assert_str_eq(later, additions[_i].later);
	ck_assert(date_days_between(additions[_i].date, later, &between));
	ck_assert_int_eq(between, additions[_i].days);
	ck_assert(date_days_between(later, additions[_i].date, &between));
	ck_assert_int_eq(between, -additions[_i].days);
}
END_TEST

START_TEST(nothing_is_between_what_is_no_date)
{
	int64_t between = 4711;

	ck_assert(!date_days_between("2026-02-30", "2026-03-01", &between));
	ck_assert(!date_days_between("2026-03-01", "yesterday", &between));
	ck_assert_int_eq(between, 4711);
}
END_TEST

Suite *
dates_suite(void)
{
	Suite *suite = suite_create("dates");
	TCase *t = tcase_create("dates");

	tcase_add_loop_test(t, a_date_is_a_day_that_exists, 0, COUNT(dates));
	tcase_add_test(t, a_nul_inside_a_date_is_refused);
	tcase_add_test(t, today_is_a_date_of_this_century);
	tcase_add_loop_test(t, an_instant_is_read_with_its_offset_and_written_in_utc, 0, COUNT(instants));
	tcase_add_test(t, known_instants_have_the_microseconds_of_other_programs);
	tcase_add_test(t, every_tenth_day_of_ten_thousand_years_comes_back);
	tcase_add_loop_test(t, days_are_added_by_the_calendar, 0, COUNT(additions));
	tcase_add_test(t, nothing_is_between_what_is_no_date);
	suite_add_tcase(suite, t);
	return suite;
}
