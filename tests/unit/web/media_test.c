#include "lib/web/media.h"

#include <stddef.h>

#include "tests/unit/web/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *header;
	bool json, problem;
} accepts[] = {
	{ NULL, true, false },
	{ "*/*", true, false },
	{ "application/*", true, false },
	{ "application/json", true, false },
	{ "Application/JSON;charset=utf-8", true, false },
	{ "text/html, application/xhtml+xml, */*;q=0.8", true, false },
	{ "text/html", false, false },
	{ "text/*, image/png", false, false },
	{ "application/jsonx", false, false },
	{ "application/json;q=0", false, false },
	{ "application/json;q=0.000", false, false },
	{ "application/json; q=0.001", true, false },
	{ "application/json ; Q=0 , */*", false, false },
	{ "application/json;q=0, application/*", false, false },
	{ "application/*;q=0, */*;q=1", false, false },
	{ "application/*;q=0, application/json;q=0.1", true, false },
	{ "*/*;q=0", false, false },
	{ "text/html;note=\",application/json,\"", false, false },
	{ "text/html;note=\"\\\",application/json\"", false, false },
	{ "application/problem+json", true, true },
	{ "application/problem+json;q=0", false, false },
	{ "application/json, application/problem+json;q=0.5", true, true },
	{ ", ,application/json,", true, false },
	{ "", false, false },
};

START_TEST(accept_says_what_may_be_sent)
{
	struct media_accept accept = media_accept(accepts[_i].header, NULL);

	ck_assert(accept.json == accepts[_i].json);
	ck_assert(accept.problem == accepts[_i].problem);
	ck_assert(!accept.other && !accept.first);
}
END_TEST

/* Of a route that can answer with CSV too. */
static const struct {
	const char *header;
	bool json, csv, first;
} choices[] = {
	{ NULL, true, true, false },
	{ "*/*", true, true, false },
	{ "text/csv", false, true, true },
	{ "TEXT/CSV; charset=utf-8", false, true, true },
	{ "text/*", false, true, true },
	{ "application/json", true, false, false },
	{ "text/csv, application/json", true, true, false },
	{ "text/csv, application/json;q=0.9", true, true, true },
	{ "text/csv;q=0.9, application/json", true, true, false },
	{ "text/csv, */*", true, true, true },
	{ "text/csv;q=0.5, */*;q=0.8", true, true, false },
	{ "text/*;q=0.8, application/*;q=0.7", true, true, true },
	{ "text/csv;q=0, */*", true, false, false },
	{ "text/html, application/xhtml+xml, */*;q=0.8", true, true, false },
	{ "text/csvx, tex/*, text", false, false, false },
	{ "application/problem+json, text/csv", true, true, true },
	{ "image/png", false, false, false },
};

START_TEST(accept_chooses_between_two_types)
{
	struct media_accept accept = media_accept(choices[_i].header, "text/csv");

	ck_assert(accept.json == choices[_i].json);
	ck_assert(accept.other == choices[_i].csv);
	ck_assert(accept.first == choices[_i].first);
}
END_TEST

static const struct {
	const char *type;
	bool json;
} types[] = {
	{ "application/json", true },
	{ "APPLICATION/Json", true },
	{ "application/json; charset=utf-8", true },
	{ "application/json;charset=\"UTF-8\"", true },
	{ " application/json ;  Charset=UTF-8 ", true },
	{ "application/json; profile=x", true },
	{ "application/json; charset=latin1", false },
	{ "application/json; charset=utf-16", false },
	{ "application/json-patch+json", false },
	{ "application/merge-patch+json", false },
	{ "text/json", false },
	{ "application/x-www-form-urlencoded", false },
	{ "", false },
	{ "application", false },
};

START_TEST(a_body_is_json_in_utf8_or_not_at_all)
{
	ck_assert(media_is_json(types[_i].type) == types[_i].json);
}
END_TEST

static const struct {
	const char *header;
	bool matches;
	int64_t version;
} if_matches[] = {
	{ "*", true, 0 },
	{ " * ", true, 0 },
	{ "\"7\"", true, 7 },
	{ "\"3\", \"7\" ,\"5\"", true, 7 },
	{ "W/\"9\", \"7\"", true, 7 },
	{ "\"999999999999999999\"", true, 999999999999999999 },
	{ "W/\"7\"", false, 0 },
	{ "7", false, 0 },
	{ "\"07\"", false, 0 },
	{ "\"0\"", false, 0 },
	{ "\"-7\"", false, 0 },
	{ "\"7", false, 0 },
	{ "\"\"", false, 0 },
	{ "\"abc\"", false, 0 },
	{ "\"9999999999999999999\"", false, 0 },
	{ "\"1,2\"", false, 0 },
	{ "", false, 0 },
};

START_TEST(if_match_compares_strongly)
{
	int64_t version = 0;

	ck_assert(etag_match(if_matches[_i].header, &version) == if_matches[_i].matches);
	ck_assert_int_eq(version, if_matches[_i].version);
}
END_TEST

START_TEST(if_none_match_compares_weakly)
{
	ck_assert(etag_none_match("\"7\"", 7));
	ck_assert(etag_none_match("W/\"7\"", 7));
	ck_assert(etag_none_match("\"1\", W/\"7\"", 7));
	ck_assert(etag_none_match("*", 7));
	ck_assert(!etag_none_match("\"8\"", 7));
	ck_assert(!etag_none_match("7", 7));
}
END_TEST

Suite *
media_suite(void)
{
	Suite *suite = suite_create("media");
	TCase *tc = tcase_create("media");

	tcase_add_loop_test(tc, accept_says_what_may_be_sent, 0, COUNT(accepts));
	tcase_add_loop_test(tc, accept_chooses_between_two_types, 0, COUNT(choices));
	tcase_add_loop_test(tc, a_body_is_json_in_utf8_or_not_at_all, 0, COUNT(types));
	tcase_add_loop_test(tc, if_match_compares_strongly, 0, COUNT(if_matches));
	tcase_add_test(tc, if_none_match_compares_weakly);
	suite_add_tcase(suite, tc);
	return suite;
}
