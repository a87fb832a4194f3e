/* What lines come to: tables of cases, and random invoices whose sums must agree. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "domain/billing/lines.h"
#include "tests/unit/billing/fakes.h"

#define LARGEST INT64_MAX
#define MONEY(n) { .minor = (n), .known = true }

static const struct invoice_line *
line(const struct invoice *invoice, size_t i)
{
	return (const struct invoice_line *)invoice->lines.rows + i;
}

/* --- one line, or two --- */

static const struct {
	struct invoice_line lines[2];
	int64_t discount;
	int64_t subtotal, tax; /* -1: refused */
	const char *blamed;
} sums[] = {
	{ { { .quantity = 1, .unit_price = MONEY(10) }, { .quantity = 1, .unit_price = MONEY(20) } }, 0, 30, 0, NULL },
	/* 0.05 of 10 % is half a unit: away from zero. */
	{ { { .quantity = 1, .unit_price = MONEY(5), .tax_rate = 100000 }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, 5, 1, NULL },
	{ { { .quantity = 1, .unit_price = MONEY(4), .tax_rate = 100000 }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, 4, 0, NULL },
	/* Rounded once a line: twice 0.5, not once 1.0. */
	{ { { .quantity = 1, .unit_price = MONEY(5), .tax_rate = 100000 }, { .quantity = 1, .unit_price = MONEY(5), .tax_rate = 100000 } },
	    0, 10, 2, NULL },
	{ { { .quantity = 2, .unit_price = MONEY(5), .tax_rate = 100000 }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, 10, 1, NULL },
	{ { { .quantity = 3, .unit_price = MONEY(3333), .tax_rate = 82500 }, { .quantity = 1, .unit_price = MONEY(1) } }, 100, 9900, 817,
	    NULL },
	{ { { .quantity = 1, .unit_price = MONEY(100), .tax_rate = 1000000 }, { .quantity = 1, .unit_price = MONEY(0) } }, 100, 0, 0, NULL },
	{ { { .quantity = 1, .unit_price = MONEY(LARGEST) }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, LARGEST, 0, NULL },
	{ { { .quantity = 1000000, .unit_price = MONEY(9223372036854) }, { .quantity = 1, .unit_price = MONEY(775807) } }, 0, LARGEST, 0,
	    NULL },
	{ { { .quantity = 1, .unit_price = MONEY(LARGEST) }, { .quantity = 1, .unit_price = MONEY(1) } }, 0, -1, 0, "lines[1]" },
	{ { { .quantity = 2, .unit_price = MONEY(LARGEST / 2 + 1) }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, -1, 0, "lines[0]" },
	{ { { .quantity = 1, .unit_price = MONEY(LARGEST), .tax_rate = 1 }, { .quantity = 1, .unit_price = MONEY(0) } }, 0, -1, 0, "lines[0]" },
	{ { { .quantity = 1, .unit_price = MONEY(10) }, { .quantity = 1, .unit_price = MONEY(20) } }, 31, -1, 0, "discount" },
};

START_TEST(lines_are_added_up_exactly_or_refused)
{
	struct invoice i = { .currency = "USD",
		.lines = { .rows = sums[_i].lines, .count = 2 },
		.discount = MONEY(sums[_i].discount) };
	enum rc rc = invoice_work_out(&cx, &i);

	if (sums[_i].blamed != NULL) {
		ck_assert_int_eq(rc, RC_INVALID);
		ck_assert_str_eq(cx.err.fields->name, sums[_i].blamed);
		return;
	}
	ck_assert_int_eq(rc, RC_OK);
	ck_assert_int_eq(i.subtotal.minor, sums[_i].subtotal);
	ck_assert_int_eq(i.tax.minor, sums[_i].tax);
	ck_assert_int_eq(i.amount.minor, sums[_i].subtotal + sums[_i].tax);
}
END_TEST

static const struct {
	const char *currency, *text;
} amounts[] = {
	{ "USD", "0.10" },
	{ "JPY", "9223372036854775807" },
	{ "KWD", "9223372036854775.807" },
	{ "USD", "92233720368547758.07" },
};

START_TEST(an_amount_alone_is_one_line_of_it_in_any_currency)
{
	struct invoice i = { .currency = amounts[_i].currency, .amount.known = true };
	char shown[MONEY_TEXT_SIZE];

	ck_assert_int_eq(
	    money_parse(amounts[_i].text, strlen(amounts[_i].text), i.currency, &i.amount.minor), MONEY_OK);
	ck_assert_int_eq(invoice_work_out(&cx, &i), RC_OK);
	ck_assert_uint_eq(i.lines.count, 1);
	ck_assert_int_eq(line(&i, 0)->quantity, 1);
	money_format(line(&i, 0)->net.minor, i.currency, shown);
	ck_assert_str_eq(shown, amounts[_i].text);
	ck_assert_int_eq(i.tax.minor, 0);
}
END_TEST

START_TEST(neither_or_both_are_refused)
{
	static const struct invoice_line one = { .quantity = 1, .unit_price = MONEY(1) };
	struct invoice i = { .currency = "USD" };

	if (_i == 1) {
		i.amount = (struct money)MONEY(1);
		i.lines = (struct field_list){ .rows = &one, .count = 1 };
	}
	ck_assert_int_eq(invoice_work_out(&cx, &i), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "amount");
}
END_TEST

/* --- the price list --- */

static struct service listed[] = {
	{ .code = "XR", .description = "X-ray", .price = MONEY(4000), .currency = "USD", .tax_rate = 200000 },
	{ .code = "EU", .description = "Elsewhere", .price = MONEY(1), .currency = "EUR" },
};

static const struct {
	struct invoice_line line;
	enum rc rc;
	const char *blamed, *description;
	int64_t net, tax;
} lookups[] = {
	{ { .service_code = "XR", .tax_rate = -1, .quantity = 2 }, RC_OK, NULL, "X-ray", 8000, 1600 },
	{ { .service_code = "XR", .tax_rate = 0, .description = "Cheap", .unit_price = MONEY(10) }, RC_OK, NULL, "Cheap", 10, 0 },
	{ { .service_code = "XR", .tax_rate = -1, .unit_price = MONEY(10) }, RC_OK, NULL, "X-ray", 10, 2 },
	{ { .service_code = "??", .tax_rate = -1, .unit_price = MONEY(10) }, RC_OK, NULL, NULL, 10, 0 },
	{ { .service_code = "??", .tax_rate = -1 }, RC_NOT_FOUND, "lines[0].serviceCode", NULL, 0, 0 },
	{ { .service_code = "EU", .tax_rate = -1 }, RC_INVALID, "lines[0].unitPrice", NULL, 0, 0 },
	{ { .tax_rate = -1, .description = "Ours" }, RC_INVALID, "lines[0].unitPrice", NULL, 0, 0 },
};

START_TEST(what_a_line_leaves_out_is_the_lists)
{
	struct invoice i = { .currency = "USD", .lines = { .rows = &lookups[_i].line, .count = 1 } };

	price_list = listed;
	price_list_length = COUNT(listed);
	ck_assert_int_eq(invoice_work_out(&cx, &i), lookups[_i].rc);
	if (lookups[_i].blamed != NULL) {
		ck_assert_str_eq(cx.err.fields->name, lookups[_i].blamed);
		return;
	}
	ck_assert_pstr_eq(line(&i, 0)->description, lookups[_i].description);
	ck_assert_int_eq(line(&i, 0)->net.minor, lookups[_i].net);
	ck_assert_int_eq(line(&i, 0)->tax.minor, lookups[_i].tax);
}
END_TEST

/* --- any invoice --- */

#define INVOICES 10000

static int64_t
below(unsigned *seed, int64_t n)
{
	int64_t r = ((int64_t)rand_r(seed) << 31) ^ rand_r(seed);

	return (r & INT64_MAX) % n;
}

/* Amounts of every size, so that some are too large. */
static int64_t
some_amount(unsigned *seed)
{
	return below(seed, INT64_C(1) << (1 + below(seed, 62)));
}

/* Sums of what the lines say, each checked against 128 bits. */
static void
check_sums(const struct invoice *i, int64_t discount, unsigned n)
{
	int64_t shares = 0, nets = 0, taxes = 0;

	for (size_t l = 0; l < i->lines.count; l++) {
		const struct invoice_line *at = line(i, l);
		__extension__ __int128 gross = (__int128)at->quantity * at->unit_price.minor;
		__extension__ __int128 off = (__int128)at->net.minor * at->tax_rate - (__int128)at->tax.minor * 1000000;

		ck_assert_msg(gross == (__int128)at->net.minor + at->discount.minor, "invoice %u line %zu", n, l);
		ck_assert_msg(at->discount.minor >= 0 && at->net.minor >= 0, "invoice %u line %zu", n, l);
		/* A half, which is away from zero, is the most that rounding takes off or puts on. */
		ck_assert_msg(off >= -500000 && off < 500000, "invoice %u line %zu", n, l);
		shares += at->discount.minor;
		nets += at->net.minor;
		taxes += at->tax.minor;
	}
	ck_assert_msg(shares == discount, "invoice %u", n);
	ck_assert_msg(nets == i->subtotal.minor && taxes == i->tax.minor, "invoice %u", n);
	ck_assert_msg(nets + taxes == i->amount.minor, "invoice %u", n);
}

START_TEST(of_any_invoice_the_lines_and_the_totals_agree)
{
	const char *given = getenv("SEED");
	unsigned first = given == NULL ? (unsigned)time(NULL) : (unsigned)strtoul(given, NULL, 10), seed = first;
	unsigned taken = 0;

	printf("lines: SEED=%u\n", first);
	for (unsigned n = 0; n < INVOICES; n++) {
		struct invoice_line lines[8] = { 0 };
		struct invoice i = { .currency = "USD", .lines = { .rows = lines, .count = (size_t)below(&seed, 8) + 1 } };
		int64_t least = INT64_MAX;

		for (size_t l = 0; l < i.lines.count; l++) {
			lines[l].quantity = below(&seed, 1000) + 1;
			lines[l].unit_price = (struct money)MONEY(some_amount(&seed));
			lines[l].tax_rate = below(&seed, 1000001);
			if (lines[l].unit_price.minor < least)
				least = lines[l].unit_price.minor;
		}
		i.discount = (struct money)MONEY(below(&seed, least + 1));
		arena_reset(cx.arena);
		err_clear(&cx);
		if (invoice_work_out(&cx, &i) != RC_OK)
			continue;
		taken++;
		check_sums(&i, i.discount.minor, n);
	}
	ck_assert_msg(taken > INVOICES / 10, "only %u could be counted", taken);
}
END_TEST

Suite *
lines_suite(void)
{
	Suite *suite = suite_create("lines");
	TCase *t = tcase_create("lines");

	tcase_add_checked_fixture(t, fakes_setup, fakes_teardown);
	tcase_add_loop_test(t, lines_are_added_up_exactly_or_refused, 0, COUNT(sums));
	tcase_add_loop_test(t, an_amount_alone_is_one_line_of_it_in_any_currency, 0, COUNT(amounts));
	tcase_add_loop_test(t, neither_or_both_are_refused, 0, 2);
	tcase_add_loop_test(t, what_a_line_leaves_out_is_the_lists, 0, COUNT(lookups));
	tcase_add_test(t, of_any_invoice_the_lines_and_the_totals_agree);
	suite_add_tcase(suite, t);
	return suite;
}
