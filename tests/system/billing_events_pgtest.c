/* What becomes of events, each verdict of the design's "Events", on a real PostgreSQL. */
#include <pthread.h>
#include <string.h>

#include "lib/base/config.h"
#include "tests/system/billing_fixture.h"

static const char *
invoice_of(const char *appointment, const char *column)
{
	return text("select %s from invoice where appointment_id = '%s'", column, appointment);
}

START_TEST(a_booking_makes_one_issued_invoice_at_the_listed_price)
{
	const char *a = new_id();
	struct billing_tally tally = take_one(booked(NULL, a, "GP-1"));

	ck_assert_uint_eq(tally.invoiced, 1);
	ck_assert_uint_eq(tally.voided + tally.parked + tally.repeated, 0);
	ck_assert_str_eq(
	    invoice_of(a,
		"concat_ws(' ', status, amount, remaining_amount, currency, description, service_code,"
		" due_date - current_date, appointment_cancelled, patient_id)"),
	    arena_printf(super.arena, "ISSUED 8555 8555 USD Consultation GP-1 %d f " PATIENT, config->billing.terms_days));
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
	ck_assert_int_eq(number("select count(*) from inbox"), 1);
}
END_TEST

START_TEST(a_price_that_changes_later_leaves_the_invoice_alone)
{
	const char *a = new_id();

	take_one(booked(NULL, a, "GP-1"));
	run("update service set price = 1");
	take_one(booked(NULL, a, "GP-1"));
	ck_assert_str_eq(invoice_of(a, "amount"), "8555");
}
END_TEST

START_TEST(the_same_event_ten_times_has_one_effect)
{
	struct billing_event e = booked(NULL, new_id(), "GP-1"), batch[10];
	struct billing_tally tally;

	for (size_t i = 0; i < COUNT(batch); i++)
		batch[i] = e;
	tally = take(batch, COUNT(batch));
	ck_assert_uint_eq(tally.invoiced, 1);
	ck_assert_uint_eq(tally.repeated, 9);
	tally = take(batch, COUNT(batch));
	ck_assert_uint_eq(tally.invoiced, 0);
	ck_assert_uint_eq(tally.repeated, 10);
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
	ck_assert_int_eq(number("select count(*) from inbox"), 1);
}
END_TEST

START_TEST(a_second_event_of_one_booking_makes_no_second_invoice)
{
	const char *a = new_id();
	struct billing_event both[] = { booked(NULL, a, "GP-1"), booked(NULL, a, "GP-1") };

	take(both, 2);
	take_one(booked(NULL, a, "GP-1"));
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
	ck_assert_int_eq(number("select count(*) from inbox"), 3);
}
END_TEST

/* Those that don't become an invoice take none of the numbers. */
START_TEST(a_batch_numbers_its_invoices_without_gaps)
{
	const char *a = new_id();
	struct billing_event batch[] = { booked("1", a, "GP-1"), booked("2", a, "GP-1"), booked("3", new_id(), "NOT-LISTED"),
		booked("4", new_id(), "GP-1"), cancelled("5", new_id()), booked("6", new_id(), "GP-1") };

	take(batch, COUNT(batch));
	take(batch, COUNT(batch));
	take_one(booked("7", a, "GP-1"));
	take_one(booked("8", new_id(), "GP-1"));
	ck_assert_str_eq(text("select string_agg(number, ' ' order by number) from invoice"),
	    text("select concat_ws(' ', year || '-000001', year || '-000002', year || '-000003', year || '-000004')"
		 " from (select extract(year from now() at time zone '%s') as year) y", config->scheduling.zone));
	ck_assert_int_eq(number("select last from invoice_series"), 4);
	ck_assert_int_eq(number("select max(version) from invoice"), 1);
}
END_TEST

START_TEST(an_empty_batch_is_nothing)
{
	struct billing_tally tally = take(NULL, 0);

	ck_assert_uint_eq(tally.invoiced + tally.voided + tally.parked + tally.repeated, 0);
}
END_TEST

/* --- cancellations --- */

START_TEST(a_cancellation_before_its_booking_makes_a_void_invoice)
{
	const char *a = new_id();
	struct billing_tally tally;

	take_one(cancelled(NULL, a));
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
	tally = take_one(booked(NULL, a, "GP-1"));
	ck_assert_uint_eq(tally.voided, 1);
	ck_assert_str_eq(
	    invoice_of(a, "concat_ws(' ', status, amount, remaining_amount, appointment_cancelled)"),
	    "VOID 8555 0 t");
}
END_TEST

START_TEST(booking_and_cancellation_in_one_batch_make_a_void_invoice_in_either_order)
{
	const char *a = new_id(), *b = new_id();
	struct billing_event batch[] = { booked("1", a, "GP-1"), cancelled("2", a), cancelled("3", b),
		booked("4", b, "GP-1") };

	take(batch, COUNT(batch));
	ck_assert_int_eq(
	    number(
		"select count(*) from invoice where status = 'VOID' and remaining_amount = 0 and appointment_cancelled"),
	    2);
}
END_TEST

START_TEST(a_cancellation_voids_what_nobody_has_paid_for)
{
	const char *a = new_id();
	struct billing_tally tally;

	take_one(booked(NULL, a, "GP-1"));
	tally = take_one(cancelled(NULL, a));
	ck_assert_uint_eq(tally.voided, 1);
	ck_assert_str_eq(
	    invoice_of(a, "concat_ws(' ', status, amount, remaining_amount, appointment_cancelled, version)"),
	    "VOID 8555 0 t 2");
}
END_TEST

static const struct {
	const char *paid, *result;
} payments[] = {
	{ "status = 'PAID', amount_paid = 8555, remaining_amount = 0", "PAID 0 t" },
	{ "status = 'PARTIALLY_PAID', amount_paid = 8500, remaining_amount = 55", "PARTIALLY_PAID 55 t" },
	{ "status = 'OVERDUE', amount_paid = 8500, remaining_amount = 55", "OVERDUE 55 t" },
	{ "status = 'OVERDUE'", "VOID 0 t" },
	{ "status = 'UNCOLLECTIBLE'", "VOID 0 t" },
	{ "status = 'REFUNDED', amount_paid = 8555, amount_refunded = 8555, remaining_amount = 0", "REFUNDED 0 t" },
	{ "status = 'VOID', remaining_amount = 0", "VOID 0 t" },
};

START_TEST(a_cancellation_leaves_what_somebody_has_paid_for_but_shows_it)
{
	const char *a = new_id();

	take_one(booked(NULL, a, "GP-1"));
	run(arena_printf(super.arena, "update invoice set %s", payments[_i].paid));
	take_one(cancelled(NULL, a));
	ck_assert_str_eq(invoice_of(a, "concat_ws(' ', status, remaining_amount, appointment_cancelled)"),
	    payments[_i].result);
}
END_TEST

/* --- lines, books and events --- */

#define BOOKS "select string_agg(concat_ws(' ', kind, account, amount, service_code), ', ' order by seq) from ledger"
#define TOLD "select string_agg(concat_ws(' ', split_part(type, '.', 3), aggregateid, convert_from(payload, 'UTF8')), ', ' order by seq)" \
	" from outbox"

START_TEST(a_booking_has_a_line_with_tax_and_is_in_the_books)
{
	run("update service set tax_rate = 82500");
	take_one(booked(NULL, new_id(), "GP-1"));
	/* 8.25 % of 85.55 is 7.057875 */
	ck_assert_str_eq(text("select concat_ws(' ', subtotal, tax, amount, remaining_amount) from invoice"), "8555 706 9261 9261");
	ck_assert_str_eq(text("select concat_ws(' ', position, service_code, description, quantity, unit_price, discount, tax_rate,"
			      " net, tax) from invoice_line"),
	    "1 GP-1 Consultation 1 8555 0 82500 8555 706");
	ck_assert_str_eq(text(BOOKS), "ISSUE RECEIVABLE 9261, ISSUE TAX -706, ISSUE REVENUE -8555 GP-1");
	ck_assert_str_eq(text(TOLD), "issued " PATIENT " ISSUED");
}
END_TEST

START_TEST(what_is_cancelled_leaves_the_books_as_they_were)
{
	const char *a = new_id();
	struct billing_event batch[] = { booked(NULL, a, "GP-1"), cancelled(NULL, a) };

	run("update service set tax_rate = 82500");
	if (_i == 0) {
		take_one(batch[0]);
		take_one(batch[1]);
	} else {
		/* Void when it is made. */
		take(batch, 2);
	}
	ck_assert_int_eq(number("select count(*) from (select from ledger group by account having sum(amount) <> 0) wrong"), 0);
	ck_assert_int_eq(number("select count(*) from ledger where kind = 'VOID'"), 3);
	ck_assert_int_eq(number("select count(distinct posting) from ledger"), 2);
	ck_assert_str_eq(text(TOLD), _i == 0 ? "issued " PATIENT " ISSUED, voided " PATIENT " VOID" : "voided " PATIENT " VOID");
}
END_TEST

START_TEST(many_at_once_have_postings_of_their_own)
{
	struct billing_event batch[6];

	for (size_t i = 0; i < 3; i++) {
		const char *a = new_id();

		batch[2 * i] = booked(NULL, a, "GP-1");
		batch[2 * i + 1] = cancelled(NULL, a);
	}
	take(batch, COUNT(batch));
	ck_assert_int_eq(number("select count(distinct posting) from ledger"), 6);
	ck_assert_int_eq(number("select count(*) from ledger"), 12);
}
END_TEST

START_TEST(what_costs_nothing_is_in_no_book)
{
	const char *a = new_id();

	run("update service set price = 0");
	take_one(booked(NULL, a, "GP-1"));
	ck_assert_str_eq(invoice_of(a, "status"), "ISSUED");
	take_one(cancelled(NULL, a));
	ck_assert_str_eq(invoice_of(a, "status"), "VOID");
	ck_assert_int_eq(number("select count(*) from ledger"), 0);
	ck_assert_str_eq(text(TOLD), "issued " PATIENT " ISSUED, voided " PATIENT " VOID");
}
END_TEST

START_TEST(a_price_that_cannot_be_counted_with_its_tax_parks_its_booking_alone)
{
	struct billing_event batch[] = { booked(NULL, new_id(), "GP-1"), booked(NULL, new_id(), "HUGE") };
	struct billing_tally tally;

	run("insert into service (code, description, price, currency, tax_rate)"
	    " values ('HUGE', 'Huge', 9223372036854775807, 'USD', 1000)");
	tally = take(batch, 2);
	ck_assert_uint_eq(tally.invoiced, 1);
	ck_assert_uint_eq(tally.parked, 1);
}
END_TEST

START_TEST(a_second_cancellation_changes_nothing)
{
	const char *a = new_id();

	take_one(booked(NULL, a, "GP-1"));
	take_one(cancelled(NULL, a));
	take_one(cancelled(NULL, a));
	ck_assert_str_eq(invoice_of(a, "concat_ws(' ', status, version)"), "VOID 2");
	ck_assert_int_eq(number("select count(*) from inbox"), 3);
}
END_TEST

START_TEST(a_cancellation_needs_no_living_patient)
{
	const char *a = new_id();
	struct billing_event e = cancelled(NULL, a);
	struct billing_tally tally;

	take_one(booked(NULL, a, "GP-1"));
	e.patient_id = NOBODY;
	ck_assert_int_eq(billing_take(&worker, &away, &e, 1, &tally), RC_OK);
	ck_assert_str_eq(invoice_of(a, "status"), "VOID");
}
END_TEST

/* --- what is parked --- */

static void
assert_parked(struct billing_event e, const char *reason)
{
	struct billing_tally tally = take_one(e);

	ck_assert_uint_eq(tally.parked, 1);
	for (enum rc rc = RC_OK; rc < RC_COUNT; rc++)
		ck_assert_uint_eq(tally.reasons[rc], strcmp(rc_meaning(rc)->name, reason) == 0);
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
	ck_assert_str_eq(text("select reason from dead_letters"), reason);
}

START_TEST(a_service_without_a_price_is_parked_and_the_others_go_on)
{
	struct billing_event batch[] = { booked("1", new_id(), "GP-1"), booked("2", new_id(), "NEW"),
		booked("3", new_id(), "GP-1"), booked("4", new_id(), "NEWER") };
	struct billing_tally tally = take(batch, COUNT(batch));

	ck_assert_uint_eq(tally.invoiced, 2);
	ck_assert_uint_eq(tally.parked, 2);
	ck_assert_str_eq(
	    text("select string_agg(ce_id || ' ' || reason, ', ' order by ce_id) from dead_letters"),
	    "2 no_price, 4 no_price");
}
END_TEST

START_TEST(a_dead_letter_has_the_whole_envelope)
{
	assert_parked(booked("one", new_id(), "NEW"), "no_price");
	ck_assert_str_eq(
	    text(
		"select concat_ws(' ', ce_id, type, source, time, traceparent, topic, key, payload, attempts,"
		" replay_asked_at) from dead_letters"),
	    "one medicore.appointment.booked.v1 /scheduling 2026-11-01T04:58:59Z medicore.appointment.v1 " PATIENT
	    " \\x0a00ff 1");
}
END_TEST

START_TEST(an_unknown_patient_is_parked)
{
	struct billing_event e = booked(NULL, new_id(), "GP-1");

	e.patient_id = NOBODY;
	assert_parked(e, "unknown_patient");
}
END_TEST

START_TEST(what_the_adapter_could_not_read_is_parked)
{
	struct billing_event e = { .envelope = booked(NULL, new_id(), "GP-1").envelope,
		.rc = _i == 0 ? RC_MALFORMED : RC_UNKNOWN_TYPE };

	assert_parked(e, _i == 0 ? "malformed" : "unknown_type");
}
END_TEST

/* Each would fail the whole batch if it got as far as PostgreSQL. */
START_TEST(members_that_are_no_ids_are_parked_as_malformed)
{
	static const char *const no_ids[] = { NULL, "", "1-1-1-1-1", "0198f000-0000-7000-8000-00000000000",
		"\xff" };
	struct billing_event e = booked(NULL, new_id(), "GP-1");

	if (_i % 2 == 0)
		e.appointment_id = no_ids[_i / 2];
	else
		e.patient_id = no_ids[_i / 2];
	assert_parked(e, "malformed");
}
END_TEST

START_TEST(a_service_code_that_is_no_text_is_parked_as_malformed)
{
	static const char *const no_codes[] = { NULL, "", "\xc0\xaf", "GP\xff" };

	assert_parked(booked(NULL, new_id(), no_codes[_i]), "malformed");
}
END_TEST

START_TEST(an_event_without_a_usable_id_is_parked_as_malformed)
{
	static char endless[4000];
	const char *const ids[] = { NULL, "", "\xff\xfe", endless };
	struct billing_event e = booked(NULL, new_id(), "GP-1");
	struct event envelope = *e.envelope;

	memset(endless, 'x', sizeof(endless) - 1);
	envelope.id = ids[_i];
	e.envelope = &envelope;
	assert_parked(e, "malformed");
	ck_assert_ptr_null(text("select ce_id from dead_letters"));
	ck_assert_int_eq(number("select count(*) from inbox"), 0);
}
END_TEST

START_TEST(an_envelope_of_garbage_is_parked_with_what_can_be_kept_of_it)
{
	static char endless[100000];
	struct event envelope = { .id = "g",
		.topic = TOPIC_APPOINTMENT,
		.type = "caf\xe9",
		.key = "\xc0\xaf\x80",
		.source = endless,
		.time = "{\"a\\b\"}",
		.payload = "\xff\x00\xfe",
		.length = 3 };
	struct billing_event e = { .envelope = &envelope, .rc = RC_UNKNOWN_TYPE };

	memset(endless, 'x', sizeof(endless) - 1);
	assert_parked(e, "unknown_type");
	ck_assert_str_eq(
	    text("select concat_ws(' ', type, key, length(source), time, payload) from dead_letters"),
	    "caf? ??? 1024 {\"a\\b\"} \\xff00fe");
}
END_TEST

START_TEST(a_parked_event_that_comes_again_does_nothing)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	struct billing_tally tally;

	take_one(e);
	run("insert into service (code, description, price, currency) values ('NEW', 'New', 1, 'USD')");
	tally = take_one(e);
	ck_assert_uint_eq(tally.repeated, 1);
	ck_assert_int_eq(number("select count(*) from dead_letters"), 1);
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

/* --- who can't be asked --- */

START_TEST(with_the_patient_service_away_nothing_is_written)
{
	struct billing_event batch[] = { booked(NULL, new_id(), "GP-1"), cancelled(NULL, new_id()),
		booked(NULL, new_id(), "NEW") };
	struct billing_tally tally;

	ck_assert_int_eq(billing_take(&worker, &away, batch, COUNT(batch), &tally), RC_UNAVAILABLE);
	ck_assert_int_eq(
	    number("select (select count(*) from invoice) + (select count(*) from inbox)"
		   " + (select count(*) from dead_letters) + (select count(*) from cancelled_appointment)"),
	    0);
	err_clear(&worker);
	tally = take(batch, COUNT(batch));
	ck_assert_uint_eq(tally.invoiced, 1);
	ck_assert_uint_eq(tally.parked, 1);
}
END_TEST

START_TEST(what_PostgreSQL_refuses_rolls_the_whole_batch_back)
{
	struct billing_event batch[] = { booked(NULL, new_id(), "GP-1"), booked(NULL, new_id(), "NEW") };
	struct billing_tally tally;

	run("alter table dead_letters add constraint no_more check (false) not valid");
	ck_assert_int_ne(billing_take(&worker, &known_patients, batch, COUNT(batch), &tally), RC_OK);
	run("alter table dead_letters drop constraint no_more");
	ck_assert_int_eq(number("select (select count(*) from invoice) + (select count(*) from inbox)"), 0);
	err_clear(&worker);
	ck_assert_uint_eq(take(batch, COUNT(batch)).invoiced, 1);
}
END_TEST

/* --- two workers at once --- */

#define APPOINTMENTS 400
#define BATCH 40

struct taker {
	const struct billing_event *events;
	size_t count;
	bool backwards;
	unsigned failed;
};

/* All events once, in batches, forwards or backwards; a batch that lost a race is delivered again, as the
 * worker does. */
static void *
take_batches(void *arg)
{
	struct taker *taker = arg;
	struct billing_tally tally;
	struct ctx cx;

	pgtest_connect(&cx, "medicore_billing_worker");
	for (size_t i = 0; i < taker->count; i += BATCH) {
		size_t at = taker->backwards ? taker->count - BATCH - i : i;
		unsigned tries = 0;
		enum rc rc;

		while ((rc = billing_take(&cx, &known_patients, taker->events + at, BATCH, &tally)) ==
			   RC_UNAVAILABLE &&
		       ++tries < 100)
			err_clear(&cx);
		taker->failed += rc != RC_OK;
	}
	pgtest_disconnect(&cx);
	return NULL;
}

START_TEST(two_takers_of_the_same_events_at_once_give_each_its_effect_once)
{
	static struct billing_event events[2 * APPOINTMENTS];
	struct taker takers[2];
	pthread_t threads[2];

	/* Each is booked; every second one cancelled too, half of those long before. */
	for (size_t i = 0; i < APPOINTMENTS; i++) {
		const char *a = new_id();

		events[i] = booked(NULL, a, i % 7 == 0 ? "NEW" : "GP-1");
		events[2 * APPOINTMENTS - 1 - i] = i % 2 == 0 ? cancelled(NULL, a) : booked(NULL, a, "GP-1");
	}
	for (size_t i = 0; i < 2; i++) {
		takers[i] = (struct taker){ .events = events, .count = COUNT(events), .backwards = i == 1 };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_batches, &takers[i]), 0);
	}
	for (size_t i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(takers[i].failed, 0);
	}
	ck_assert_int_eq(number("select count(*) from inbox"), 2 * APPOINTMENTS);
	/* Of every 14 appointments two are of the unpriced service; one of those is booked again with a
	 * price. */
	ck_assert_int_eq(number("select count(*) from dead_letters"), (APPOINTMENTS + 6) / 7);
	ck_assert_int_eq(number("select count(*) from invoice"), APPOINTMENTS - (APPOINTMENTS + 13) / 14);
	ck_assert_int_eq(
	    number("select count(*) from invoice i where appointment_cancelled is distinct from exists"
		   " (select from cancelled_appointment c where c.appointment_id = i.appointment_id)"
		   " or appointment_cancelled is distinct from (status = 'VOID')"),
	    0);
}
END_TEST

/* The one who books has not committed when the other looks for an invoice to void. */
START_TEST(a_cancellation_beside_an_uncommitted_booking_is_not_lost)
{
	const char *a = new_id();
	struct billing_event booking = booked(NULL, a, "GP-1"), cancellation = cancelled(NULL, a);
	struct taker other = { .events = &cancellation, .count = BATCH, .backwards = false };
	struct billing_event batch[BATCH];
	struct billing_tally tally;
	pthread_t thread;

	for (size_t i = 0; i < BATCH; i++)
		batch[i] = cancellation;
	other.events = batch;
	ck_assert_int_eq(pg_begin(&worker), RC_OK);
	ck_assert_int_eq(billing_take(&worker, &known_patients, &booking, 1, &tally), RC_OK);
	ck_assert_int_eq(pthread_create(&thread, NULL, take_batches, &other), 0);
	while (number("select count(*) from pg_locks where locktype = 'advisory' and not granted") == 0)
		;
	ck_assert_int_eq(pg_end(&worker, RC_OK), RC_OK);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(other.failed, 0);
	ck_assert_str_eq(
	    invoice_of(a, "concat_ws(' ', status, remaining_amount, appointment_cancelled)"), "VOID 0 t");
}
END_TEST

Suite *
events_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, billing_setup, billing_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_booking_makes_one_issued_invoice_at_the_listed_price);
	tcase_add_test(t, a_price_that_changes_later_leaves_the_invoice_alone);
	tcase_add_test(t, the_same_event_ten_times_has_one_effect);
	tcase_add_test(t, a_second_event_of_one_booking_makes_no_second_invoice);
	tcase_add_test(t, a_batch_numbers_its_invoices_without_gaps);
	tcase_add_test(t, an_empty_batch_is_nothing);
	tcase_add_test(t, a_cancellation_before_its_booking_makes_a_void_invoice);
	tcase_add_test(t, booking_and_cancellation_in_one_batch_make_a_void_invoice_in_either_order);
	tcase_add_test(t, a_cancellation_voids_what_nobody_has_paid_for);
	tcase_add_loop_test(
	    t, a_cancellation_leaves_what_somebody_has_paid_for_but_shows_it, 0, COUNT(payments));
	tcase_add_test(t, a_booking_has_a_line_with_tax_and_is_in_the_books);
	tcase_add_loop_test(t, what_is_cancelled_leaves_the_books_as_they_were, 0, 2);
	tcase_add_test(t, many_at_once_have_postings_of_their_own);
	tcase_add_test(t, what_costs_nothing_is_in_no_book);
	tcase_add_test(t, a_price_that_cannot_be_counted_with_its_tax_parks_its_booking_alone);
	tcase_add_test(t, a_second_cancellation_changes_nothing);
	tcase_add_test(t, a_cancellation_needs_no_living_patient);
	tcase_add_test(t, a_service_without_a_price_is_parked_and_the_others_go_on);
	tcase_add_test(t, a_dead_letter_has_the_whole_envelope);
	tcase_add_test(t, an_unknown_patient_is_parked);
	tcase_add_loop_test(t, what_the_adapter_could_not_read_is_parked, 0, 2);
	tcase_add_loop_test(t, members_that_are_no_ids_are_parked_as_malformed, 0, 10);
	tcase_add_loop_test(t, a_service_code_that_is_no_text_is_parked_as_malformed, 0, 4);
	tcase_add_loop_test(t, an_event_without_a_usable_id_is_parked_as_malformed, 0, 4);
	tcase_add_test(t, an_envelope_of_garbage_is_parked_with_what_can_be_kept_of_it);
	tcase_add_test(t, a_parked_event_that_comes_again_does_nothing);
	tcase_add_test(t, with_the_patient_service_away_nothing_is_written);
	tcase_add_test(t, what_PostgreSQL_refuses_rolls_the_whole_batch_back);
	tcase_add_test(t, two_takers_of_the_same_events_at_once_give_each_its_effect_once);
	tcase_add_test(t, a_cancellation_beside_an_uncommitted_booking_is_not_lost);
	suite_add_tcase(suite, t);
	return suite;
}
