#include <string.h>

#include "lib/field/member.h"
#include "tests/unit/field/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define LABEL_63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc"

static const struct {
	const char *text;
	bool valid;
} emails[] = {
	{ "x@localhost", true },
	{ "ann.o'neill+clinic@example.co.uk", true },
	{ "a!#$%&*/=?^_`{|}~-@b", true },
	{ "UPPER@Case.ORG", true },
	{ "1@2", true },
	{ "zo\xc3\xab@m\xc3\xbcnchen.de", true },
	{ "\xe6\x97\xa5\xe6\x9c\xac@\xe4\xbe\x8b", true },
	{ LABEL_63 "4@b", true },
	{ LABEL_63 "45@b", false },
	{ "a@" LABEL_63 ".c", true },
	{ "a@" LABEL_63 "4.c", false },
	{ "", false },
	{ "@", false },
	{ "a", false },
	{ "a@", false },
	{ "@b", false },
	{ "a@b@c", false },
	{ "a b@c", false },
	{ " a@c", false },
	{ "a@c ", false },
	{ "a@b c", false },
	{ "a\n@b", false },
	{ "a@b\n", false },
	{ "a@b\x7f", false },
	{ "a\xc2\xa0@b", false },     /* no-break space */
	{ "a@b\xe3\x80\x80", false }, /* ideographic space */
	{ "a\xc2\x85@b", false },     /* a C1 control */
	{ ".a@b", false },
	{ "a.@b", false },
	{ "a..b@c", false },
	{ "a@.b", false },
	{ "a@b.", false },
	{ "a@b..c", false },
	{ "a@-b", false },
	{ "a@b-", false },
	{ "a@b-.c", false },
	{ "a@b.-c", false },
	{ "a@b--c", true },
	{ "a@b_c", false },
	{ "a@b,c", false },
	{ "a,b@c", false },
	{ "<a@b>", false },
	{ "Ann <a@b>", false },
	{ "a@b;c@d", false },
	{ "a\\@b", false },
	{ "a(x)@b", false },
};

START_TEST(an_email_is_a_dot_atom_and_a_host_name)
{
	ck_assert_msg(email_valid(emails[_i].text) == emails[_i].valid, "%s", emails[_i].text);
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} zones[] = {
	{ "UTC", true },
	{ "Europe/Berlin", true },
	{ "America/Argentina/Buenos_Aires", true },
	{ "America/Port-au-Prince", true },
	{ "Etc/GMT+5", true },
	{ "", false },
	{ "Europe", false },
	{ "Europe/", false },
	{ "Europe/berlin", false },
	{ "europe/Berlin", false },
	{ "posix/Europe/Berlin", false },
	{ "localtime", false },
	{ "/etc/passwd", false },
	{ "Europe/../Europe/Berlin", false },
	{ "../../../etc/passwd", false },
	{ "Europe//Berlin", false },
	{ "Europe/Berlin ", false },
	{ "UTC\n", false },
	{ "A/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(a_zone_is_one_that_the_system_knows)
{
	ck_assert_msg(zone_valid(zones[_i].text) == zones[_i].valid, "%s", zones[_i].text);
}
END_TEST

START_TEST(a_code_has_letters_digits_and_a_few_marks)
{
	ck_assert(code_valid("99213"));
	ck_assert(code_valid("X-ray_1.b"));
	ck_assert(!code_valid(""));
	ck_assert(!code_valid("a b"));
	ck_assert(!code_valid("a/b"));
	ck_assert(!code_valid("\xc3\xa9"));
}
END_TEST

static const struct {
	const char *text;
	bool valid;
	int64_t n;
} numbers[] = {
	{ "0", true, 0 },
	{ "-0", true, 0 },
	{ "007", true, 7 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "-9223372036854775808", true, INT64_MIN },
	{ "9223372036854775808", false, 0 },
	{ "-9223372036854775809", false, 0 },
	{ "99999999999999999999999", false, 0 },
	{ "", false, 0 },
	{ "-", false, 0 },
	{ "+1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "12abc", false, 0 },
	{ "1.0", false, 0 },
	{ "0x1", false, 0 },
};

START_TEST(a_number_is_all_of_its_text)
{
	int64_t n = 42;

	ck_assert_msg(number_parse(numbers[_i].text, strlen(numbers[_i].text), &n) == numbers[_i].valid, "%s",
	    numbers[_i].text);
	ck_assert_int_eq(n, numbers[_i].valid ? numbers[_i].n : 42);
}
END_TEST

Suite *
format_suite(void)
{
	Suite *suite = suite_create("format");
	TCase *t = tcase_create("format");

	tcase_add_loop_test(t, an_email_is_a_dot_atom_and_a_host_name, 0, COUNT(emails));
	tcase_add_loop_test(t, a_zone_is_one_that_the_system_knows, 0, COUNT(zones));
	tcase_add_test(t, a_code_has_letters_digits_and_a_few_marks);
	tcase_add_loop_test(t, a_number_is_all_of_its_text, 0, COUNT(numbers));
	suite_add_tcase(suite, t);
	return suite;
}
