#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/field/json_check.h"
#include "tests/unit/field/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
	const char *json;
	size_t length;
} good[] = {
	{ BYTES("{}") },
	{ BYTES("[]") },
	{ BYTES(" \t\r\n{ \"a\" : [ 1 , -0 , 0.5 , 1e9 , 1E+9 , 1.5e-9 , true , false , null , \"\" ] } \n") },
	{ BYTES("\"text alone\"") },
	{ BYTES("-12.50") },
	{ BYTES("null") },
	{ BYTES("{\"\":1}") },
	{ BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"") },
	{ BYTES("\"\\ud83d\\uDE00 \xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac\"") },
	{ BYTES("\"\\u0001 \x7f \\uffff\"") },
	{ BYTES("\"\xf4\x8f\xbf\xbf \xed\x9f\xbf \xee\x80\x80\"") },
	{ BYTES("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}") },
	{ BYTES("{\"a\":1,\"A\":2,\"aa\":3,\"a\\u0062\":4}") },
	{ BYTES("12345678901234567890123456789012345678901234567890") },
	{ BYTES("1e999999") },
};

START_TEST(well_formed_json_passes)
{
	struct json_fault fault = { 0 };
	enum rc rc = json_check(good[_i].json, good[_i].length, &fault);

	ck_assert_msg(rc == RC_OK, "%s: %s at %zu", good[_i].json, fault.why, fault.at);
}
END_TEST

static const struct {
	const char *json;
	size_t length, at;
} bad[] = {
	{ BYTES(""), 0 },
	{ BYTES("   "), 3 },
	{ BYTES("\0"), 0 },
	{ BYTES("{}\0"), 2 },
	{ BYTES("{} {}"), 3 },
	{ BYTES("{}x"), 2 },
	{ BYTES("\xef\xbb\xbf{}"), 0 }, /* byte order mark */
	{ BYTES("\xff\xfe{\0}\0"), 0 },
	{ BYTES("{"), 1 },
	{ BYTES("["), 1 },
	{ BYTES("{\"a\""), 4 },
	{ BYTES("{\"a\":"), 5 },
	{ BYTES("{\"a\":1"), 6 },
	{ BYTES("{\"a\":1,}"), 7 },
	{ BYTES("{\"a\" 1}"), 5 },
	{ BYTES("{,}"), 1 },
	{ BYTES("{a:1}"), 1 },
	{ BYTES("{'a':1}"), 1 },
	{ BYTES("{1:1}"), 1 },
	{ BYTES("[1,]"), 3 },
	{ BYTES("[,1]"), 1 },
	{ BYTES("[1 2]"), 3 },
	{ BYTES("[1}"), 2 },
	{ BYTES("{\"a\":1]"), 6 },
	{ BYTES("'a'"), 0 },
	{ BYTES("NaN"), 0 },
	{ BYTES("-NaN"), 1 },
	{ BYTES("Infinity"), 0 },
	{ BYTES("-Infinity"), 1 },
	{ BYTES("nul"), 3 },
	{ BYTES("nulL"), 3 },
	{ BYTES("True"), 0 },
	{ BYTES("truely"), 4 },
	{ BYTES("undefined"), 0 },
	{ BYTES("01"), 1 },
	{ BYTES("-01"), 2 },
	{ BYTES("+1"), 0 },
	{ BYTES(".5"), 0 },
	{ BYTES("1."), 2 },
	{ BYTES("[1.]"), 3 },
	{ BYTES("1e"), 2 },
	{ BYTES("[1e+]"), 4 },
	{ BYTES("-"), 1 },
	{ BYTES("--1"), 1 },
	{ BYTES("0x10"), 1 },
	{ BYTES("1_000"), 1 },
	{ BYTES("12abc"), 2 },
	{ BYTES("// x\n1"), 0 },
	{ BYTES("/* x */1"), 0 },
	{ BYTES("\"a"), 2 },
	{ BYTES("\"a\nb\""), 2 },
	{ BYTES("\"a\tb\""), 2 },
	{ BYTES("\"a\0b\""), 2 },
	{ BYTES("\"a\x1f\""), 2 },
	{ BYTES("\"\\x\""), 2 },
	{ BYTES("\"\\'\""), 2 },
	{ BYTES("\"\\U0041\""), 2 },
	{ BYTES("\"\\u00g0\""), 3 },
	{ BYTES("\"\\u00"), 3 },
	{ BYTES("\"\\"), 2 },
	{ BYTES("\"\\u0000\""), 1 },
	{ BYTES("\"\\ud800\""), 1 },
	{ BYTES("\"\\udc00\""), 1 },
	{ BYTES("\"\\ud800x\""), 1 },
	{ BYTES("\"\\ud800\\n\""), 1 },
	{ BYTES("\"\\ud800\\ud800\""), 1 },
	{ BYTES("\"\\udc00\\ud800\""), 1 },
	{ BYTES("\"\xc0\xaf\""), 1 },
	{ BYTES("\"\xc1\xbf\""), 1 },
	{ BYTES("\"\xe0\x80\xaf\""), 1 },
	{ BYTES("\"\xf0\x80\x80\xaf\""), 1 },
	{ BYTES("\"\xed\xa0\x80\""), 1 },
	{ BYTES("\"\xed\xbf\xbf\""), 1 },
	{ BYTES("\"\xf4\x90\x80\x80\""), 1 },
	{ BYTES("\"\xf8\x88\x80\x80\x80\""), 1 },
	{ BYTES("\"\x80\""), 1 },
	{ BYTES("\"\xff\""), 1 },
	{ BYTES("\"\xc3\""), 1 },
	{ BYTES("\"\xe2\x82\""), 1 },
	{ BYTES("\"\xf0\x9f\x98"), 1 },
	{ BYTES("{\"\xc0\xaf\":1}"), 2 },
	{ BYTES("{\"a\":1,\"a\":2}"), 7 },
	{ BYTES("{\"a\":1,\"\\u0061\":2}"), 7 },
	{ BYTES("{\"a\":1,\"b\":2,\"c\":3,\"b\":4,\"c\":5}"), 19 },
	{ BYTES("{\"/\":1,\"\\/\":2}"), 7 },
	{ BYTES("{\"\\n\":1,\"\\u000a\":2}"), 8 },
	{ BYTES("{\"\xc3\xa9\":1,\"\\u00E9\":2}"), 8 },
	{ BYTES("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}"), 10 },
	{ BYTES("{\"\":1,\"\":2}"), 6 },
	{ BYTES("[{\"b\":{\"a\":1,\"a\":2}}]"), 13 },
};

START_TEST(malformed_json_is_refused_at_its_first_bad_byte)
{
	struct json_fault fault = { .at = SIZE_MAX };

	ck_assert_msg(json_check(bad[_i].json, bad[_i].length, &fault) == RC_INVALID, "%s passed", bad[_i].json);
	ck_assert_msg(fault.at == bad[_i].at, "%s: %s at %zu", bad[_i].json, fault.why, fault.at);
	ck_assert_ptr_nonnull(fault.why);
}
END_TEST

/* No shorter length than the whole may pass, or reach beyond its end: the sanitizers watch. */
START_TEST(every_cut_of_an_object_is_refused)
{
	static const char json[] = "{\"a\\u0062\":[1.5e+3,\"\xf0\x9f\x98\x80\\ud83d\\ude00\",{\"c\":null}],\"d\":true}";
	struct arena *a = arena_new();
	struct json_fault fault;

	for (size_t n = 0; n < sizeof(json) - 1; n++)
		ck_assert_int_eq(json_check(arena_copy(a, json, n), n, &fault), RC_INVALID);
	ck_assert_int_eq(json_check(json, sizeof(json) - 1, &fault), RC_OK);
	arena_free(a);
}
END_TEST

static enum rc
check_nested(int depth, bool objects)
{
	struct json_fault fault;
	char json[1024];
	size_t n = 0;

	for (int i = 0; i < depth; i++)
		n += (size_t)snprintf(json + n, sizeof(json) - n, objects ? "{\"a\":" : "[");
	json[n++] = '1';
	for (int i = 0; i < depth; i++)
		json[n++] = objects ? '}' : ']';
	return json_check(json, n, &fault);
}

START_TEST(depth_is_at_most_32)
{
	ck_assert_int_eq(check_nested(32, false), RC_OK);
	ck_assert_int_eq(check_nested(33, false), RC_INVALID);
	ck_assert_int_eq(check_nested(32, true), RC_OK);
	ck_assert_int_eq(check_nested(33, true), RC_INVALID);
	ck_assert_int_eq(check_nested(100, true), RC_INVALID);
}
END_TEST

/* Many members are refused rather than compared for long; as many as are allowed are compared. */
START_TEST(an_object_of_many_members_is_compared_or_refused)
{
	struct arena *a = arena_new();
	struct json_fault fault;

	for (int count = 1024; count <= 10000; count += 8976) {
		struct buf b = { .arena = a };

		buf_add_char(&b, '{');
		for (int i = 0; i < count; i++)
			buf_addf(&b, "%s\"n%d\":0", i > 0 ? "," : "", i);
		buf_add_char(&b, '}');
		ck_assert_int_eq(json_check(b.bytes, b.length, &fault), count == 1024 ? RC_OK : RC_INVALID);
		if (count != 1024)
			continue;
		b.bytes[b.length - 6] = '0'; /* n1023 becomes n1003 */
		ck_assert_int_eq(json_check(b.bytes, b.length, &fault), RC_INVALID);
		ck_assert_str_eq(fault.why, "this member is there twice");
	}
	arena_free(a);
}
END_TEST

Suite *
json_check_suite(void)
{
	Suite *suite = suite_create("json_check");
	TCase *t = tcase_create("json_check");

	tcase_add_loop_test(t, well_formed_json_passes, 0, COUNT(good));
	tcase_add_loop_test(t, malformed_json_is_refused_at_its_first_bad_byte, 0, COUNT(bad));
	tcase_add_test(t, every_cut_of_an_object_is_refused);
	tcase_add_test(t, depth_is_at_most_32);
	tcase_add_test(t, an_object_of_many_members_is_compared_or_refused);
	suite_add_tcase(suite, t);
	return suite;
}
