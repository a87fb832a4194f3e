#include "cli/csv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/base/text.h"
#include "tests/unit/cli/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BYTES(s) s, sizeof(s) - 1

#define STRAY "a quote inside a field that doesn't begin with one"
#define AFTER "a closing quote is followed by neither a comma nor the line's end"
#define OPEN "a quote is opened and never closed"

/* Each record as "line:cell|cell", or "line!why"; records parted by '~'. */
static const struct {
	const char *bytes;
	size_t length;
	const char *records;
} files[] = {
	{ BYTES(""), "" },
	{ BYTES("\n\r\n\n"), "" },
	{ BYTES("a,b\n1,2\n"), "1:a|b~2:1|2" },
	{ BYTES("a,b\r\n1,2\r\n"), "1:a|b~2:1|2" },
	{ BYTES("a,b\n1,2"), "1:a|b~2:1|2" },
	{ BYTES("\xef\xbb\xbf" "a,b\n"), "1:a|b" },
	{ BYTES("a,,\n,\n"), "1:a||~2:|" },
	{ BYTES("a\n\n\nb\n"), "1:a~4:b" },
	{ BYTES(" a , b \n"), "1: a | b " },
	{ BYTES("\"a\",\"b, c\"\n"), "1:a|b, c" },
	{ BYTES("\"say \"\"x\"\"\",\"\"\n"), "1:say \"x\"|" },
	{ BYTES("\"\"\"\"\n"), "1:\"" },
	{ BYTES("\"two\nlines\",b\nc,d\n"), "1:two\nlines|b~3:c|d" },
	{ BYTES("\"two\r\nlines\",b\r\nc,d\r\n"), "1:two\r\nlines|b~3:c|d" },
	{ BYTES("a\rb,c\n"), "1:a\rb|c" },
	{ BYTES("O'Hara,Jos\xc3\xa9\n"), "1:O'Hara|Jos\xc3\xa9" },
	{ BYTES("a\"b,c\nd,e\n"), "1!" STRAY "~2:d|e" },
	{ BYTES("\"a\"b,c\nd,e\n"), "1!" AFTER "~2:d|e" },
	{ BYTES("\"a\" ,c\nd,e\n"), "1!" AFTER "~2:d|e" },
	{ BYTES("a,b\n\"c,d\ne,f\n"), "1:a|b~2!" OPEN "~3:e|f" },
	{ BYTES("\"a"), "1!" OPEN },
	{ BYTES("\""), "1!" OPEN },
	{ BYTES("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33\n"),
	  "1:1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28|29|30|31|32|33" },
};

START_TEST(records_are_read_as_rfc_4180_says)
{
	struct arena *a = arena_new();
	struct buf seen = { .arena = a };
	struct csv_record r;
	struct csv csv;

	buf_add_text(&seen, "");
	csv_init(&csv, files[_i].bytes, files[_i].length);
	while (csv_next(&csv, a, &r)) {
		buf_addf(&seen, "%s%zu", seen.length > 0 ? "~" : "", r.line);
		if (r.wrong != NULL)
			buf_addf(&seen, "!%s", r.wrong);
		for (size_t i = 0; r.wrong == NULL && i < r.count; i++) {
			ck_assert_uint_eq(strlen(r.cells[i].text), r.cells[i].length);
			buf_addf(&seen, "%s%s", i == 0 ? ":" : "|", r.cells[i].text);
		}
	}
	ck_assert_str_eq(seen.bytes, files[_i].records);
	arena_free(a);
}
END_TEST

START_TEST(a_nul_stays_in_its_field)
{
	struct arena *a = arena_new();
	struct csv_record r;
	struct csv csv;

	csv_init(&csv, BYTES("a\0b,\"c\0d\"\n"));
	ck_assert(csv_next(&csv, a, &r));
	ck_assert_uint_eq(r.count, 2);
	ck_assert_uint_eq(r.cells[0].length, 3);
	ck_assert_int_eq(memcmp(r.cells[0].text, "a\0b", 3), 0);
	ck_assert_uint_eq(r.cells[1].length, 3);
	ck_assert_int_eq(memcmp(r.cells[1].text, "c\0d", 3), 0);
	ck_assert(!csv_next(&csv, a, &r));
	arena_free(a);
}
END_TEST

START_TEST(a_pipe_is_read_to_its_end)
{
	struct arena *a = arena_new();
	static char sent[50000];
	int ends[2];
	char path[32], *got;
	size_t length;

	memset(sent, 'x', sizeof(sent));
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], sent, sizeof(sent)), (ssize_t)sizeof(sent));
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	got = cli_read_file(a, path, &length);
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(length, sizeof(sent));
	ck_assert_int_eq(memcmp(got, sent, length), 0);
	close(ends[0]);
	arena_free(a);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_said_so)
{
	struct arena *a = arena_new();
	size_t length;

	ck_assert_ptr_null(cli_read_file(a, "/nonexistent/x.csv", &length));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(cli_read_file(a, "/tmp", &length));
	ck_assert_int_eq(errno, EISDIR);
	arena_free(a);
}
END_TEST

Suite *
csv_suite(void)
{
	Suite *suite = suite_create("csv");
	TCase *t = tcase_create("csv");

	tcase_add_loop_test(t, records_are_read_as_rfc_4180_says, 0, COUNT(files));
	tcase_add_test(t, a_nul_stays_in_its_field);
	tcase_add_test(t, a_pipe_is_read_to_its_end);
	tcase_add_test(t, a_file_that_cannot_be_read_is_said_so);
	suite_add_tcase(suite, t);
	return suite;
}
