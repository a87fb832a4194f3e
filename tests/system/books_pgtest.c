/* medicore check finds whatever is wrong in the books, by its name, and nothing else. */
#include <string.h>

#include "cli/check_books.h"
#include "tests/system/books_fixture.h"

static struct books
checked(void)
{
	struct books b;
	enum rc rc = books_check(&operator, super.arena, &b);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, operator.err.detail);
	return b;
}

START_TEST(books_with_every_kind_of_posting_are_right)
{
	struct books b = checked();

	for (enum books_part part = 0; part < BOOKS_PARTS; part++)
		ck_assert_msg(b.wrong[part] == 0, "%d: %s: %s", part, b.named[part][0].id, b.named[part][0].why);
	ck_assert(books_right(&b));
	ck_assert_int_eq(b.invoices, 7);
	ck_assert_int_eq(b.unnumbered, 0);
}
END_TEST

START_TEST(no_books_are_right_too)
{
	run("truncate invoice, invoice_line, ledger, invoice_series, patient_credit cascade");
	ck_assert(books_right(&(struct books[]){ checked() }[0]));
}
END_TEST

START_TEST(an_issued_invoice_without_number_is_not_wrong_but_counted)
{
	run("update invoice set number = null where id = '" INVOICE("06") "'; update invoice_series set last = 5");
	struct books b = checked();

	ck_assert(books_right(&b));
	ck_assert_int_eq(b.unnumbered, 1);
}
END_TEST

/* Each is wrong in one way; the constraints that forbid it are out of the way. */
static const struct wrong {
	const char *sql;
	enum books_part part;
	const char *id, *why;
} wrongs[] = {
	{ "update ledger set amount = amount + 1 where kind = 'REFUND' and account = 'TAX'", BOOKS_POSTINGS, POSTING("05"),
	  "entries add up to 1" },
	{ "update ledger set currency = 'EUR' where posting = '" POSTING("13") "'", BOOKS_POSTINGS, POSTING("13"), "currency" },
	{ "update ledger set patient_id = '" NOBODY "' where posting = '" POSTING("13") "'", BOOKS_POSTINGS, POSTING("13"), "patient" },
	{ "update ledger set kind = 'VOID' where posting = '" POSTING("14") "' and account = 'WRITE_OFF'", BOOKS_POSTINGS, POSTING("14"),
	  "kind" },
	{ "update invoice set amount = 4001, subtotal = 4001, remaining_amount = 2001 where id = '" INVOICE("03") "'", BOOKS_INVOICES,
	  INVOICE("03"), "amount" },
	{ "update invoice set tax = 501, subtotal = 4999 where id = '" INVOICE("02") "'", BOOKS_INVOICES, INVOICE("02"), "tax" },
	{ "update invoice set amount_paid = 3001, remaining_amount = 7999 where id = '" INVOICE("01") "'", BOOKS_INVOICES, INVOICE("01"),
	  "amountPaid" },
	{ "update invoice set amount_credited = 501, remaining_amount = 1999 where id = '" INVOICE("03") "'", BOOKS_INVOICES,
	  INVOICE("03"), "amountCredited" },
	{ "update invoice set amount_refunded = 1101 where id = '" INVOICE("02") "'", BOOKS_INVOICES, INVOICE("02"), "amountRefunded" },
	{ "update invoice set remaining_amount = 8001 where id = '" INVOICE("01") "'", BOOKS_INVOICES, INVOICE("01"), "remainingAmount" },
	{ "update invoice set status = 'ISSUED' where id = '" INVOICE("01") "'", BOOKS_INVOICES, INVOICE("01"), "status" },
	{ "update invoice set status = 'PAID' where id = '" INVOICE("06") "'", BOOKS_INVOICES, INVOICE("06"), "status" },
	{ "update invoice set status = 'OVERDUE' where id = '" INVOICE("02") "'", BOOKS_INVOICES, INVOICE("02"), "status" },
	{ "update invoice set status = 'UNCOLLECTIBLE' where id = '" INVOICE("01") "'", BOOKS_INVOICES, INVOICE("01"), "written off" },
	{ "update invoice set status = 'OVERDUE' where id = '" INVOICE("05") "'", BOOKS_INVOICES, INVOICE("05"), "written off" },
	{ "update invoice set status = 'DRAFT', number = null where id = '" INVOICE("05") "'; update invoice_series set last = 4;"
	  "update invoice set number = '2026-000004' where id = '" INVOICE("04") "';"
	  "update invoice set number = '2026-000003' where id = '" INVOICE("03") "';"
	  "update invoice set number = null where id = '" INVOICE("06") "'", BOOKS_INVOICES, INVOICE("05"), "entries of a draft" },
	{ "update invoice_line set net = net + 1, unit_price = unit_price + 1 where invoice_id = '" INVOICE("03") "'", BOOKS_LINES,
	  INVOICE("03"), "subtotal" },
	{ "update invoice_line set tax = tax + 1 where invoice_id = '" INVOICE("03") "'", BOOKS_LINES, INVOICE("03"), "tax" },
	{ "update invoice_line set discount = 1 where invoice_id = '" INVOICE("03") "'", BOOKS_LINES, INVOICE("03"), "discount" },
	{ "update invoice_line set quantity = 2 where invoice_id = '" INVOICE("03") "'", BOOKS_LINES, INVOICE("03"), "net of a line" },
	{ "update invoice_line set tax_rate = 200000 where invoice_id = '" INVOICE("01") "'", BOOKS_LINES, INVOICE("01"),
	  "tax of a line" },
	{ "delete from invoice_line where invoice_id = '" INVOICE("03") "'", BOOKS_LINES, INVOICE("03"), "subtotal" },
	{ "update payment set amount = 3001 where id = '" PAYMENT("01") "'", BOOKS_PAYMENTS, PAYMENT("01"), "amount" },
	{ "update payment set method = 'CARD' where id = '" PAYMENT("01") "'", BOOKS_PAYMENTS, PAYMENT("01"), "received" },
	{ "update payment set status = 'RECEIVED' where id = '" PAYMENT("04") "'", BOOKS_PAYMENTS, PAYMENT("04"), "amount" },
	{ "update payment set status = 'BOUNCED' where id = '" PAYMENT("01") "'", BOOKS_PAYMENTS, PAYMENT("01"), "amount" },
	{ "update payment set credited = 1999, amount = 7499 where id = '" PAYMENT("02") "'", BOOKS_PAYMENTS, PAYMENT("02"), "received" },
	{ "update payment set refunded = 1101 where id = '" PAYMENT("02") "'", BOOKS_PAYMENTS, PAYMENT("02"), "amountRefunded" },
	{ "delete from refund where payment_id = '" PAYMENT("02") "'", BOOKS_PAYMENTS, PAYMENT("02"), "amountRefunded" },
	{ "delete from credit_note", BOOKS_PAYMENTS, INVOICE("03"), "credit notes" },
	{ "update payment set currency = 'EUR' where id = '" PAYMENT("01") "'", BOOKS_PAYMENTS, PAYMENT("01"), "currency" },
	{ "delete from patient_credit", BOOKS_PAYMENTS, PATIENT, "credit in USD" },
	{ "update invoice set number = '2026-0000006' where id = '" INVOICE("06") "'; update invoice_series set last = 5", BOOKS_NUMBERS,
	  "2026-0000006", "of no series" },
	{ "update invoice_series set last = 5", BOOKS_NUMBERS, "2026-000006", "of no series" },
	{ "update invoice set number = null where id = '" INVOICE("06") "'; update invoice set number = '2026-000006' where id = '"
	  INVOICE("07") "'", BOOKS_NUMBERS, "2026-000006", "of a draft" },
	{ "update invoice_series set last = 7", BOOKS_GAPS, "2026-000007", "missing" },
	{ "update invoice set number = null where id = '" INVOICE("02") "'", BOOKS_GAPS, "2026-000002", "missing" },
	{ "update patient_credit set amount = 501", BOOKS_CREDIT, PATIENT, "credit in USD" },
	{ "insert into patient_credit values ('" DEBTOR "', 'KWD', 1)", BOOKS_CREDIT, DEBTOR, "credit in KWD" },
};

#define WITHOUT_CONSTRAINTS                                                                                    \
	"set session_replication_role = replica;"                                                              \
	"alter table invoice drop constraint if exists invoice_remaining"

#define CONSTRAINTS_AGAIN                                                                                      \
	"truncate invoice, invoice_line, ledger, invoice_series, patient_credit cascade;"                                            \
	"set session_replication_role = origin;"                                                               \
	"alter table invoice add constraint invoice_remaining check (remaining_amount ="                       \
	" case when status in ('VOID', 'REFUNDED') then 0 else amount - amount_paid - amount_credited end)"

START_TEST(what_is_wrong_is_found_by_name_and_nothing_else)
{
	const struct wrong *w = &wrongs[_i];
	const struct books_finding *found;
	struct books b;

	run(WITHOUT_CONSTRAINTS);
	run(w->sql);
	b = checked();
	run(CONSTRAINTS_AGAIN);
	ck_assert(!books_right(&b));
	ck_assert_msg(b.wrong[w->part] == 1, "%s: %d found", w->sql, (int)b.wrong[w->part]);
	found = &b.named[w->part][0];
	ck_assert_str_eq(found->id, w->id);
	ck_assert_str_eq(found->why, w->why);
}
END_TEST

START_TEST(a_number_that_two_have_is_found_though_an_index_should_forbid_it)
{
	struct books b;

	run("alter table invoice drop constraint invoice_number_key");
	run("update invoice set number = '2026-000001' where id = '" INVOICE("02") "'");
	b = checked();
	run("truncate invoice, invoice_line, ledger cascade; alter table invoice add constraint invoice_number_key unique (number)");
	ck_assert_int_eq(b.wrong[BOOKS_NUMBERS], 2);
	ck_assert_str_eq(b.named[BOOKS_NUMBERS][1].why, "twice");
	ck_assert_int_eq(b.wrong[BOOKS_GAPS], 1);
}
END_TEST

START_TEST(of_many_all_are_counted_and_twenty_named)
{
	struct books b;

	run("insert into invoice (id, patient_id, amount, remaining_amount, subtotal, currency)"
	    " select gen_random_uuid(), '" DEBTOR "', 100, 100, 100, 'USD' from generate_series(1, 10050)");
	b = checked();
	ck_assert_int_eq(b.invoices, 10057);
	ck_assert_int_eq(b.unnumbered, 10050);
	ck_assert_int_eq(b.wrong[BOOKS_INVOICES], 10050);
	ck_assert_int_eq(b.wrong[BOOKS_LINES], 10050);
	ck_assert_str_eq(b.named[BOOKS_INVOICES][BOOKS_NAMED_MAX - 1].why, "amount");
	ck_assert_int_eq(b.wrong[BOOKS_POSTINGS], 0);
}
END_TEST

Suite *
books_suite(void)
{
	Suite *suite = suite_create("books");
	TCase *t = tcase_create("books");

	tcase_add_checked_fixture(t, books_setup, books_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, books_with_every_kind_of_posting_are_right);
	tcase_add_test(t, no_books_are_right_too);
	tcase_add_test(t, an_issued_invoice_without_number_is_not_wrong_but_counted);
	tcase_add_loop_test(t, what_is_wrong_is_found_by_name_and_nothing_else, 0, sizeof(wrongs) / sizeof(*wrongs));
	tcase_add_test(t, a_number_that_two_have_is_found_though_an_index_should_forbid_it);
	tcase_add_test(t, of_many_all_are_counted_and_twenty_named);
	suite_add_tcase(suite, t);
	return suite;
}
