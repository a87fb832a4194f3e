#include "lib/base/money.h"

#include <string.h>

#include "tests/unit/base/suites.h"

static const struct {
	const char *currency, *text;
	enum money_error error;
	int64_t minor;
} parses[] = {
	{ "USD", "85.55", MONEY_OK, 8555 },
	{ "USD", "120.5", MONEY_OK, 12050 },
	{ "USD", "0", MONEY_OK, 0 },
	{ "USD", "0.00", MONEY_OK, 0 },
	{ "USD", "0.01", MONEY_OK, 1 },
	{ "USD", "007", MONEY_OK, 700 },
	{ "USD", "0000000000000000000000000000001.00", MONEY_OK, 100 },
	{ "USD", "92233720368547758.07", MONEY_OK, INT64_MAX },
	{ "USD", "92233720368547758.08", MONEY_RANGE, 0 },
	{ "USD", "92233720368547759", MONEY_RANGE, 0 },
	{ "USD", "9223372036854775807", MONEY_RANGE, 0 },
	{ "USD", "99999999999999999999999999999999999999", MONEY_RANGE, 0 },
	{ "JPY", "9223372036854775807", MONEY_OK, INT64_MAX },
	{ "JPY", "9223372036854775808", MONEY_RANGE, 0 },
	{ "JPY", "5", MONEY_OK, 5 },
	{ "JPY", "5.0", MONEY_MALFORMED, 0 },
	{ "KWD", "1.239", MONEY_OK, 1239 },
	{ "KWD", "1", MONEY_OK, 1000 },
	{ "KWD", "1.2394", MONEY_MALFORMED, 0 },
	{ "CLF", "0.0001", MONEY_OK, 1 },
	{ "USD", "1.239", MONEY_MALFORMED, 0 },
	{ "USD", "1.230", MONEY_MALFORMED, 0 },
	{ "USD", "-5", MONEY_NEGATIVE, 0 },
	{ "USD", "-0.01", MONEY_NEGATIVE, 0 },
	{ "USD", "-99999999999999999999999", MONEY_NEGATIVE, 0 },
	{ "USD", "-0.00", MONEY_MALFORMED, 0 },
	{ "USD", "-0", MONEY_MALFORMED, 0 },
	{ "USD", "-1.239", MONEY_MALFORMED, 0 },
	{ "USD", "-", MONEY_MALFORMED, 0 },
	{ "USD", "--5", MONEY_MALFORMED, 0 },
	{ "USD", "", MONEY_MALFORMED, 0 },
	{ "USD", "abc", MONEY_MALFORMED, 0 },
	{ "USD", " 5 ", MONEY_MALFORMED, 0 },
	{ "USD", "5 ", MONEY_MALFORMED, 0 },
	{ "USD", "+5", MONEY_MALFORMED, 0 },
	{ "USD", "1e3", MONEY_MALFORMED, 0 },
	{ "USD", "NaN", MONEY_MALFORMED, 0 },
	{ "USD", "5.", MONEY_MALFORMED, 0 },
	{ "USD", ".5", MONEY_MALFORMED, 0 },
	{ "USD", ".", MONEY_MALFORMED, 0 },
	{ "USD", "1.2.3", MONEY_MALFORMED, 0 },
	{ "USD", "1,50", MONEY_MALFORMED, 0 },
	{ "USD", "0x10", MONEY_MALFORMED, 0 },
	{ "USD", "\xd9\xa1", MONEY_MALFORMED, 0 }, /* an Arabic digit one */
};

START_TEST(an_amount_is_read_as_the_contract_says)
{
	int64_t minor = -1;
	enum money_error error = money_parse(parses[_i].text, strlen(parses[_i].text), parses[_i].currency, &minor);

	ck_assert_msg(error == parses[_i].error, "%s %s: error %d", parses[_i].text, parses[_i].currency, error);
	if (error == MONEY_OK)
		ck_assert_int_eq(minor, parses[_i].minor);
	else
		ck_assert_int_eq(minor, -1);
}
END_TEST

START_TEST(a_nul_inside_an_amount_is_malformed)
{
	int64_t minor;

	ck_assert_int_eq(money_parse("5\0", 2, "USD", &minor), MONEY_MALFORMED);
	ck_assert_int_eq(money_parse("5.\0", 3, "USD", &minor), MONEY_MALFORMED);
}
END_TEST

static const struct {
	int64_t minor;
	const char *currency, *text;
} formats[] = {
	{ 8555, "USD", "85.55" },
	{ 0, "USD", "0.00" },
	{ 5, "USD", "0.05" },
	{ 50, "USD", "0.50" },
	{ 100, "USD", "1.00" },
	{ -5, "USD", "-0.05" },
	{ INT64_MAX, "USD", "92233720368547758.07" },
	{ INT64_MIN, "USD", "-92233720368547758.08" },
	{ INT64_MIN, "JPY", "-9223372036854775808" },
	{ 0, "JPY", "0" },
	{ 120, "JPY", "120" },
	{ 1, "KWD", "0.001" },
	{ 12345, "CLF", "1.2345" },
};

START_TEST(an_amount_is_written_with_exactly_its_decimals)
{
	char text[MONEY_TEXT_SIZE];

	money_format(formats[_i].minor, formats[_i].currency, text);
	ck_assert_str_eq(text, formats[_i].text);
}
END_TEST

static const struct {
	const char *currency;
	int decimals;
} currencies[] = {
	{ "USD", 2 }, { "EUR", 2 }, { "AED", 2 }, { "ZWG", 2 }, { "JPY", 0 }, { "XPF", 0 }, { "BHD", 3 }, { "TND", 3 },
	{ "UYW", 4 }, { "usd", -1 }, { "US", -1 }, { "USDD", -1 }, { "", -1 }, { "XXX", -1 }, { "XAU", -1 },
	{ "DEM", -1 }, { "D A", -1 }, { "ED ", -1 },
};

START_TEST(a_currency_has_the_decimals_of_iso_4217)
{
	ck_assert_int_eq(currency_decimals(currencies[_i].currency), currencies[_i].decimals);
}
END_TEST

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

Suite *
money_suite(void)
{
	Suite *suite = suite_create("money");
	TCase *t = tcase_create("money");

	tcase_add_loop_test(t, an_amount_is_read_as_the_contract_says, 0, COUNT(parses));
	tcase_add_test(t, a_nul_inside_an_amount_is_malformed);
	tcase_add_loop_test(t, an_amount_is_written_with_exactly_its_decimals, 0, COUNT(formats));
	tcase_add_loop_test(t, a_currency_has_the_decimals_of_iso_4217, 0, COUNT(currencies));
	suite_add_tcase(suite, t);
	return suite;
}
