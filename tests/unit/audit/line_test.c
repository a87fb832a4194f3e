#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/audit/fixture.h"
#include "tests/unit/audit/suites.h"

static char line[AUDIT_LINE_MAX];

static void
same(const struct audit_entry *a, const struct audit_entry *b)
{
	ck_assert_int_eq(a->at.us, b->at.us);
	ck_assert_int_eq(a->count, b->count);
	ck_assert_pstr_eq(a->account, b->account);
	ck_assert_pstr_eq(a->role, b->role);
	ck_assert_pstr_eq(a->session, b->session);
	ck_assert_pstr_eq(a->address, b->address);
	ck_assert_pstr_eq(a->program, b->program);
	ck_assert_pstr_eq(a->action, b->action);
	ck_assert_pstr_eq(a->thing, b->thing);
	ck_assert_pstr_eq(a->patient_id, b->patient_id);
	ck_assert_pstr_eq(a->filter, b->filter);
	ck_assert_pstr_eq(a->result, b->result);
	ck_assert_pstr_eq(a->request_id, b->request_id);
}

START_TEST(an_entry_comes_back_as_it_was_written)
{
	struct audit_entry in = an_entry(), out;
	size_t n = audit_line_write(line, &in);

	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert(audit_line_read(line, n - 1, &out));
	ck_assert(out.at.known);
	same(&out, &in);
}
END_TEST

START_TEST(what_is_absent_or_empty_comes_back_absent)
{
	struct audit_entry in = { .action = "a", .result = "ok", .account = "" }, out;
	size_t n = audit_line_write(line, &in);

	ck_assert(audit_line_read(line, n - 1, &out));
	in.account = NULL;
	same(&out, &in);
}
END_TEST

START_TEST(text_may_hold_what_parts_and_ends_lines)
{
	struct audit_entry in = an_entry(), out;
	size_t n;

	in.thing = "a\tb\nc\\d\\n\\\\";
	in.filter = "\t\n\\";
	n = audit_line_write(line, &in);
	ck_assert_ptr_eq(memchr(line, '\n', n), line + n - 1);
	ck_assert(audit_line_read(line, n - 1, &out));
	same(&out, &in);
}
END_TEST

START_TEST(text_too_long_is_cut_at_a_character_and_says_so)
{
	static char long_text[200000];
	struct audit_entry in = an_entry(), out;
	size_t n;

	for (size_t i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "\xc3\xab", 2);
	in.account = in.role = in.session = in.address = in.program = in.action = in.result = in.request_id =
	    in.thing = in.filter = long_text;
	n = audit_line_write(line, &in);
	ck_assert_uint_le(n, AUDIT_LINE_MAX);
	ck_assert(audit_line_read(line, n - 1, &out));
	for (int i = 0; i < 3; i++) {
		const char *text = i == 0 ? out.account : i == 1 ? out.thing : out.filter;

		ck_assert_uint_gt(strlen(text), 500);
		ck_assert_str_eq(text + strlen(text) - 3, "\xe2\x80\xa6");
	}
}
END_TEST

START_TEST(a_thousand_ids_fit)
{
	static char ids[37 * 1000];
	struct audit_entry in = an_entry(), out;
	size_t n;

	memset(ids, 'a', sizeof(ids) - 1);
	in.filter = ids;
	n = audit_line_write(line, &in);
	ck_assert(audit_line_read(line, n - 1, &out));
	ck_assert_str_eq(out.filter, ids);
}
END_TEST

static const char *const strange[] = {
	"", "1", "2\t1\t1\t\t\t\t\t\ta\t\tok\t\t\t", /* another version */
	"1\t1\t1\t\t\t\t\t\ta\t\tok\t\t",            /* a member too few */
	"1\t1\t1\t\t\t\t\t\ta\t\tok\t\t\t\t",        /* one too many */
	"1\t01\t1\t\t\t\t\t\ta\t\tok\t\t\t",         /* no number of ours */
	"1\t+1\t1\t\t\t\t\t\ta\t\tok\t\t\t", "1\t-1\t1\t\t\t\t\t\ta\t\tok\t\t\t",
	"1\t1\t99999999999999999999\t\t\t\t\t\ta\t\tok\t\t\t", "1\t\t1\t\t\t\t\t\ta\t\tok\t\t\t",
	"1\t1\t1\t\t\t\t\t\t\t\tok\t\t\t",   /* no action */
	"1\t1\t1\t\t\t\t\t\ta\t\t\t\t\t",    /* no result */
	"1\t1\t1\t\t\t\t\t\ta\tx\tok\t\t\t", /* a patient that is none */
	"1\t1\t1\t\t\t\t\t\ta\t0190A1B2-0000-7000-8000-00000000000A\tok\t\t\t",
	"1\t1\t1\t\t\t\t\t\ta\t\tok\t\t\t\\x",                                        /* no escape of ours */
	"1\t1\t1\t\t\t\t\t\ta\t\tok\t\t\t\\", "1\t1\t1\t\t\t\t\t\ta\t\tok\t\t\t\xff", /* no UTF-8 */
};

START_TEST(what_no_program_writes_is_no_line)
{
	char copy[256];
	struct audit_entry out = { .seq = 77 };
	size_t n = strlen(strange[_i]);

	memcpy(copy, strange[_i], n);
	copy[n] = '\n';
	ck_assert(!audit_line_read(copy, n, &out));
	ck_assert_int_eq(out.seq, 77);
}
END_TEST

/* An index takes no text of any length. */
START_TEST(no_short_member_is_longer_than_we_write_it)
{
	for (int length = 512; length <= 513; length++) {
		struct audit_entry out;
		char text[600];
		int n = snprintf(text, sizeof(text), "1\t1\t1\t%0*d\t\t\t\t\ta\t\tok\t\t\t\n", length, 0);

		ck_assert(audit_line_read(text, (size_t)n - 1, &out) == (length == 512));
	}
}
END_TEST

START_TEST(a_line_with_a_nul_is_none)
{
	char text[] = "1\t1\t1\t\t\t\t\t\ta\t\tok\t\t\tx\0y\n";
	struct audit_entry out;

	ck_assert(!audit_line_read(text, sizeof(text) - 2, &out));
}
END_TEST

START_TEST(the_shortest_line_is_one)
{
	char text[] = "1\t0\t0\t\t\t\t\t\ta\t\tok\t\t\t\n";
	struct audit_entry out;

	ck_assert(audit_line_read(text, sizeof(text) - 2, &out));
}
END_TEST

Suite *
line_suite(void)
{
	Suite *s = suite_create("audit lines");
	TCase *t = tcase_create("audit lines");

	tcase_add_test(t, an_entry_comes_back_as_it_was_written);
	tcase_add_test(t, what_is_absent_or_empty_comes_back_absent);
	tcase_add_test(t, text_may_hold_what_parts_and_ends_lines);
	tcase_add_test(t, text_too_long_is_cut_at_a_character_and_says_so);
	tcase_add_test(t, a_thousand_ids_fit);
	tcase_add_loop_test(
	    t, what_no_program_writes_is_no_line, 0, (int)(sizeof(strange) / sizeof(*strange)));
	tcase_add_test(t, no_short_member_is_longer_than_we_write_it);
	tcase_add_test(t, a_line_with_a_nul_is_none);
	tcase_add_test(t, the_shortest_line_is_one);
	suite_add_tcase(s, t);
	return s;
}
