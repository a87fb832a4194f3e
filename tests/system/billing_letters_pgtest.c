/* Dead letters: what the operator asks, and what the worker makes of it. */
#include <string.h>

#include "tests/system/billing_fixture.h"

static int64_t
park(struct billing_event e)
{
	ck_assert_uint_eq(take_one(e).parked, 1);
	return number("select max(id) from dead_letters");
}

static void
ask(int64_t id)
{
	int64_t asked;

	ck_assert_int_eq(dead_letter_ask_replay(&operator, id, &asked), RC_OK);
	ck_assert_int_ge(asked, 1);
}

/* As the worker does: takes those asked for, locked, and tries each.  Returns how many it found. */
static size_t
replay(const struct billing_ports *ports, struct billing_event e, enum rc expect, bool *ret_gone)
{
	struct dead_letter *letters;
	size_t count;

	ck_assert_int_eq(pg_begin(&worker), RC_OK);
	ck_assert_int_eq(dead_letter_replayable(&worker, 10, &letters, &count), RC_OK);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(billing_take_again(&worker, ports, &letters[i], &e, ret_gone), expect);
	err_clear(&worker);
	ck_assert_int_eq(pg_end(&worker, RC_OK), RC_OK);
	return count;
}

START_TEST(a_replay_makes_the_invoice_once_the_price_is_there)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	bool gone;

	park(e);
	ck_assert_uint_eq(replay(&known_patients, e, RC_OK, &gone), 0);
	run("insert into service (code, description, price, currency) values ('NEW', 'New', 1234, 'EUR')");
	ask(0);
	ck_assert_uint_eq(replay(&known_patients, e, RC_OK, &gone), 1);
	ck_assert(gone);
	ck_assert_int_eq(number("select count(*) from dead_letters"), 0);
	ck_assert_str_eq(text("select concat_ws(' ', status, amount, currency, appointment_id) from invoice"),
	    arena_printf(super.arena, "ISSUED 1234 EUR %s", e.appointment_id));
}
END_TEST

START_TEST(a_replay_that_fails_says_why_and_is_not_asked_for_any_more)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	int64_t id = park(e), waiting;
	bool gone;

	ask(id);
	ck_assert_int_eq(dead_letter_asked(&operator, & waiting), RC_OK);
	ck_assert_int_eq(waiting, 1);
	e.patient_id = NOBODY;
	ck_assert_uint_eq(replay(&known_patients, e, RC_OK, &gone), 1);
	ck_assert(!gone);
	ck_assert_str_eq(
	    text(
		"select concat_ws(' ', reason, attempts, replay_asked_at, last_at > first_at) from dead_letters"),
	    "unknown_patient 2 t");
	ck_assert_int_eq(dead_letter_asked(&operator, & waiting), RC_OK);
	ck_assert_int_eq(waiting, 0);
	ck_assert_uint_eq(replay(&known_patients, e, RC_OK, &gone), 0);
}
END_TEST

START_TEST(a_replay_that_nobody_can_answer_stays_asked_for)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	bool gone;

	ask(park(e));
	ck_assert_uint_eq(replay(&away, e, RC_UNAVAILABLE, &gone), 1);
	ck_assert_str_eq(
	    text("select concat_ws(' ', reason, attempts, replay_asked_at is not null) from dead_letters"),
	    "no_price 1 t");
}
END_TEST

START_TEST(a_replayed_booking_that_was_cancelled_meanwhile_makes_a_void_invoice)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	bool gone;

	ask(park(e));
	take_one(cancelled(NULL, e.appointment_id));
	run("insert into service (code, description, price, currency) values ('NEW', 'New', 1234, 'EUR')");
	replay(&known_patients, e, RC_OK, &gone);
	ck_assert(gone);
	ck_assert_str_eq(
	    text("select concat_ws(' ', status, amount, remaining_amount) from invoice"), "VOID 1234 0");
}
END_TEST

START_TEST(a_letter_that_one_worker_tries_is_skipped_by_another)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	struct dead_letter *letters;
	struct ctx other;
	size_t count;

	ask(park(e));
	ck_assert_int_eq(pg_begin(&worker), RC_OK);
	ck_assert_int_eq(dead_letter_replayable(&worker, 10, &letters, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	pgtest_connect(&other, "medicore_billing_worker");
	ck_assert_int_eq(dead_letter_replayable(&other, 10, &letters, &count), RC_OK);
	ck_assert_uint_eq(count, 0);
	pgtest_disconnect(&other);
	ck_assert_int_eq(pg_end(&worker, RC_OK), RC_OK);
}
END_TEST

START_TEST(letters_are_listed_in_pages_with_their_payload)
{
	struct dead_letter *letters;
	struct dead_letter one;
	size_t count;

	for (int i = 0; i < 3; i++)
		park(booked(NULL, new_id(), "NEW"));
	ck_assert_int_eq(dead_letter_list(&operator, 0, 2, &letters, &count), RC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(letters[0].reason, "no_price");
	ck_assert_uint_eq(letters[0].payload.length, 3);
	ck_assert_mem_eq(letters[0].payload.bytes, "\x0a\x00\xff", 3);
	ck_assert(letters[0].first_at.known && !letters[0].replay_asked_at.known);
	ck_assert_int_eq(dead_letter_list(&operator, letters[1].id, 2, &letters, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(dead_letter_find(&operator, letters[0].id, &one), RC_OK);
	ck_assert_str_eq(one.ce_id, letters[0].ce_id);
}
END_TEST

START_TEST(letters_are_counted_by_their_reason)
{
	struct dead_letter_count *counts;
	struct billing_event e = booked(NULL, new_id(), "NEW");
	size_t count;

	ck_assert_int_eq(dead_letter_counts(&worker, &counts, &count), RC_OK);
	ck_assert_uint_eq(count, 0);
	park(booked(NULL, new_id(), "NEW"));
	park(e);
	e = booked(NULL, new_id(), "NEW");
	e.rc = RC_MALFORMED;
	park(e);
	ck_assert_int_eq(dead_letter_counts(&worker, &counts, &count), RC_OK);
	ck_assert_uint_eq(count, 2);
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(counts[i].count, strcmp(counts[i].reason, "no_price") == 0 ? 2 : 1);
}
END_TEST

START_TEST(a_dropped_letter_is_gone_and_one_that_is_not_there_is_not_found)
{
	int64_t id = park(booked(NULL, new_id(), "NEW")), asked;
	struct dead_letter letter;

	ck_assert_int_eq(dead_letter_drop(&operator, id), RC_OK);
	ck_assert_int_eq(number("select count(*) from dead_letters"), 0);
	ck_assert_int_eq(dead_letter_drop(&operator, id), RC_NOT_FOUND);
	ck_assert_int_eq(dead_letter_find(&operator, id, &letter), RC_NOT_FOUND);
	ck_assert_int_eq(dead_letter_ask_replay(&operator, id, &asked), RC_NOT_FOUND);
	ck_assert_str_eq(err_message(&operator, RC_NOT_FOUND),
	    arena_printf(super.arena, "There is no dead letter %d", (int)id));
	ck_assert_int_eq(dead_letter_ask_replay(&operator, 0, &asked), RC_OK);
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(asking_and_settling_wake_those_who_wait)
{
	struct billing_event e = booked(NULL, new_id(), "NEW");
	int64_t id = park(e);
	bool gone;

	/* Listens from here on; what a reconnect may report comes first. */
	while (pg_listen_wait(&operator, DEAD_LETTERS_CHANNEL, 0, -1) == RC_OK)
		;
	err_clear(&operator);
	ask(id);
	ck_assert_int_eq(pg_listen_wait(&operator, DEAD_LETTERS_CHANNEL, 10000, -1), RC_OK);
	run("insert into service (code, description, price, currency) values ('NEW', 'New', 1234, 'EUR')");
	replay(&known_patients, e, RC_OK, &gone);
	ck_assert(gone);
	ck_assert_int_eq(pg_listen_wait(&operator, DEAD_LETTERS_CHANNEL, 10000, -1), RC_OK);
}
END_TEST

Suite *
letters_suite(void)
{
	Suite *suite = suite_create("dead letters");
	TCase *t = tcase_create("dead letters");

	tcase_add_checked_fixture(t, billing_setup, billing_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_replay_makes_the_invoice_once_the_price_is_there);
	tcase_add_test(t, a_replay_that_fails_says_why_and_is_not_asked_for_any_more);
	tcase_add_test(t, a_replay_that_nobody_can_answer_stays_asked_for);
	tcase_add_test(t, a_replayed_booking_that_was_cancelled_meanwhile_makes_a_void_invoice);
	tcase_add_test(t, a_letter_that_one_worker_tries_is_skipped_by_another);
	tcase_add_test(t, letters_are_listed_in_pages_with_their_payload);
	tcase_add_test(t, letters_are_counted_by_their_reason);
	tcase_add_test(t, a_dropped_letter_is_gone_and_one_that_is_not_there_is_not_found);
	tcase_add_test(t, asking_and_settling_wake_those_who_wait);
	suite_add_tcase(suite, t);
	return suite;
}
