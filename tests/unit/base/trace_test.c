#include "lib/base/trace.h"

#include <string.h>

#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static const struct {
	const char *text;
	bool good, sampled;
} texts[] = {
	{ "00-" ID "-" SPAN "-01", true, true },
	{ "00-" ID "-" SPAN "-00", true, false },
	{ "00-" ID "-" SPAN "-fe", true, false },
	{ "01-" ID "-" SPAN "-03", true, true },
	{ "fe-" ID "-" SPAN "-01-what comes then", true, true },
	{ "cc-" ID "-" SPAN "-01.", false, false },
	{ "00-" ID "-" SPAN "-01-", false, false },
	{ "00-" ID "-" SPAN "-01 ", false, false },
	{ "00-" ID "-" SPAN "-0", false, false },
	{ "00-" ID "-" SPAN "-0x", false, false },
	{ "00-" ID "-" SPAN "-A1", false, false },
	{ "00-" ID "-" SPAN, false, false },
	{ "ff-" ID "-" SPAN "-01", false, false },
	{ "0-" ID "-" SPAN "-01", false, false },
	{ "00_" ID "-" SPAN "-01", false, false },
	{ "00-" ID "_" SPAN "-01", false, false },
	{ "00-" ID "-" SPAN "_01", false, false },
	{ "00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-010", false, false },
	{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false },
	{ "00-00000000000000000000000000000000-" SPAN "-01", false, false },
	{ "00-" ID "-0000000000000000-01", false, false },
	{ "00-" ID "-00f067aa0ba902bg-01", false, false },
	{ "", false, false },
	{ NULL, false, false },
};

START_TEST(only_a_traceparent_is_joined)
{
	struct trace t, before;

	trace_begin(&t);
	before = t;
	ck_assert(trace_join(&t, texts[_i].text) == texts[_i].good);
	ck_assert_str_eq(t.id, texts[_i].good ? ID : before.id);
	ck_assert_str_eq(t.parent, texts[_i].good ? SPAN : "");
	ck_assert_str_eq(t.span, before.span);
	ck_assert(t.sampled == texts[_i].sampled);
}
END_TEST

START_TEST(who_is_asked_joins_under_the_span_of_who_asks)
{
	struct trace first, second, third;
	char parent[TRACEPARENT_SIZE];

	trace_begin(&first);
	trace_join(&first, "00-" ID "-" SPAN "-01");
	trace_parent(&first, parent);
	trace_begin(&second);
	ck_assert(trace_join(&second, parent));
	ck_assert_str_eq(second.id, ID);
	ck_assert_str_eq(second.parent, first.span);
	ck_assert(second.sampled);
	trace_begin(&third);
	trace_parent(&third, parent);
	ck_assert_uint_eq(strlen(parent), TRACEPARENT_SIZE - 1);
	ck_assert_str_eq(parent + TRACEPARENT_SIZE - 4, "-00");
}
END_TEST

START_TEST(each_begins_another)
{
	struct trace a, b;

	trace_begin(&a);
	trace_begin(&b);
	ck_assert_str_ne(a.id, b.id);
	ck_assert_str_ne(a.span, b.span);
	ck_assert_uint_eq(strspn(a.id, "0123456789abcdef"), TRACE_ID_SIZE - 1);
	ck_assert_uint_eq(strspn(a.span, "0123456789abcdef"), SPAN_ID_SIZE - 1);
}
END_TEST

Suite *
trace_suite(void)
{
	Suite *suite = suite_create("trace");
	TCase *t = tcase_create("trace");

	tcase_add_loop_test(t, only_a_traceparent_is_joined, 0, (int)COUNT(texts));
	tcase_add_test(t, who_is_asked_joins_under_the_span_of_who_asks);
	tcase_add_test(t, each_begins_another);
	suite_add_tcase(suite, t);
	return suite;
}
