#include <stdio.h>
#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define KEY "dGhlIGxhc3Qga2V5" /* "the last key" */

static const struct {
	const char *uri;
	const char *link; /* what follows "</toys?" */
	const char *part; /* of the answer */
} good[] = {
	{ "/toys?limit=2", "cursor=" KEY "&limit=2", "\"place\":2" },
	{ "/toys?limit=500", "cursor=" KEY "&limit=500", "\"place\":500" },
	{ "/toys?limit=007", "cursor=" KEY "&limit=7", "\"place\":7" },
	{ "/toys?cursor=" KEY, "cursor=" KEY "&limit=50", "\"name\":\"the last key\"" },
	{ "/toys?limit=1&name=a+b%2B%C3%A9%26", "name=a%20b%2B%C3%A9%26&cursor=" KEY "&limit=1",
	    "\"name\":\"a b+\xC3\xA9&\"" },
	{ "/toys?&&limit=1&", "cursor=" KEY "&limit=1", "\"place\":1" },
	{ "/toys?maker=" TOY_ID "&limit=1", "maker=" TOY_ID "&cursor=" KEY "&limit=1", "\"place\":1" },
};

START_TEST(a_page_links_to_the_next_with_the_same_filters)
{
	const struct fake_answer *answer = toys_get(good[_i].uri, NULL, NULL);
	char link[200];

	ck_assert_int_eq(answer->status, 200);
	snprintf(link, sizeof(link), "</toys?%s>; rel=\"next\"", good[_i].link);
	ck_assert_str_eq(fake_header(fake, "Link"), link);
	ck_assert_ptr_nonnull(strstr(answer->body, good[_i].part));
}
END_TEST

static const struct {
	const char *uri;
	const char *blamed; /* NULL: nobody */
} bad[] = {
	{ "/toys?limit=0", "limit" },
	{ "/toys?limit=501", "limit" },
	{ "/toys?limit=-1", "limit" },
	{ "/toys?limit=%2B1", "limit" },
	{ "/toys?limit=1.0", "limit" },
	{ "/toys?limit=1e1", "limit" },
	{ "/toys?limit=", "limit" },
	{ "/toys?limit", "limit" },
	{ "/toys?limit=+1", "limit" },
	{ "/toys?limit=99999999999999999999", "limit" },
	{ "/toys?limit=1&limit=1", "limit" },
	{ "/toys?cursor=", "cursor" },
	{ "/toys?cursor=*", "cursor" },
	{ "/toys?cursor=QQ%3D%3D", "cursor" },
	{ "/toys?cursor=QR", "cursor" },
	{ "/toys?cursor=AA", "cursor" },
	{ "/toys?cursor=_w", "cursor" },
	{ "/toys?name=a&name=b", "name" },
	{ "/toys?name=%00", "name" },
	{ "/toys?name=%C0%AF", "name" },
	{ "/toys?name=%f", "name" },
	{ "/toys?maker=1-1-1-1-1", "maker" },
	{ "/toys?nmae=a", "nmae" },
	{ "/toys?place=1", "place" },
	{ "/toys?NAME=a", "NAME" },
	{ "/toys?%22=a", "\\\"" },
	{ "/toys?%FF=a", NULL },
	{ "/toys?=a", "" },
	{ "/toys/" TOY_ID "?limit=1", "limit" },
	{ "/toys/" TOY_ID "?x", "x" },
};

START_TEST(a_parameter_that_is_wrong_is_named)
{
	const struct fake_answer *answer = toys_get(bad[_i].uri, NULL, NULL);
	char errors[64];

	ck_assert_int_eq(answer->status, 400);
	snprintf(errors, sizeof(errors), "\"errors\":{\"%s\":", bad[_i].blamed == NULL ? "" : bad[_i].blamed);
	ck_assert((strstr(answer->body, errors) != NULL) == (bad[_i].blamed != NULL));
}
END_TEST

START_TEST(all_unknown_parameters_are_named_at_once)
{
	const struct fake_answer *answer = toys_get("/toys?a=1&limit=1&b=2", NULL, NULL);

	ck_assert_ptr_nonnull(strstr(answer->body, "\"message\":\"Validation failed: 2 errors found\""));
	ck_assert_ptr_nonnull(strstr(answer->body, "\"a\":"));
	ck_assert_ptr_nonnull(strstr(answer->body, "\"b\":"));
}
END_TEST

START_TEST(a_flood_of_parameters_is_refused)
{
	char uri[1024] = "/toys?limit=1";

	for (size_t at = strlen(uri); at + 4 < sizeof(uri); at += 3)
		snprintf(uri + at, sizeof(uri) - at, "&x=");
	ck_assert_int_eq(toys_get(uri, NULL, NULL)->status, 400);
}
END_TEST

Suite *
query_suite(void)
{
	Suite *suite = suite_create("query");
	TCase *tc = tcase_create("query");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_loop_test(tc, a_page_links_to_the_next_with_the_same_filters, 0, COUNT(good));
	tcase_add_loop_test(tc, a_parameter_that_is_wrong_is_named, 0, COUNT(bad));
	tcase_add_test(tc, all_unknown_parameters_are_named_at_once);
	tcase_add_test(tc, a_flood_of_parameters_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
