/* What a batch of events asks of the stores, and in which order; what the statements do is
 * tests/system/billing_pgtest's. */
#include <string.h>

#include "tests/unit/billing/fakes.h"

#define APPOINTMENT "0198f000-0000-7000-8000-0000000000a1"

static struct billing_event
event(const char *ce_id, enum billing_event_kind kind, const char *patient_id)
{
	struct event *e = arena_zalloc(cx.arena, sizeof(*e));

	e->id = ce_id;
	return (struct billing_event){ .envelope = e,
		.kind = kind,
		.appointment_id = APPOINTMENT,
		.patient_id = patient_id,
		.service_code = "GP-1" };
}

static struct billing_event
booked(const char *ce_id)
{
	return event(ce_id, BOOKING_MADE, PATIENT);
}

static struct billing_event
cancelled(const char *ce_id)
{
	return event(ce_id, BOOKING_CANCELLED, PATIENT);
}

static struct billing_tally
take(const struct billing_event *events, size_t count)
{
	struct billing_tally tally;

	ck_assert_int_eq(billing_take(&cx, &ports, events, count, &tally), RC_OK);
	return tally;
}

START_TEST(a_batch_is_verified_first_and_written_in_one_transaction)
{
	struct billing_event batch[] = { booked("b"), booked("a") };

	take(batch, 2);
	ck_assert_str_eq(
	    asked_for, "verify(a) begin lock_shared receive(a,b) cancel() invoice(a,b) park() commit");
}
END_TEST

START_TEST(cancellations_come_first_and_alone)
{
	struct billing_event batch[] = { booked("b"), cancelled("a") };

	take(batch, 2);
	ck_assert_str_eq(
	    asked_for, "verify(a) begin lock_alone receive(a,b) cancel(a) invoice(b) park() commit");
}
END_TEST

START_TEST(who_did_not_come_is_cancelled_alone_and_the_rest_is_only_received)
{
	struct billing_event batch[] = { event("a", BOOKING_NO_SHOW, PATIENT), event("b", BOOKING_ELSE, NULL) };

	batch[1].appointment_id = NULL;
	take(batch, 2);
	ck_assert_str_eq(asked_for, "begin lock_alone receive(a,b) cancel(a) invoice() park() commit");
	asked_for[0] = '\0';
	take(&batch[1], 1);
	ck_assert_str_eq(asked_for, "begin lock_shared receive(b) cancel() invoice() park() commit");
}
END_TEST

START_TEST(what_can_not_be_remembered_is_parked_whatever_it_is)
{
	struct billing_event e = event(NULL, BOOKING_ELSE, NULL);

	take(&e, 1);
	ck_assert_str_eq(asked_for, "begin lock_shared receive() cancel() invoice() park(-) commit");
}
END_TEST

START_TEST(each_patient_is_asked_about_once)
{
	struct billing_event batch[] = { event("1", BOOKING_MADE, NOBODY), booked("2"), booked("3"),
		event("4", BOOKING_MADE, NOBODY) };

	take(batch, 4);
	ck_assert_str_eq(asked_for,
	    "verify(a,b) begin lock_shared receive(1,2,3,4) cancel() invoice(2,3) park(1,4) commit");
}
END_TEST

START_TEST(only_bookings_that_can_be_read_ask_about_patients)
{
	struct billing_event batch[] = { cancelled("1"), booked("2"), booked(NULL) };

	batch[1].rc = RC_MALFORMED;
	take(batch, 3);
	ck_assert_str_eq(asked_for, "begin lock_alone receive(1,2) cancel(1) invoice() park(2,-) commit");
}
END_TEST

START_TEST(repeats_in_the_batch_and_in_the_inbox_have_no_effect)
{
	struct billing_event batch[] = { booked("x"), booked("y"), booked("x"), cancelled("x"), booked("z") };
	struct billing_tally tally;

	in_inbox = "y";
	tally = take(batch, 5);
	ck_assert_str_eq(
	    asked_for, "verify(a) begin lock_shared receive(x,y,z) cancel() invoice(x,z) park() commit");
	ck_assert_uint_eq(tally.repeated, 3);
}
END_TEST

START_TEST(what_has_no_price_is_parked_in_the_same_transaction)
{
	struct billing_event batch[] = { booked("1"), booked("2") };

	batch[1].service_code = unpriced = "NEW";
	take(batch, 2);
	ck_assert_str_eq(
	    asked_for, "verify(a) begin lock_shared receive(1,2) cancel() invoice(1,2) park(2) commit");
}
END_TEST

static const struct {
	const char *fails, *ends_with;
} failures[] = {
	{ "verify", "verify(a)" },
	{ "begin", "begin" },
	{ "lock_shared", "lock_shared rollback" },
	{ "receive", "receive(1) rollback" },
	{ "cancel", "cancel() rollback" },
	{ "invoice", "invoice(1) rollback" },
	{ "park", "park() rollback" },
	{ "commit", "commit" },
};

START_TEST(a_failure_ends_the_batch_there_and_tells_nothing)
{
	struct billing_tally tally = { .invoiced = 99 };
	struct billing_event e = booked("1");
	size_t n, m = strlen(failures[_i].ends_with);

	failing = failures[_i].fails;
	failure = RC_UNAVAILABLE;
	ck_assert_int_eq(billing_take(&cx, &ports, &e, 1, &tally), RC_UNAVAILABLE);
	n = strlen(asked_for);
	ck_assert_uint_ge(n, m);
	ck_assert_str_eq(asked_for + n - m, failures[_i].ends_with);
	ck_assert_uint_eq(tally.invoiced, 99);
}
END_TEST

/* --- once more --- */

static const struct dead_letter letter = { .id = 5 };

START_TEST(a_letter_that_has_its_effect_is_dropped)
{
	struct billing_event e = booked("1");
	bool gone = false;

	ck_assert_int_eq(billing_take_again(&cx, &ports, &letter, &e, &gone), RC_OK);
	ck_assert(gone);
	ck_assert_str_eq(asked_for, "verify(a) begin lock_alone cancel() invoice(1) drop(5) commit");
}
END_TEST

START_TEST(a_letter_that_fails_again_gets_the_new_reason)
{
	struct billing_event e = booked("1");
	bool gone = true;

	if (_i == 0)
		e.patient_id = NOBODY;
	else
		unpriced = "GP-1";
	ck_assert_int_eq(billing_take_again(&cx, &ports, &letter, &e, &gone), RC_OK);
	ck_assert(!gone);
	ck_assert_ptr_nonnull(strstr(asked_for, _i == 0 ? "again(5,unknown_patient)" : "again(5,no_price)"));
	ck_assert_ptr_null(strstr(asked_for, "drop"));
}
END_TEST

START_TEST(a_letter_dropped_meanwhile_is_gone_too)
{
	struct billing_event e = booked("1");
	bool gone = false;

	failing = "drop";
	failure = RC_NOT_FOUND;
	ck_assert_int_eq(billing_take_again(&cx, &ports, &letter, &e, &gone), RC_OK);
	ck_assert(gone);
}
END_TEST

START_TEST(a_letter_that_nobody_can_answer_stays_as_it_is)
{
	struct billing_event e = booked("1");
	bool gone = true;

	failing = "verify";
	failure = RC_TIMEOUT;
	ck_assert_int_eq(billing_take_again(&cx, &ports, &letter, &e, &gone), RC_TIMEOUT);
	ck_assert_str_eq(asked_for, "verify(a)");
}
END_TEST

Suite *
events_suite(void)
{
	Suite *suite = suite_create("events");
	TCase *t = tcase_create("events");

	tcase_add_checked_fixture(t, fakes_setup, fakes_teardown);
	tcase_add_test(t, a_batch_is_verified_first_and_written_in_one_transaction);
	tcase_add_test(t, cancellations_come_first_and_alone);
	tcase_add_test(t, who_did_not_come_is_cancelled_alone_and_the_rest_is_only_received);
	tcase_add_test(t, what_can_not_be_remembered_is_parked_whatever_it_is);
	tcase_add_test(t, each_patient_is_asked_about_once);
	tcase_add_test(t, only_bookings_that_can_be_read_ask_about_patients);
	tcase_add_test(t, repeats_in_the_batch_and_in_the_inbox_have_no_effect);
	tcase_add_test(t, what_has_no_price_is_parked_in_the_same_transaction);
	tcase_add_loop_test(t, a_failure_ends_the_batch_there_and_tells_nothing, 0, COUNT(failures));
	tcase_add_test(t, a_letter_that_has_its_effect_is_dropped);
	tcase_add_loop_test(t, a_letter_that_fails_again_gets_the_new_reason, 0, 2);
	tcase_add_test(t, a_letter_dropped_meanwhile_is_gone_too);
	tcase_add_test(t, a_letter_that_nobody_can_answer_stays_as_it_is);
	suite_add_tcase(suite, t);
	return suite;
}
