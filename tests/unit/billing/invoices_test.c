/* The rules about invoices and prices, and what their members look like outside. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/billing/fakes.h"

static const struct invoice asked = {
	.patient_id = PATIENT, .amount = { .minor = 8555, .known = true }, .currency = "USD"
};
static const struct once once = { .route = "POST /invoices", .key = "k" };

/* --- invoices --- */

START_TEST(the_patient_is_verified_before_a_row_is_written)
{
	struct invoice made;

	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, NULL, &made), RC_OK);
	ck_assert_str_eq(asked_for, "verify(a) insert");
	ck_assert_uint_eq(strlen(made.id), 36);
	ck_assert_int_eq(made.id[14], '7');
}
END_TEST

START_TEST(who_does_not_exist_or_cannot_be_asked_about_gets_nothing)
{
	struct invoice who = asked, made;

	if (_i == 0) {
		who.patient_id = NOBODY;
	} else {
		failing = "verify";
		failure = RC_UNAVAILABLE;
	}
	ck_assert_int_eq(
	    invoice_create(&cx, &ports, &who, NULL, &made), _i == 0 ? RC_NOT_FOUND : RC_UNAVAILABLE);
	ck_assert_str_eq(asked_for, _i == 0 ? "verify(b)" : "verify(a)");
}
END_TEST

START_TEST(with_a_key_one_statement_writes_both)
{
	struct invoice made;

	cx.account = "ada";
	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, &once, &made), RC_OK);
	ck_assert_str_eq(asked_for, "verify(a) insert_once(ada,POST /invoices,k)");
}
END_TEST

START_TEST(a_key_used_before_gives_what_it_gave)
{
	struct invoice made;

	kept_fingerprint = "";
	if (_i == 1) {
		failing = "verify";
		failure = RC_UNAVAILABLE;
	}
	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, &once, &made), RC_OK);
	ck_assert_str_eq(made.id, PATIENT);
	ck_assert_ptr_null(strstr(asked_for, "insert "));
}
END_TEST

START_TEST(a_key_of_another_request_is_a_conflict)
{
	struct invoice made;

	kept_fingerprint = "another";
	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, &once, &made), RC_CONFLICT);
	ck_assert_ptr_null(strstr(asked_for, "find "));
}
END_TEST

START_TEST(an_unknown_patient_with_an_unused_key_stays_unknown)
{
	struct invoice who = asked, made;

	who.patient_id = NOBODY;
	ck_assert_int_eq(invoice_create(&cx, &ports, &who, &once, &made), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.fields->name, "patientId");
	ck_assert_ptr_null(strstr(asked_for, "insert"));
}
END_TEST

START_TEST(a_page_asks_for_one_more_to_know_whether_others_follow)
{
	struct invoice_filter filter = { .page = { .limit = 2, .after = PATIENT } };
	struct invoice *found;
	size_t count;
	bool more;

	ck_assert_int_eq(invoice_list(&cx, &filter, &found, &count, &more), RC_OK);
	ck_assert_str_eq(asked_for, "list(" PATIENT ",3)");
	ck_assert_uint_eq(count, 2);
	ck_assert(more);
}
END_TEST

START_TEST(an_invoice_shows_its_members_in_the_order_of_the_design)
{
	struct invoice i = asked;
	struct buf b = { .arena = cx.arena };

	i.id = PATIENT;
	i.status = "ISSUED";
	i.remaining_amount = i.amount;
	i.issued_at = (struct instant){ .us = 0, .known = true };
	i.appointment_cancelled = _i == 1;
	field_write(&b, invoice_fields, &i);
	ck_assert_str_eq(b.bytes,
	    arena_printf(cx.arena,
		"{\"id\":\"%s\",\"number\":null,\"patientId\":\"%s\",\"appointmentId\":null,\"status\":\"ISSUED\","
		"\"amount\":\"85.55\",\"remainingAmount\":\"85.55\",\"currency\":\"USD\",\"description\":null,"
		"\"issuedAt\":\"1970-01-01T00:00:00Z\",\"dueDate\":null,%s\"serviceCode\":null}",
		PATIENT, PATIENT, _i == 1 ? "\"appointmentCancelled\":true," : ""));
}
END_TEST

static const struct {
	const char *json, *blamed;
} bodies[] = {
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"85.55\",\"currency\":\"USD\"}", NULL },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"85.555\",\"currency\":\"KWD\"}", NULL },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"85.5\",\"currency\":\"JPY\"}", "amount" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":85.55,\"currency\":\"USD\"}", "amount" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"-1\",\"currency\":\"USD\"}", "amount" },
	{ "{\"patientId\":\"" PATIENT "\",\"currency\":\"USD\"}", "amount" },
	{ "{\"amount\":\"1\",\"currency\":\"USD\"}", "patientId" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"XXX\"}", "currency" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"status\":\"PAID\"}",
	    "status" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"id\":\"" PATIENT "\"}",
	    "id" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"dueDate\":\"2027-02-29\"}",
	    "dueDate" },
};

START_TEST(a_body_is_read_by_the_table)
{
	const char *json = bodies[_i].json;
	struct invoice read = { 0 };
	enum rc rc = field_read(&cx, invoice_fields, CREATE, json, strlen(json), &read);

	ck_assert_int_eq(rc, bodies[_i].blamed == NULL ? RC_OK : RC_INVALID);
	if (bodies[_i].blamed != NULL)
		ck_assert_str_eq(cx.err.fields->name, bodies[_i].blamed);
	else
		ck_assert(read.amount.known && read.amount.minor > 0);
}
END_TEST

/* --- services --- */

static const struct service price = {
	.description = "X-ray", .price = { .minor = 1, .known = true }, .currency = "USD"
};

START_TEST(a_first_version_was_created_and_a_later_one_changed)
{
	struct service saved;
	bool created;

	stored_service = (struct service){ .version = _i + 1 };
	ck_assert_int_eq(service_put(&cx, "XR", 0, &price, &saved, &created), RC_OK);
	ck_assert_int_eq(created, _i == 0);
	ck_assert_str_eq(last_service.code, "XR");
	ck_assert_str_eq(asked_for, "put");
}
END_TEST

START_TEST(what_is_so_already_is_looked_up)
{
	struct service saved;
	bool created = true;

	failing = "put";
	failure = RC_NOT_FOUND;
	stored_service = (struct service){ .version = 1 };
	ck_assert_int_eq(service_put(&cx, "XR", 0, &price, &saved, &created), RC_OK);
	ck_assert(!created);
	ck_assert_str_eq(asked_for, "put find_service(XR)");
}
END_TEST

START_TEST(a_version_only_replaces)
{
	struct service saved;
	bool created = true;

	stored_service = (struct service){ .version = 1 };
	ck_assert_int_eq(service_put(&cx, "XR", 1, &price, &saved, &created), RC_OK);
	ck_assert(!created);
	failing = "replace";
	failure = RC_NOT_FOUND;
	ck_assert_int_eq(service_put(&cx, "XR", 2, &price, &saved, &created), RC_STALE);
	ck_assert_str_eq(asked_for, "replace(1) replace(2)");
}
END_TEST

START_TEST(a_bad_code_asks_the_store_nothing)
{
	static const char *const codes[] = { "", "a b", "../x", "\xff" };
	struct service saved;
	bool created;

	ck_assert_int_eq(service_put(&cx, codes[_i], 0, &price, &saved, &created), RC_INVALID);
	ck_assert_int_eq(service_find(&cx, codes[_i], &saved), RC_INVALID);
	ck_assert_str_eq(asked_for, "");
}
END_TEST

Suite *
invoices_suite(void)
{
	Suite *suite = suite_create("invoices");
	TCase *t = tcase_create("invoices");

	tcase_add_checked_fixture(t, fakes_setup, fakes_teardown);
	tcase_add_test(t, the_patient_is_verified_before_a_row_is_written);
	tcase_add_loop_test(t, who_does_not_exist_or_cannot_be_asked_about_gets_nothing, 0, 2);
	tcase_add_test(t, with_a_key_one_statement_writes_both);
	tcase_add_loop_test(t, a_key_used_before_gives_what_it_gave, 0, 2);
	tcase_add_test(t, a_key_of_another_request_is_a_conflict);
	tcase_add_test(t, an_unknown_patient_with_an_unused_key_stays_unknown);
	tcase_add_test(t, a_page_asks_for_one_more_to_know_whether_others_follow);
	tcase_add_loop_test(t, an_invoice_shows_its_members_in_the_order_of_the_design, 0, 2);
	tcase_add_loop_test(t, a_body_is_read_by_the_table, 0, COUNT(bodies));
	tcase_add_loop_test(t, a_first_version_was_created_and_a_later_one_changed, 0, 2);
	tcase_add_test(t, what_is_so_already_is_looked_up);
	tcase_add_test(t, a_version_only_replaces);
	tcase_add_loop_test(t, a_bad_code_asks_the_store_nothing, 0, 4);
	suite_add_tcase(suite, t);
	return suite;
}
