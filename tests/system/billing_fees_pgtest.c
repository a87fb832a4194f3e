/* What late cancellations and missed appointments cost, by the configuration, on a real PostgreSQL. */
#include <stdlib.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "tests/system/billing_fixture.h"

#define HOUR_MS INT64_C(3600000)

static void
configure(const char *late_hours, const char *late_service, const char *no_show_service)
{
	setenv("MEDICORE__BILLING__LATE_HOURS", late_hours, 1);
	setenv("MEDICORE__BILLING__LATE_SERVICE", late_service, 1);
	setenv("MEDICORE__BILLING__NO_SHOW_SERVICE", no_show_service, 1);
	ck_assert(config_load("/dev/null"));
}

static void
setup(void)
{
	billing_setup();
	run("insert into service (code, description, price, currency, tax_rate)"
	    " values ('LATE', 'Late cancellation', 2000, 'USD', 82500), ('MISSED', 'Missed appointment', 4000, 'JPY', 0)");
	configure("24", "LATE", "MISSED");
}

static void
teardown(void)
{
	configure("0", "", "");
	billing_teardown();
}

/* All invoices, the appointment's first: "VOID 8555 USD t, ISSUED 2165 USD f". */
static const char *
invoices(void)
{
	return text("select string_agg(concat_ws(' ', status, amount, currency, appointment_cancelled), ', '"
		    " order by appointment_id) from invoice");
}

static void
assert_books_balance(void)
{
	ck_assert_int_eq(number("select count(*) from (select posting from ledger group by posting having sum(amount) <> 0) p"), 0);
	ck_assert_int_eq(number("select count(*) from invoice i where remaining_amount <> (select coalesce(sum(amount), 0)"
				" from ledger where invoice_id = i.id and account = 'RECEIVABLE')"), 0);
}

static const struct {
	const char *late_hours, *service;
	int64_t notice_ms;
	bool costs;
} notices[] = {
	{ "24", "LATE", 24 * HOUR_MS, false },
	{ "24", "LATE", 24 * HOUR_MS - 1, true },
	{ "24", "LATE", 0, true },
	{ "24", "LATE", -HOUR_MS, true }, /* after its start */
	{ "24", "LATE", INT64_MIN, true },
	{ "24", "LATE", INT64_MAX, false }, /* nobody knows */
	{ "8760", "LATE", 8760 * HOUR_MS - 1, true },
	{ "1", "LATE", HOUR_MS, false },
	{ "0", "LATE", -HOUR_MS, false },
	{ "24", "", 0, false },
};

START_TEST(a_cancellation_costs_where_it_comes_late)
{
	const char *a = new_id();

	configure(notices[_i].late_hours, notices[_i].service, "MISSED");
	take_one(booked(NULL, a, "GP-1"));
	take_one(cancelled_before(NULL, a, notices[_i].notice_ms));
	ck_assert_str_eq(invoices(), notices[_i].costs ? "VOID 8555 USD t, ISSUED 2165 USD f" : "VOID 8555 USD t");
	ck_assert_int_eq(number("select count(*) from fee where appointment_id = '%s'", a), notices[_i].costs);
	assert_books_balance();
}
END_TEST

START_TEST(who_does_not_come_pays_in_place_of_the_visit)
{
	const char *a = new_id();
	struct billing_tally tally;

	take_one(booked(NULL, a, "GP-1"));
	tally = take_one(not_shown(NULL, a));
	ck_assert_uint_eq(tally.voided, 1);
	ck_assert_uint_eq(tally.invoiced, 1);
	ck_assert_str_eq(invoices(), "VOID 8555 USD t, ISSUED 4000 JPY f");
	ck_assert_str_eq(text("select concat_ws(' ', l.position, l.service_code, l.quantity, l.unit_price, l.net, l.tax, i.patient_id,"
			      " i.description, i.due_date > current_date)"
			      " from invoice_line l join invoice i on i.id = l.invoice_id join fee f on f.invoice_id = i.id"),
	    "1 MISSED 1 4000 4000 0 " PATIENT " Missed appointment t");
	ck_assert_int_eq(number("select count(*) from outbox where type = '" TYPE_INVOICE_ISSUED "' and aggregateid = '" PATIENT
				"' and headers->>'invoice_id' = (select invoice_id::text from fee)"), 1);
	assert_books_balance();
}
END_TEST

START_TEST(who_does_not_come_pays_nothing_where_no_service_is_named)
{
	const char *a = new_id();

	configure("24", "LATE", "");
	take_one(booked(NULL, a, "GP-1"));
	take_one(not_shown(NULL, a));
	ck_assert_str_eq(invoices(), "VOID 8555 USD t");
}
END_TEST

START_TEST(a_fee_that_comes_before_its_booking_is_charged_once)
{
	const char *a = new_id(), *b = new_id();
	struct billing_event batch[] = { not_shown("1", a), booked("2", a, "GP-1"), booked("4", b, "GP-1"),
		cancelled_before("3", b, 0) };

	take(batch, 1);
	ck_assert_str_eq(invoices(), "ISSUED 4000 JPY f");
	take(batch, COUNT(batch));
	take(batch, COUNT(batch));
	ck_assert_int_eq(number("select count(*) from invoice where appointment_id is not null and status = 'VOID'"), 2);
	ck_assert_int_eq(number("select count(*) from invoice where appointment_id is null and status = 'ISSUED'"), 2);
	ck_assert_int_eq(number("select count(*) from fee"), 2);
	assert_books_balance();
}
END_TEST

START_TEST(several_events_of_one_appointment_charge_it_once)
{
	const char *a = new_id();
	struct billing_event batch[] = { cancelled_before(NULL, a, 0), cancelled_before(NULL, a, 0), not_shown(NULL, a) };

	take(batch, COUNT(batch));
	take_one(cancelled_before(NULL, a, 0));
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
	ck_assert_int_eq(number("select count(*) from dead_letters"), 0);
}
END_TEST

START_TEST(a_fee_without_a_price_is_parked_and_charged_when_it_has_one)
{
	const char *a = new_id();
	struct billing_event e = not_shown("1", a);
	struct dead_letter *letters;
	int64_t asked;
	size_t count;
	bool gone;

	configure("24", "LATE", "NEW");
	take_one(booked(NULL, a, "GP-1"));
	ck_assert_uint_eq(take_one(e).parked, 1);
	ck_assert_str_eq(text("select ce_id || ' ' || reason from dead_letters"), "1 no_price");
	ck_assert_str_eq(invoices(), "VOID 8555 USD t");
	run("insert into service (code, description, price, currency) values ('NEW', 'New', 100, 'USD')");
	ck_assert_int_eq(dead_letter_ask_replay(&operator, 0, &asked), RC_OK);
	ck_assert_int_eq(dead_letter_replayable(&worker, 10, &letters, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(billing_take_again(&worker, &known_patients, &letters[0], &e, &gone), RC_OK);
	ck_assert(gone);
	ck_assert_str_eq(invoices(), "VOID 8555 USD t, ISSUED 100 USD f");
	assert_books_balance();
}
END_TEST

START_TEST(a_fee_too_large_to_be_counted_is_parked)
{
	run("update service set price = 9223372036854775807 where code = 'LATE'");
	ck_assert_uint_eq(take_one(cancelled_before(NULL, new_id(), 0)).parked, 1);
	ck_assert_str_eq(text("select reason from dead_letters"), "no_price");
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

START_TEST(what_billing_does_nothing_about_is_received_once)
{
	struct billing_event e = not_shown("1", NULL);
	struct billing_tally tally;

	e.kind = BOOKING_ELSE;
	e.patient_id = NULL;
	tally = take_one(e);
	ck_assert_uint_eq(tally.invoiced + tally.voided + tally.parked + tally.repeated, 0);
	ck_assert_uint_eq(take_one(e).repeated, 1);
	ck_assert_int_eq(number("select count(*) from inbox"), 1);
}
END_TEST

Suite *
fees_suite(void)
{
	Suite *suite = suite_create("fees");
	TCase *tc = tcase_create("fees");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_cancellation_costs_where_it_comes_late, 0, (int)COUNT(notices));
	tcase_add_test(tc, who_does_not_come_pays_in_place_of_the_visit);
	tcase_add_test(tc, who_does_not_come_pays_nothing_where_no_service_is_named);
	tcase_add_test(tc, a_fee_that_comes_before_its_booking_is_charged_once);
	tcase_add_test(tc, several_events_of_one_appointment_charge_it_once);
	tcase_add_test(tc, a_fee_without_a_price_is_parked_and_charged_when_it_has_one);
	tcase_add_test(tc, a_fee_too_large_to_be_counted_is_parked);
	tcase_add_test(tc, what_billing_does_nothing_about_is_received_once);
	suite_add_tcase(suite, tc);
	return suite;
}
