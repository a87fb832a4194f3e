/* Invoices that somebody asks for, and the price list. */
#include <pthread.h>
#include <string.h>

#include "tests/system/billing_fixture.h"

static const struct invoice asked = { .patient_id = PATIENT,
	.amount = { .minor = 8555, .known = true },
	.currency = "USD",
	.description = "Consultation",
	.due_date = "2026-12-31" };

/* --- creating --- */

START_TEST(an_invoice_is_issued_with_all_of_it_still_to_pay)
{
	struct invoice made, found;
	struct ctx *cx = _i == 0 ? &rest : &clerk;

	ck_assert_int_eq(invoice_create(cx, &known_patients, &asked, NULL, &made), RC_OK);
	ck_assert_str_eq(made.status, "ISSUED");
	ck_assert_int_eq(made.remaining_amount.minor, 8555);
	ck_assert_int_eq(made.version, 1);
	ck_assert_ptr_null(made.number);
	ck_assert_ptr_null(made.appointment_id);
	ck_assert_int_eq(invoice_find(cx, made.id, &found), RC_OK);
	ck_assert_str_eq(found.patient_id, PATIENT);
	ck_assert_str_eq(found.description, "Consultation");
	ck_assert_str_eq(found.due_date, "2026-12-31");
	ck_assert(found.issued_at.known && !found.appointment_cancelled);
}
END_TEST

START_TEST(an_unknown_patient_gets_no_invoice)
{
	struct invoice a = asked, made;

	a.patient_id = NOBODY;
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &a, NULL, &made), RC_NOT_FOUND);
	ck_assert_str_eq(rest.err.fields->name, "patientId");
	ck_assert_str_eq(err_message(&rest, RC_NOT_FOUND), "patient with Id " NOBODY " do not exist");
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

START_TEST(with_the_patient_service_away_there_is_no_invoice)
{
	struct invoice made;

	ck_assert_int_eq(invoice_create(&rest, &away, &asked, NULL, &made), RC_UNAVAILABLE);
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

/* --- idempotency keys --- */

static const struct once once = { .route = "POST /invoices", .key = "k" };

START_TEST(the_same_request_with_a_key_gives_the_same_invoice)
{
	struct invoice first, again, other;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &first), RC_OK);
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &again), RC_OK);
	ck_assert_str_eq(first.id, again.id);
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, NULL, &other), RC_OK);
	ck_assert_str_ne(first.id, other.id);
}
END_TEST

START_TEST(a_request_that_had_its_effect_gets_its_answer_though_the_patient_cannot_be_asked)
{
	struct invoice first, again;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &first), RC_OK);
	ck_assert_int_eq(invoice_create(&rest, &away, &asked, &once, &again), RC_OK);
	ck_assert_str_eq(first.id, again.id);
	ck_assert_uint_eq(rest.err.field_count, 0);
}
END_TEST

START_TEST(another_request_with_that_key_is_a_conflict)
{
	struct invoice made, changed = asked;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &made), RC_OK);
	switch (_i) {
	case 0:
		changed.amount.minor++;
		break;
	case 1:
		changed.currency = "EUR";
		break;
	case 2:
		changed.description = NULL;
		break;
	case 3:
		changed.due_date = NULL;
		break;
	default:
		changed.patient_id = NOBODY;
	}
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &changed, &once, &made), RC_CONFLICT);
	ck_assert_str_eq(
	    err_message(&rest, RC_CONFLICT), "This idempotency key was used for another request");
	ck_assert_int_eq(number("select count(*) from invoice"), 1);
}
END_TEST

START_TEST(keys_of_other_accounts_and_routes_are_other_keys)
{
	const struct once elsewhere = { .route = "createInvoice", .key = "k" };
	struct invoice made;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &made), RC_OK);
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &elsewhere, &made), RC_OK);
	rest.account = "somebody@example.org";
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &made), RC_OK);
	ck_assert_int_eq(number("select count(*) from invoice"), 3);
}
END_TEST

START_TEST(a_request_that_failed_keeps_no_key)
{
	struct invoice a = asked, made;

	a.patient_id = NOBODY;
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &a, &once, &made), RC_NOT_FOUND);
	err_clear(&rest);
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &once, &made), RC_OK);
}
END_TEST

static void *
create_with_key(void *arg)
{
	struct invoice made;
	struct ctx cx;

	pgtest_connect(&cx, "medicore_billing_rest");
	if (invoice_create(&cx, &known_patients, &asked, &once, &made) == RC_OK)
		memcpy(arg, made.id, 37);
	pgtest_disconnect(&cx);
	return NULL;
}

START_TEST(any_number_of_the_same_request_at_once_make_one_invoice)
{
	static char ids[16][37];
	pthread_t threads[16];

	for (size_t i = 0; i < COUNT(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, create_with_key, ids[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < COUNT(threads); i++)
		ck_assert_str_eq(ids[i], text("select id from invoice"));
}
END_TEST

/* --- finding --- */

START_TEST(an_invoice_that_is_not_there_is_not_found)
{
	struct invoice found;

	ck_assert_int_eq(invoice_find(&rest, PATIENT, &found), RC_NOT_FOUND);
	ck_assert_str_eq(err_message(&rest, RC_NOT_FOUND), "Invoice with the id " PATIENT " doesn't exist");
}
END_TEST

static size_t
count_listed(struct invoice_filter filter)
{
	struct invoice *found;
	size_t count, all = 0;
	bool more;

	filter.page.limit = 2;
	do {
		ck_assert_int_eq(invoice_list(&rest, &filter, &found, &count, &more), RC_OK);
		for (size_t i = 0; i < count; i++) {
			ck_assert(filter.page.after == NULL || strcmp(filter.page.after, found[i].id) < 0);
			filter.page.after = found[i].id;
		}
		all += count;
	} while (more);
	return all;
}

START_TEST(lists_give_each_invoice_once_in_order_and_by_filter)
{
	struct invoice a = asked, made;

	for (int i = 0; i < 5; i++) {
		a.patient_id = i < 3 ? PATIENT : new_id();
		ck_assert_int_eq(invoice_create(&rest, &known_patients, &a, NULL, &made), RC_OK);
	}
	/* The last one made: not PATIENT's. */
	run(arena_printf(super.arena,
	    "update invoice set status = 'VOID', remaining_amount = 0 where id = '%s'", made.id));
	ck_assert_uint_eq(count_listed((struct invoice_filter){ 0 }), 5);
	ck_assert_uint_eq(count_listed((struct invoice_filter){ .patient_id = PATIENT }), 3);
	ck_assert_uint_eq(count_listed((struct invoice_filter){ .status = "ISSUED" }), 4);
	ck_assert_uint_eq(count_listed((struct invoice_filter){ .status = "VOID" }), 1);
	ck_assert_uint_eq(
	    count_listed((struct invoice_filter){ .status = "VOID", .patient_id = PATIENT }), 0);
	ck_assert_uint_eq(
	    count_listed((struct invoice_filter){ .status = "ISSUED", .patient_id = PATIENT }), 3);
}
END_TEST

START_TEST(a_cursor_of_another_list_is_refused)
{
	struct invoice_filter filter = { .page = { .limit = 2, .after = "x" } };
	struct invoice *found;
	size_t count;
	bool more;

	ck_assert_int_eq(invoice_list(&rest, &filter, &found, &count, &more), RC_INVALID);
	ck_assert_str_eq(rest.err.fields->name, "cursor");
}
END_TEST

Suite *
invoices_suite(void)
{
	Suite *suite = suite_create("invoices");
	TCase *t = tcase_create("invoices");

	tcase_add_checked_fixture(t, billing_setup, billing_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, an_invoice_is_issued_with_all_of_it_still_to_pay, 0, 2);
	tcase_add_test(t, an_unknown_patient_gets_no_invoice);
	tcase_add_test(t, with_the_patient_service_away_there_is_no_invoice);
	tcase_add_test(t, the_same_request_with_a_key_gives_the_same_invoice);
	tcase_add_test(t, a_request_that_had_its_effect_gets_its_answer_though_the_patient_cannot_be_asked);
	tcase_add_loop_test(t, another_request_with_that_key_is_a_conflict, 0, 5);
	tcase_add_test(t, keys_of_other_accounts_and_routes_are_other_keys);
	tcase_add_test(t, a_request_that_failed_keeps_no_key);
	tcase_add_test(t, any_number_of_the_same_request_at_once_make_one_invoice);
	tcase_add_test(t, an_invoice_that_is_not_there_is_not_found);
	tcase_add_test(t, lists_give_each_invoice_once_in_order_and_by_filter);
	tcase_add_test(t, a_cursor_of_another_list_is_refused);
	suite_add_tcase(suite, t);
	return suite;
}
