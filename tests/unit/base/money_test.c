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

/* Amounts in and out as people write them, so that no test does the arithmetic that it tests. */
static int64_t
minor(const char *text, const char *currency)
{
	bool negative = *text == '-';
	int64_t n = 0;

	ck_assert_int_eq(money_parse(text + negative, strlen(text + negative), currency, &n), MONEY_OK);
	return negative ? -n : n;
}

#define TOO_LARGE NULL

static void
check_result(bool fits, int64_t got, const char *due, const char *currency)
{
	char text[MONEY_TEXT_SIZE];

	ck_assert_msg(fits == (due != TOO_LARGE), "due %s", due != TOO_LARGE ? due : "an overflow");
	if (!fits) {
		ck_assert_int_eq(got, 4711); /* nothing was stored */
		return;
	}
	money_format(got, currency, text);
	ck_assert_str_eq(text, due);
}

static const struct {
	const char *currency, *a, *b, *sum, *difference;
} sums[] = {
	{ "USD", "0.10", "0.20", "0.30", "-0.10" },
	{ "USD", "85.55", "0.00", "85.55", "85.55" },
	{ "JPY", "1", "2", "3", "-1" },
	{ "KWD", "0.001", "0.999", "1.000", "-0.998" },
	{ "USD", "92233720368547758.06", "0.01", "92233720368547758.07", "92233720368547758.05" },
	{ "USD", "92233720368547758.07", "0.01", TOO_LARGE, "92233720368547758.06" },
	{ "USD", "-92233720368547758.07", "0.02", "-92233720368547758.05", TOO_LARGE },
	{ "JPY", "9223372036854775807", "9223372036854775807", TOO_LARGE, "0" },
	{ "JPY", "9223372036854775807", "-9223372036854775807", "0", TOO_LARGE },
	{ "KWD", "1234567890123456.789", "1000000000000000.001", "2234567890123456.790", "234567890123456.788" },
};

START_TEST(a_sum_is_exact_or_refused)
{
	int64_t a = minor(sums[_i].a, sums[_i].currency), b = minor(sums[_i].b, sums[_i].currency), got = 4711;
	bool fits = money_add(a, b, &got);

	check_result(fits, got, sums[_i].sum, sums[_i].currency);
	got = 4711;
	fits = money_subtract(a, b, &got);
	check_result(fits, got, sums[_i].difference, sums[_i].currency);
}
END_TEST

static const struct {
	const char *currency, *price;
	int64_t quantity;
	const char *product;
} products[] = {
	{ "USD", "0.10", 3, "0.30" },
	{ "USD", "33.33", 3, "99.99" },
	{ "JPY", "120", 1000000, "120000000" },
	{ "KWD", "0.005", 7, "0.035" },
	{ "USD", "92233720368547758.07", 1, "92233720368547758.07" },
	{ "USD", "92233720368547758.07", 0, "0.00" },
	{ "USD", "92233720368547758.07", 2, TOO_LARGE },
	{ "USD", "92233720368547.75", 1000, "92233720368547750.00" },
	{ "USD", "92233720368547.76", 1000, TOO_LARGE },
	{ "JPY", "4611686018427387904", 2, TOO_LARGE },
	{ "JPY", "4611686018427387903", 2, "9223372036854775806" },
};

START_TEST(a_product_is_exact_or_refused)
{
	int64_t got = 4711;
	bool fits = money_multiply(minor(products[_i].price, products[_i].currency), products[_i].quantity, &got);

	check_result(fits, got, products[_i].product, products[_i].currency);
}
END_TEST

static const struct {
	const char *currency, *amount;
	int64_t rate;
	const char *part;
} rates[] = {
	{ "USD", "100.00", 82500, "8.25" },
	{ "USD", "0.06", 82500, "0.00" },  /* 0.00495 */
	{ "USD", "0.10", 50000, "0.01" },  /* 0.005: half away from zero … */
	{ "USD", "-0.10", 50000, "-0.01" }, /* … on both sides */
	{ "USD", "0.30", 50000, "0.02" },  /* 0.015: no banker's rounding */
	{ "USD", "0.10", 49999, "0.00" },
	{ "USD", "-0.10", 49999, "0.00" },
	{ "USD", "1.00", 1, "0.00" },
	{ "USD", "5000.00", 1, "0.01" },
	{ "USD", "4999.99", 1, "0.00" },
	{ "USD", "85.55", 0, "0.00" },
	{ "USD", "85.55", 1000000, "85.55" },
	{ "JPY", "105", 100000, "11" },
	{ "JPY", "104", 100000, "10" },
	{ "KWD", "0.010", 50000, "0.001" },
	{ "KWD", "1.239", 50000, "0.062" },
	{ "USD", "92233720368547758.07", 1000000, "92233720368547758.07" },
	{ "USD", "92233720368547758.07", 999999, "92233628134827389.52" },
	{ "USD", "92233720368547758.07", 1000001, TOO_LARGE },
	{ "JPY", "9223372036854775807", INT64_MAX, TOO_LARGE },
	{ "JPY", "-9223372036854775807", 2000000, TOO_LARGE },
};

START_TEST(a_rate_is_rounded_once_and_half_away_from_zero)
{
	int64_t got = 4711;
	bool fits = money_rate(minor(rates[_i].amount, rates[_i].currency), rates[_i].rate, &got);

	check_result(fits, got, rates[_i].part, rates[_i].currency);
}
END_TEST

static const struct {
	const char *text;
	enum money_error error;
	int64_t rate;
	const char *shown;
} percentages[] = {
	{ "8.25", MONEY_OK, 82500, "8.25" },
	{ "0", MONEY_OK, 0, "0" },
	{ "0.0000", MONEY_OK, 0, "0" },
	{ "20.00", MONEY_OK, 200000, "20" },
	{ "0.0001", MONEY_OK, 1, "0.0001" },
	{ "100", MONEY_OK, 1000000, "100" },
	{ "99.9999", MONEY_OK, 999999, "99.9999" },
	{ "100.0001", MONEY_RANGE, 0, NULL },
	{ "922337203685477.5808", MONEY_RANGE, 0, NULL },
	{ "-1", MONEY_NEGATIVE, 0, NULL },
	{ "8.25001", MONEY_MALFORMED, 0, NULL },
	{ "8.", MONEY_MALFORMED, 0, NULL },
	{ "", MONEY_MALFORMED, 0, NULL },
	{ "8%", MONEY_MALFORMED, 0, NULL },
};

START_TEST(a_rate_is_a_percentage_outside)
{
	char shown[RATE_TEXT_SIZE];
	int64_t rate = 4711;

	ck_assert_int_eq(rate_parse(percentages[_i].text, strlen(percentages[_i].text), &rate), percentages[_i].error);
	if (percentages[_i].error != MONEY_OK) {
		ck_assert_int_eq(rate, 4711);
		return;
	}
	ck_assert_int_eq(rate, percentages[_i].rate);
	rate_format(rate, shown);
	ck_assert_str_eq(shown, percentages[_i].shown);
}
END_TEST

#define PARTS_MAX 6

static const struct {
	int64_t total;
	size_t n;
	int64_t weights[PARTS_MAX], parts[PARTS_MAX];
} splits[] = {
	{ 100, 3, { 1, 1, 1 }, { 34, 33, 33 } },
	{ 200, 3, { 1, 1, 1 }, { 67, 67, 66 } },
	{ -100, 3, { 1, 1, 1 }, { -34, -33, -33 } },
	{ 2, 3, { 1, 1, 1 }, { 1, 1, 0 } },
	{ 0, 3, { 1, 2, 3 }, { 0, 0, 0 } },
	{ 1, 1, { 7 }, { 1 } },
	{ 10, 3, { 1, 2, 4 }, { 1, 3, 6 } },   /* 1.43, 2.86, 5.71: the second, then the third */
	{ 5, 4, { 3, 0, 3, 4 }, { 2, 0, 1, 2 } }, /* 1.5, 0, 1.5, 2: of equal ones the earliest */
	{ 1000, 4, { 0, 0, 5, 0 }, { 0, 0, 1000, 0 } },
	{ 7, 3, { 0, 0, 0 }, { 7, 0, 0 } },
	{ -7, 2, { 0, 0 }, { -7, 0 } },
	{ INT64_MAX, 2, { INT64_MAX, INT64_MAX }, { INT64_C(4611686018427387904), INT64_C(4611686018427387903) } },
	{ INT64_MIN, 3, { 1, 0, 1 }, { INT64_MIN / 2, 0, INT64_MIN / 2 } },
	{ INT64_MIN, 1, { 3 }, { INT64_MIN } },
	{ INT64_MAX, 2, { INT64_MAX, 1 }, { INT64_C(9223372036854775806), 1 } },
	{ 3, 6, { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX }, { 1, 1, 1, 0, 0, 0 } },
};

START_TEST(a_split_gives_what_is_left_to_the_largest_fractions)
{
	int64_t parts[PARTS_MAX] = { 0 }, sum = 0;

	ck_assert(money_split(splits[_i].total, splits[_i].weights, splits[_i].n, parts));
	for (size_t i = 0; i < splits[_i].n; i++) {
		ck_assert_int_eq(parts[i], splits[_i].parts[i]);
		ck_assert(money_add(sum, parts[i], &sum));
	}
	ck_assert_int_eq(sum, splits[_i].total);
}
END_TEST

START_TEST(a_split_always_adds_up)
{
	int64_t weights[200], parts[200], sum;
	uint64_t state = 20261101;

	for (int round = 0; round < 200; round++) {
		int64_t total, most = round % 2 == 0 ? 1000 : INT64_MAX;

		for (size_t i = 0; i < 200; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			weights[i] = (int64_t)(state >> 1) % most;
		}
		total = weights[0] * (round % 3 == 0 ? -1 : 1);
		ck_assert(money_split(total, weights, 200, parts));
		sum = 0;
		for (size_t i = 0; i < 200; i++) {
			ck_assert(parts[i] == 0 || (parts[i] < 0) == (total < 0));
			ck_assert(money_add(sum, parts[i], &sum));
		}
		ck_assert_int_eq(sum, total);
	}
}
END_TEST

START_TEST(a_split_among_none_or_by_a_negative_weight_is_refused)
{
	static const int64_t weights[] = { 1, -1, 3 };
	int64_t parts[3];

	ck_assert(!money_split(5, weights, 0, parts));
	ck_assert(!money_split(5, weights, 3, parts));
	ck_assert(money_split(5, weights, 1, parts));
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
	tcase_add_loop_test(t, a_sum_is_exact_or_refused, 0, COUNT(sums));
	tcase_add_loop_test(t, a_product_is_exact_or_refused, 0, COUNT(products));
	tcase_add_loop_test(t, a_rate_is_rounded_once_and_half_away_from_zero, 0, COUNT(rates));
	tcase_add_loop_test(t, a_rate_is_a_percentage_outside, 0, COUNT(percentages));
	tcase_add_loop_test(t, a_split_gives_what_is_left_to_the_largest_fractions, 0, COUNT(splits));
	tcase_add_test(t, a_split_always_adds_up);
	tcase_add_test(t, a_split_among_none_or_by_a_negative_weight_is_refused);
	suite_add_tcase(suite, t);
	return suite;
}
