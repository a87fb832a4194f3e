/* Invoices that somebody asks for, and the price list. */
#include <string.h>

#include "lib/base/config.h"
#include "tests/system/billing_fixture.h"

static const struct invoice asked = { .patient_id = PATIENT,
	.amount = { .minor = 8555, .known = true },
	.currency = "USD",
	.description = "Consultation",
	.due_date = "2026-12-31" };

/* --- creating --- */

/* As REST shows it. */
static const char *
shown(const struct invoice *invoice)
{
	struct buf b = { .arena = super.arena };

	field_write(&b, invoice_fields, invoice);
	return b.bytes;
}

START_TEST(an_invoice_is_issued_with_all_of_it_still_to_pay)
{
	struct invoice made, found;
	struct ctx *cx = _i == 0 ? &rest : &clerk;

	ck_assert_int_eq(invoice_create(cx, &known_patients, &asked, &made), RC_OK);
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
	ck_assert_int_eq(invoice_create(&rest, &known_patients, &a, &made), RC_NOT_FOUND);
	ck_assert_str_eq(rest.err.fields->name, "patientId");
	ck_assert_str_eq(err_message(&rest, RC_NOT_FOUND), "patient with Id " NOBODY " do not exist");
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

START_TEST(of_many_at_once_each_fails_for_itself)
{
	static const struct invoice_line line = { .description = "Two", .quantity = 2, .unit_price = { .minor = 50, .known = true }, .tax_rate = 100000 };
	struct invoice all[] = { asked, asked, asked, asked, asked };
	struct invoice_order orders[COUNT(all)];
	struct ctx each[COUNT(all)];
	struct invoice found;

	all[1].patient_id = NOBODY;
	all[2].lines = (struct field_list){ .rows = &line, .count = 1 }; /* beside the amount */
	all[3].draft = true;
	all[4].amount = (struct money){ 0 };
	all[4].lines = all[2].lines;
	for (size_t i = 0; i < COUNT(all); i++) {
		each[i] = rest;
		orders[i] = (struct invoice_order){ .cx = &each[i], .asked = &all[i] };
	}
	ck_assert_int_eq(invoice_create_all(&rest, &known_patients, orders, COUNT(orders)), RC_OK);
	ck_assert_int_eq(orders[1].rc, RC_NOT_FOUND);
	ck_assert_str_eq(err_message(&each[1], RC_NOT_FOUND), "patient with Id " NOBODY " do not exist");
	ck_assert_int_eq(orders[2].rc, RC_INVALID);
	ck_assert_str_eq(each[2].err.fields->name, "amount");
	ck_assert_ptr_null(each[0].err.message);
	ck_assert_int_eq(number("select count(*) from invoice"), 3);
	ck_assert_int_eq(number("select count(*) from outbox where type like '%%issued%%'"), 2);
	ck_assert_int_eq(number("select count(distinct posting) from ledger"), 2);
	for (size_t i = 0; i < COUNT(orders); i++) {
		if (i == 1 || i == 2)
			continue;
		ck_assert_int_eq(orders[i].rc, RC_OK);
		/* What its maker is told is what everybody finds. */
		ck_assert_int_eq(invoice_find(&rest, orders[i].saved.id, &found), RC_OK);
		ck_assert_str_eq(shown(&found), shown(&orders[i].saved));
	}
}
END_TEST

/* Makes as many as there are at once, the last of them a draft. */
static void
create_six(struct invoice_order orders[6])
{
	struct invoice draft = asked;

	draft.draft = true;
	for (size_t i = 0; i < 6; i++) {
		struct ctx *each = arena_alloc(clerk.arena, sizeof(*each));

		*each = clerk;
		orders[i] = (struct invoice_order){ .cx = each, .asked = i < 5 ? &asked : &draft };
	}
	ck_assert_int_eq(invoice_create_all(&clerk, &known_patients, orders, 6), RC_OK);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(orders[i].rc, RC_OK);
}

static int
numbered(const struct invoice_order orders[6])
{
	int n = 0;

	for (size_t i = 0; i < 6; i++)
		n += orders[i].numbered;
	return n;
}

/* Without waiting for whoever has the counter: then it is the relay that numbers them. */
START_TEST(many_at_once_are_numbered_at_once_if_the_counter_is_free)
{
	struct invoice_order orders[6];

	create_six(orders);
	ck_assert_int_eq(number("select count(*) from invoice where number is not null"), 0); /* no counter yet */
	ck_assert_int_eq(numbered(orders), 0);
	run(arena_printf(super.arena, "insert into invoice_series values ('', extract(year from now() at time zone '%s'), 41)", config->scheduling.zone));
	create_six(orders);
	ck_assert_int_eq(number("select last from invoice_series"), 46);
	ck_assert_int_eq(numbered(orders), 5);
	ck_assert(!orders[5].numbered);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(text("select substr(number, 5) from invoice where id = '%s'", orders[i].saved.id), text("'-' || lpad('%zu', 6, '0')", 42 + i));
	ck_assert_ptr_null(text("select number from invoice where id = '%s'", orders[5].saved.id));
	run("begin; select from invoice_series for update");
	create_six(orders);
	run("rollback");
	ck_assert_int_eq(number("select last from invoice_series"), 46);
	ck_assert_int_eq(numbered(orders), 0);
	ck_assert_int_eq(number("select count(*) from invoice where number is null and status = 'ISSUED'"), 10);
}
END_TEST

START_TEST(without_the_patient_service_none_of_many_is_made)
{
	struct ctx each[] = { rest, rest };
	struct invoice_order orders[] = { { .cx = &each[0], .asked = &asked }, { .cx = &each[1], .asked = &asked } };

	ck_assert_int_eq(invoice_create_all(&rest, &away, orders, 2), RC_UNAVAILABLE);
	ck_assert_int_eq(orders[0].rc, RC_OK);
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
}
END_TEST

/* One that PostgreSQL refuses takes no other with it. */
START_TEST(what_postgresql_refuses_fails_alone)
{
	struct invoice bad = asked;
	struct ctx each[] = { rest, rest, rest };
	struct invoice_order orders[] = { { .cx = &each[0], .asked = &asked }, { .cx = &each[1], .asked = &bad }, { .cx = &each[2], .asked = &asked } };

	bad.due_date = "2026-02-31";
	ck_assert_int_eq(invoice_create_all(&rest, &known_patients, orders, 3), RC_OK);
	ck_assert_int_eq(orders[0].rc, RC_OK);
	ck_assert_int_eq(orders[1].rc, RC_INTERNAL);
	ck_assert_int_eq(orders[2].rc, RC_OK);
	ck_assert_int_eq(number("select count(*) from invoice"), 2);
}
END_TEST

START_TEST(with_the_patient_service_away_there_is_no_invoice)
{
	struct invoice made;

	ck_assert_int_eq(invoice_create(&rest, &away, &asked, &made), RC_UNAVAILABLE);
	ck_assert_int_eq(number("select count(*) from invoice"), 0);
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
		ck_assert_int_eq(invoice_create(&rest, &known_patients, &a, &made), RC_OK);
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

/* What foreign keys would keep, and that they wouldn't: currency and patient. */
START_TEST(what_belongs_to_no_invoice_is_refused)
{
	static const char *const deeds[] = {
		"insert into invoice_line (invoice_id, position, quantity, unit_price, net, tax) values ('" NOBODY "', 1, 1, 1, 1, 0)",
		"insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id)"
		" select '" NOBODY "', 'ISSUE', a, n, 'USD', '" PATIENT "', '" NOBODY "' from (values ('CASH', 1), ('RECEIVABLE', -1)) e (a, n)",
		"insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id)"
		" select '" NOBODY "', 'ISSUE', a, n, 'EUR', patient_id, id from invoice, (values ('CASH', 1), ('RECEIVABLE', -1)) e (a, n)",
		"insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id)"
		" select '" NOBODY "', 'ISSUE', a, n, currency, '" NOBODY "', id from invoice, (values ('CASH', 1), ('RECEIVABLE', -1)) e (a, n)",
		"insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, payment_id)"
		" select '" NOBODY "', 'PAYMENT', a, n, currency, patient_id, id, '" NOBODY "' from invoice, (values ('CASH', 1), ('RECEIVABLE', -1)) e (a, n)",
		"delete from payment",
		"update payment set id = '" NOBODY "'",
		"update ledger set payment_id = '" NOBODY "'",
		"delete from invoice where id in (select invoice_id from ledger)",
		"update invoice set id = '" NOBODY "'",
		"update invoice_line set invoice_id = '" NOBODY "'",
		"update ledger set invoice_id = '" NOBODY "'",
	};
	struct invoice made;

	ck_assert_int_eq(invoice_create(&rest, &known_patients, &asked, &made), RC_OK);
	ck_assert_int_eq(pg_script(&super, deeds[_i]), RC_INTERNAL);
	ck_assert_msg(strstr(super.err.detail, "23503") != NULL, "%s: %s", deeds[_i], super.err.detail);
	err_clear(&super);
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
	tcase_add_test(t, of_many_at_once_each_fails_for_itself);
	tcase_add_test(t, many_at_once_are_numbered_at_once_if_the_counter_is_free);
	tcase_add_test(t, without_the_patient_service_none_of_many_is_made);
	tcase_add_test(t, what_postgresql_refuses_fails_alone);
	tcase_add_test(t, with_the_patient_service_away_there_is_no_invoice);
	tcase_add_test(t, an_invoice_that_is_not_there_is_not_found);
	tcase_add_test(t, lists_give_each_invoice_once_in_order_and_by_filter);
	tcase_add_test(t, a_cursor_of_another_list_is_refused);
	tcase_add_loop_test(t, what_belongs_to_no_invoice_is_refused, 0, 12);
	suite_add_tcase(suite, t);
	return suite;
}
