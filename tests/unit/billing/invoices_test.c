/* The rules about invoices and prices, and what their members look like outside. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/billing/fakes.h"

static const struct invoice asked = {
	.patient_id = PATIENT, .amount = { .minor = 8555, .known = true }, .currency = "USD"
};

/* --- invoices --- */

START_TEST(the_patient_is_verified_before_a_row_is_written)
{
	struct invoice made;

	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, &made), RC_OK);
	ck_assert_str_eq(asked_for, "verify(a) insert(ISSUED,2," TYPE_INVOICE_ISSUED ")");
	ck_assert(made.issued_at.known);
	ck_assert_uint_eq(strlen(made.due_date), 10);
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
	    invoice_create(&cx, &ports, &who, &made), _i == 0 ? RC_NOT_FOUND : RC_UNAVAILABLE);
	ck_assert_str_eq(asked_for, _i == 0 ? "verify(b)" : "verify(a)");
}
END_TEST

START_TEST(what_is_written_comes_to_nothing_as_one)
{
	struct invoice made;

	failing = "insert";
	failure = RC_UNAVAILABLE;
	ck_assert_int_eq(invoice_create(&cx, &ports, &asked, &made), RC_UNAVAILABLE);
}
END_TEST

/* Three who ask at the same time, the second of them for somebody who doesn't exist. */
static void
three_orders(struct invoice_order orders[3], const struct invoice *for_nobody)
{
	for (int i = 0; i < 3; i++)
		orders[i] = (struct invoice_order){ .cx = &cx, .asked = i == 1 ? for_nobody : &asked };
}

START_TEST(those_who_ask_together_are_written_together_but_for_who_may_not)
{
	struct invoice for_nobody = asked;
	struct invoice_order orders[3];

	for_nobody.patient_id = NOBODY;
	three_orders(orders, &for_nobody);
	ck_assert_int_eq(invoice_create_all(&cx, &ports, orders, 3), RC_OK);
	ck_assert_ptr_nonnull(strstr(asked_for, " insert together(ISSUED,2," TYPE_INVOICE_ISSUED ";ISSUED,2," TYPE_INVOICE_ISSUED ")"));
	ck_assert_int_eq(orders[0].rc, RC_OK);
	ck_assert_int_eq(orders[1].rc, RC_NOT_FOUND);
	ck_assert_int_eq(orders[2].rc, RC_OK);
	ck_assert_str_ne(orders[0].saved.id, orders[2].saved.id);
}
END_TEST

START_TEST(what_cannot_be_written_together_is_written_one_by_one)
{
	struct invoice_order orders[3];

	three_orders(orders, &asked);
	failing = "insert together";
	failure = RC_INTERNAL;
	ck_assert_int_eq(invoice_create_all(&cx, &ports, orders, 3), RC_OK);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(orders[i].rc, RC_OK);
}
END_TEST

START_TEST(a_draft_is_in_no_book_and_falls_due_on_no_day)
{
	struct invoice draft = asked, made;

	draft.draft = true;
	ck_assert_int_eq(invoice_create(&cx, &ports, &draft, &made), RC_OK);
	ck_assert_str_eq(asked_for, "verify(a) insert(DRAFT,0,-)");
	ck_assert_ptr_null(made.due_date);
}
END_TEST

START_TEST(nothing_is_owed_for_nothing)
{
	struct invoice free_of_charge = asked, made;

	free_of_charge.amount.minor = 0;
	ck_assert_int_eq(invoice_create(&cx, &ports, &free_of_charge, &made), RC_OK);
	ck_assert_str_eq(asked_for, "verify(a) insert(ISSUED,0," TYPE_INVOICE_ISSUED ")");
}
END_TEST

/* --- drafts --- */

static struct invoice_line stored_line = {
	.description = "Consultation", .quantity = 2, .unit_price = { .minor = 500, .known = true }, .tax_rate = 100000
};

static void
store(const char *status)
{
	stored_invoice = (struct invoice){ .patient_id = PATIENT,
		.status = status,
		.currency = "USD",
		.lines = { .rows = &stored_line, .count = 1 },
		.version = 3 };
}

START_TEST(lines_that_are_not_asked_for_stay)
{
	struct invoice change = { .discount = { .minor = 100, .known = true }, .description = "Autumn" }, saved;

	store("DRAFT");
	ck_assert_int_eq(invoice_update(&cx, PATIENT, 3, &change, &saved), RC_OK);
	ck_assert_str_eq(asked_for, "begin lock replace commit");
	ck_assert_str_eq(saved.description, "Autumn");
	ck_assert_int_eq(saved.subtotal.minor, 900);
	ck_assert_int_eq(saved.tax.minor, 90);
	ck_assert_int_eq(saved.amount.minor, 990);
}
END_TEST

START_TEST(an_amount_takes_the_place_of_lines)
{
	struct invoice change = { .amount = { .minor = 7, .known = true }, .currency = "USD" }, saved;

	store("DRAFT");
	ck_assert_int_eq(invoice_update(&cx, PATIENT, 0, &change, &saved), RC_OK);
	ck_assert_uint_eq(saved.lines.count, 1);
	ck_assert_int_eq(saved.amount.minor, 7);
}
END_TEST

static const struct {
	const char *status, *currency;
	int64_t version;
	enum rc rc;
} refused[] = {
	{ "ISSUED", NULL, 0, RC_CONFLICT },
	{ "VOID", NULL, 0, RC_CONFLICT },
	{ "DRAFT", NULL, 2, RC_STALE },
	{ "DRAFT", "EUR", 0, RC_INVALID },
};

START_TEST(only_a_draft_is_changed_and_never_its_currency)
{
	struct invoice change = { .currency = refused[_i].currency }, saved;

	store(refused[_i].status);
	ck_assert_int_eq(invoice_update(&cx, PATIENT, refused[_i].version, &change, &saved), refused[_i].rc);
	ck_assert_str_eq(asked_for, "begin lock rollback");
}
END_TEST

START_TEST(issuing_posts_and_tells_once)
{
	struct invoice saved;

	store("DRAFT");
	stored_invoice.amount = (struct money){ .minor = 1000, .known = true };
	stored_line.net = stored_invoice.amount;
	ck_assert_int_eq(invoice_issue(&cx, &ports, PATIENT, 0, &saved), RC_OK);
	ck_assert_str_eq(asked_for, "begin lock issue post(ISSUE,2) tell(" TYPE_INVOICE_ISSUED ",1) commit");
	ck_assert_ptr_nonnull(saved.due_date);
	asked_for[0] = '\0';
	stored_invoice.status = "ISSUED";
	ck_assert_int_eq(invoice_issue(&cx, &ports, PATIENT, 0, &saved), RC_OK);
	ck_assert_str_eq(asked_for, "begin lock commit");
}
END_TEST

START_TEST(what_is_over_is_not_issued_again)
{
	struct invoice saved;

	store("PAID");
	ck_assert_int_eq(invoice_issue(&cx, &ports, PATIENT, 0, &saved), RC_CONFLICT);
	ck_assert_str_eq(asked_for, "begin lock rollback");
}
END_TEST

/* --- lists, members --- */

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
	i.subtotal = (struct money){ .minor = 8000, .known = true };
	i.tax = (struct money){ .minor = 555, .known = true };
	i.discount = i.amount_paid = i.amount_credited = i.amount_refunded = (struct money){ .known = true };
	i.issued_at = (struct instant){ .us = 0, .known = true };
	i.appointment_cancelled = _i == 1;
	field_write(&b, invoice_fields, &i);
	ck_assert_str_eq(b.bytes,
	    arena_printf(cx.arena,
		"{\"id\":\"%s\",\"number\":null,\"patientId\":\"%s\",\"appointmentId\":null,\"status\":\"ISSUED\","
		"\"amount\":\"85.55\",\"remainingAmount\":\"85.55\","
		"\"currency\":\"USD\",\"description\":null,"
		"\"issuedAt\":\"1970-01-01T00:00:00Z\",\"dueDate\":null,%s\"serviceCode\":null,"
		"\"subtotal\":\"80.00\",\"tax\":\"5.55\",\"discount\":\"0.00\",\"amountPaid\":\"0.00\","
		"\"amountCredited\":\"0.00\",\"amountRefunded\":\"0.00\"}",
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
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"lines\":[{\"quantity\":0}]}", "lines[0].quantity" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"lines\":[{},{\"taxRate\":\"100.1\"}]}", "lines[1].taxRate" },
	{ "{\"patientId\":\"" PATIENT "\",\"amount\":\"1\",\"currency\":\"USD\",\"lines\":[{\"net\":\"1\"}]}", "lines[0].net" },
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
	tcase_add_test(t, what_is_written_comes_to_nothing_as_one);
	tcase_add_test(t, those_who_ask_together_are_written_together_but_for_who_may_not);
	tcase_add_test(t, what_cannot_be_written_together_is_written_one_by_one);
	tcase_add_test(t, a_draft_is_in_no_book_and_falls_due_on_no_day);
	tcase_add_test(t, nothing_is_owed_for_nothing);
	tcase_add_test(t, lines_that_are_not_asked_for_stay);
	tcase_add_test(t, an_amount_takes_the_place_of_lines);
	tcase_add_loop_test(t, only_a_draft_is_changed_and_never_its_currency, 0, COUNT(refused));
	tcase_add_test(t, issuing_posts_and_tells_once);
	tcase_add_test(t, what_is_over_is_not_issued_again);
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
