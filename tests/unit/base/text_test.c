#include "lib/base/text.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *bytes;
	size_t length;
	bool valid;
} sequences[] = {
	{ BYTES(""), true },
	{ BYTES("plain"), true },
	{ BYTES("Jos\xc3\xa9 O'Hara"), true },
	{ BYTES("\xc2\x80"), true },
	{ BYTES("\xdf\xbf"), true },
	{ BYTES("\xe0\xa0\x80"), true },
	{ BYTES("\xed\x9f\xbf"), true },
	{ BYTES("\xee\x80\x80"), true },
	{ BYTES("\xef\xbf\xbf"), true },
	{ BYTES("\xf0\x90\x80\x80"), true },
	{ BYTES("\xf4\x8f\xbf\xbf"), true },
	{ BYTES("\xc0\xaf"), false },	      /* overlong '/' */
	{ BYTES("\xc1\xbf"), false },
	{ BYTES("\xe0\x9f\xbf"), false },     /* overlong in three */
	{ BYTES("\xf0\x8f\xbf\xbf"), false }, /* overlong in four */
	{ BYTES("\xed\xa0\x80"), false },     /* surrogates */
	{ BYTES("\xed\xbf\xbf"), false },
	{ BYTES("\xf4\x90\x80\x80"), false }, /* above U+10FFFF */
	{ BYTES("\xf5\x80\x80\x80"), false },
	{ BYTES("\xff"), false },
	{ BYTES("\xfe"), false },
	{ BYTES("\x80"), false },	      /* a continuation that continues nothing */
	{ BYTES("\xc3"), false },	      /* cut short */
	{ BYTES("\xe2\x82"), false },
	{ BYTES("\xf0\x9f\x98"), false },
	{ BYTES("\xc3z"), false },
	{ BYTES("\xe2\x82z"), false },
	{ BYTES("a\0b"), false },
	{ BYTES("\0"), false },
};

START_TEST(utf8_is_what_rfc_3629_says_and_no_nul)
{
	ck_assert(utf8_valid(sequences[_i].bytes, sequences[_i].length) == sequences[_i].valid);
}
END_TEST

START_TEST(length_counts_code_points)
{
	ck_assert_uint_eq(utf8_length(""), 0);
	ck_assert_uint_eq(utf8_length("Jos\xc3\xa9"), 4);
	ck_assert_uint_eq(utf8_length("\xf0\x9f\x98\x80"), 1);
	ck_assert_uint_eq(utf8_length("e\xcc\x81"), 2); /* a combining accent is a code point of its own */
}
END_TEST

static const struct {
	const char *text;
	bool blank;
} blanks[] = {
	{ "", true }, { " ", true }, { "\t\r\n\v\f", true }, { "\xc2\xa0", true }, { "\xe3\x80\x80 \xe2\x80\xa8", true },
	{ "\xe2\x80\x8a\xe1\x9a\x80\xe2\x81\x9f\xe2\x80\xaf\xc2\x85", true }, { "x", false }, { " x ", false },
	{ "\xe2\x80\x8b", false }, /* zero width space is no White_Space */
	{ "\xc3\xa9", false }, { "\x1f", false },
};

START_TEST(blank_is_nothing_but_white_space)
{
	ck_assert(text_blank(blanks[_i].text) == blanks[_i].blank);
}
END_TEST

START_TEST(a_buffer_keeps_what_is_added_however_long)
{
	struct buf b = { .arena = arena_new() };
	char expected[64];

	for (int i = 0; i < 5000; i++) {
		buf_addf(&b, "%d", i % 10);
		buf_add_char(&b, ',');
		ck_assert_uint_eq(strlen(b.bytes), b.length);
	}
	ck_assert_uint_eq(b.length, 10000);
	memcpy(expected, "0,1,2,3,4,5,6,7,8,9,", 21);
	for (size_t i = 0; i < b.length; i += 20)
		ck_assert_int_eq(memcmp(b.bytes + i, expected, 20), 0);
	arena_free(b.arena);
}
END_TEST

static const int64_t numbers[] = { 0, 1, -1, 9, 10, -10, 99, 100, 4096, 999999999999999999, 1000000000000000000, INT64_MAX, INT64_MIN };

START_TEST(a_number_is_written_as_printf_would)
{
	struct buf b = { .arena = arena_new() };
	char expected[32];

	snprintf(expected, sizeof(expected), "%lld", (long long)numbers[_i]);
	buf_add_number(&b, numbers[_i]);
	ck_assert_str_eq(b.bytes, expected);
	arena_free(b.arena);
}
END_TEST

START_TEST(an_empty_addition_makes_an_empty_text)
{
	struct buf b = { .arena = arena_new() };

	ck_assert_ptr_null(b.bytes);
	buf_add_text(&b, "");
	ck_assert_str_eq(b.bytes, "");
	arena_free(b.arena);
}
END_TEST

static const struct {
	const char *text, *json;
} strings[] = {
	{ "", "\"\"" },
	{ "Jos\xc3\xa9 O'Hara", "\"Jos\xc3\xa9 O'Hara\"" },
	{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
	{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
	{ "\n", "\"\\n\"" },
	{ "12345678\"", "\"12345678\\\"\"" },
};

/* Each byte at each place of a text that is longer than what is looked at together. */
START_TEST(a_json_string_escapes_it_wherever_it_is)
{
	struct buf b = { .arena = arena_new() }, expected = { .arena = b.arena };
	char text[20], code[8];

	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		memset(text, _i >= 0x80 ? 'x' : 0xc3, sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		text[at] = (char)_i;
		b.length = expected.length = 0;
		buf_add_json(&b, text);
		buf_add_char(&expected, '"');
		buf_add(&expected, text, at);
		snprintf(code, sizeof(code), _i == '"' || _i == '\\' ? "\\%c" : _i < ' ' ? "\\u%04x" : "%c", _i);
		for (size_t k = 0; k < 5; k++)
			if (_i == "\b\f\n\r\t"[k])
				snprintf(code, sizeof(code), "\\%c", "bfnrt"[k]);
		buf_add_text(&expected, code);
		buf_add_text(&expected, text + at + 1);
		buf_add_char(&expected, '"');
		ck_assert_str_eq(b.bytes, expected.bytes);
	}
	arena_free(b.arena);
}
END_TEST

START_TEST(a_json_string_escapes_what_rfc_8259_says)
{
	struct buf b = { .arena = arena_new() };

	buf_add_json(&b, strings[_i].text);
	ck_assert_str_eq(b.bytes, strings[_i].json);
	arena_free(b.arena);
}
END_TEST

/* Text is looked at eight bytes at a time. */
START_TEST(a_byte_is_seen_wherever_it_stands)
{
	bool plain = _i >= ' ' && _i < 0x80 && _i != '"' && _i != '\\';

	for (size_t at = 0; at < 20; at++) {
		char text[21] = "twenty letters or so";

		text[at] = (char)_i;
		ck_assert_uint_eq(text_plain(text, 20), plain ? 20 : at);
		ck_assert(utf8_valid(text, 20) == (_i > 0 && _i < 0x80));
	}
}
END_TEST

Suite *
text_suite(void)
{
	Suite *suite = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, utf8_is_what_rfc_3629_says_and_no_nul, 0, COUNT(sequences));
	tcase_add_test(t, length_counts_code_points);
	tcase_add_loop_test(t, blank_is_nothing_but_white_space, 0, COUNT(blanks));
	tcase_add_test(t, a_buffer_keeps_what_is_added_however_long);
	tcase_add_loop_test(t, a_number_is_written_as_printf_would, 0, COUNT(numbers));
	tcase_add_test(t, an_empty_addition_makes_an_empty_text);
	tcase_add_loop_test(t, a_json_string_escapes_what_rfc_8259_says, 0, COUNT(strings));
	tcase_add_loop_test(t, a_json_string_escapes_it_wherever_it_is, 1, 256);
	tcase_add_loop_test(t, a_byte_is_seen_wherever_it_stands, 0, 256);
	suite_add_tcase(suite, t);
	return suite;
}
