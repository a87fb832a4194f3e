/* Accounts, statements and reports say what the books do. */
#include <string.h>

#include "domain/billing/account.h"
#include "domain/billing/ledger.h"
#include "tests/system/books_fixture.h"

static enum rc
all_but_nobody(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)cx;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = strcmp(ids[i], NOBODY) != 0;
	return RC_OK;
}

static enum rc
no_answer(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)ids;
	(void)count;
	(void)ret_exist;
	return err_detail(cx, RC_UNAVAILABLE, "nobody there");
}

static const struct billing_ports known = { .patients_exist = all_but_nobody }, away = { .patients_exist = no_answer };

#define NEWCOMER "0198f000-0000-7000-8000-00000000000d"
#define INVOICE_OF(a, i) (&((const struct invoice *)(a)->invoices.rows)[i])

static struct account
account_of(const char *patient_id)
{
	struct account a;
	enum rc rc = account_find(&rest, &known, patient_id, &a);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, rest.err.detail);
	return a;
}

START_TEST(an_account_has_balance_credit_and_the_open_invoices)
{
	struct account a = account_of(PATIENT);
	const struct balance *b = a.balances.rows;

	ck_assert_uint_eq(a.balances.count, 1); /* of KWD all is void */
	ck_assert_str_eq(b->currency, "USD");
	ck_assert_int_eq(b->balance.minor, 8000 + 2000);
	ck_assert_int_eq(b->credit.minor, 500);
	ck_assert_int_eq(b->open_invoices, 2);
	ck_assert_uint_eq(a.invoices.count, 2);
	ck_assert_str_eq(INVOICE_OF(&a, 0)->id, INVOICE("01"));
	ck_assert_str_eq(INVOICE_OF(&a, 0)->number, "2026-000001");
	ck_assert_int_eq(INVOICE_OF(&a, 0)->remaining_amount.minor, 8000);
	ck_assert_str_eq(INVOICE_OF(&a, 1)->id, INVOICE("03"));
	ck_assert_ptr_null(INVOICE_OF(&a, 1)->due_date);
}
END_TEST

START_TEST(what_was_written_off_or_refunded_is_not_owed)
{
	struct account a = account_of(DEBTOR);

	ck_assert_uint_eq(a.balances.count, 0);
	ck_assert_uint_eq(a.invoices.count, 0);
}
END_TEST

START_TEST(credit_alone_is_a_balance_too)
{
	const struct balance *b;
	struct account a;

	run("insert into patient_credit values ('" DEBTOR "', 'EUR', 42), ('" DEBTOR "', 'USD', 0)");
	a = account_of(DEBTOR);
	b = a.balances.rows;
	ck_assert_uint_eq(a.balances.count, 1);
	ck_assert_str_eq(b->currency, "EUR");
	ck_assert_int_eq(b->credit.minor, 42);
	ck_assert_int_eq(b->balance.minor, 0);
	ck_assert_int_eq(b->ageing.days_0_to_30.minor, 0);
}
END_TEST

/* Days since due, in which bucket. */
static const struct {
	const char *due;
	size_t bucket;
} ages[] = { { "null", 0 }, { "$ + 5", 0 }, { "$", 0 }, { "$ - 30", 0 }, { "$ - 31", 1 }, { "$ - 60", 1 }, { "$ - 61", 2 },
	{ "$ - 90", 2 }, { "$ - 91", 3 }, { "$ - 4000", 3 } };

static const char *
due_date(const char *due)
{
	char today[DATE_SIZE];

	clinic_today(today);
	return *due != '$' ? due : arena_printf(super.arena, "(date '%s' %s)", today, due + 1);
}

START_TEST(what_is_owed_is_sorted_by_days_since_it_was_due)
{
	struct ageing_report report;
	const struct ageing *usd;
	const struct balance *b;
	struct account a;

	run(arena_printf(super.arena, "update invoice set due_date = %s", due_date(ages[_i].due)));
	a = account_of(PATIENT);
	b = a.balances.rows;
	ck_assert_int_eq((&b->ageing.days_0_to_30)[ages[_i].bucket].minor, 10000);
	ck_assert_int_eq(b->ageing.days_0_to_30.minor + b->ageing.days_31_to_60.minor + b->ageing.days_61_to_90.minor +
			     b->ageing.days_over_90.minor,
	    10000);
	ck_assert_int_eq(ageing_find(&rest, &report), RC_OK);
	usd = report.rows.rows;
	ck_assert_uint_eq(report.rows.count, 1);
	ck_assert_str_eq(usd->currency, "USD");
	ck_assert_int_eq(usd->open_invoices, 2);
	ck_assert_int_eq((&usd->days_0_to_30)[ages[_i].bucket].minor, 10000);
	ck_assert_int_eq(usd->total.minor, 10000);
}
END_TEST

START_TEST(whom_only_the_patient_service_knows_has_an_empty_account)
{
	struct account a = account_of(NEWCOMER);

	ck_assert_uint_eq(a.balances.count, 0);
	ck_assert_uint_eq(a.invoices.count, 0);
	ck_assert_int_eq(account_find(&rest, &away, NEWCOMER, &a), RC_UNAVAILABLE);
	/* Whom the books know nobody has to be asked about. */
	ck_assert_int_eq(account_find(&rest, &away, DEBTOR, &a), RC_OK);
}
END_TEST

START_TEST(whom_nobody_knows_has_no_account)
{
	struct statement s;
	struct account a;

	ck_assert_int_eq(account_find(&rest, &known, NOBODY, &a), RC_NOT_FOUND);
	ck_assert_str_eq(err_message(&rest, RC_NOT_FOUND), "patient with Id " NOBODY " do not exist");
	ck_assert_int_eq(statement_find(&rest, &known, NOBODY, &(struct period){ 0 }, &s), RC_NOT_FOUND);
}
END_TEST

START_TEST(a_sum_beyond_64_bits_is_a_conflict_and_no_number)
{
	struct ageing_report report;
	struct account a;

	run("insert into invoice (id, patient_id, amount, remaining_amount, subtotal, currency)"
	    " select gen_random_uuid(), '" NEWCOMER "', 9223372036854775807, 9223372036854775807, 9223372036854775807, 'JPY'"
	    " from generate_series(1, 2)");
	ck_assert_int_eq(account_find(&rest, &known, NEWCOMER, &a), RC_CONFLICT);
	ck_assert_int_eq(ageing_find(&rest, &report), RC_CONFLICT);
	run("set session_replication_role = replica; delete from invoice where ctid = (select ctid from invoice where currency = 'JPY' limit 1); reset session_replication_role");
	ck_assert_int_eq(account_find(&rest, &known, NEWCOMER, &a), RC_OK);
	ck_assert_int_eq(((const struct balance *)a.balances.rows)->balance.minor, INT64_MAX);
}
END_TEST

/* --- statements --- */

static struct statement
statement_of(const char *from, const char *to)
{
	struct period period = { .from = from, .to = to };
	struct statement s;
	enum rc rc = statement_find(&rest, &known, PATIENT, &period, &s);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, rest.err.detail);
	return s;
}

START_TEST(a_statement_runs_from_its_opening_to_its_closing_balance)
{
	struct statement s = statement_of("2026-01-11", "2026-02-04");
	const struct statement_entry *e = s.entries.rows;
	const struct statement_balance *b = s.balances.rows;

	ck_assert_uint_eq(s.balances.count, 1);
	ck_assert_int_eq(b->opening.minor, 11000);
	/* 8000 of 01, 0 of 02 with 2000 credit, of 03 4000 - 500 - 2000; its 1500 came from the credit. */
	ck_assert_int_eq(b->closing.minor, 8000 - 2000 + 4000 - 500 - 2000);
	ck_assert_uint_eq(s.entries.count, 8);
	ck_assert_str_eq(e[0].kind, "PAYMENT");
	ck_assert_str_eq(e[0].date, "2026-01-11");
	ck_assert_str_eq(e[0].method, "CASH");
	ck_assert_str_eq(e[0].invoice_number, "2026-000001");
	ck_assert(!e[0].debit.known);
	ck_assert_int_eq(e[0].credit.minor, 3000);
	ck_assert_int_eq(e[0].balance.minor, 8000);
	ck_assert_int_eq(e[1].debit.minor, 5500);
	ck_assert_int_eq(e[2].credit.minor, 7500);
	ck_assert_int_eq(e[2].balance.minor, 6000);
	ck_assert_str_eq(e[3].kind, "REFUND"); /* which changes nothing that is owed */
	ck_assert_int_eq(e[3].debit.minor, 1100);
	ck_assert_int_eq(e[3].credit.minor, 1100);
	ck_assert_int_eq(e[3].balance.minor, 6000);
	ck_assert_int_eq(e[5].debit.minor, 1500); /* paid from the credit */
	ck_assert_int_eq(e[5].credit.minor, 1500);
	ck_assert_int_eq(e[7].balance.minor, b->closing.minor);
}
END_TEST

START_TEST(the_closing_balance_is_what_the_account_says_less_the_credit)
{
	struct statement s = statement_of("2026-01-01", "2030-01-01");
	const struct statement_balance *b = s.balances.rows;

	ck_assert_uint_eq(s.balances.count, 2);
	ck_assert_str_eq(b[0].currency, "KWD");
	ck_assert_int_eq(b[0].closing.minor, 0);
	ck_assert_int_eq(b[1].opening.minor, 0);
	ck_assert_int_eq(b[1].closing.minor, 10000 - 500);
}
END_TEST

START_TEST(a_file_has_the_balances_as_lines)
{
	struct statement s = statement_of("2026-01-11", "2026-01-11");
	struct statement_entry *lines;
	size_t count;

	statement_lines(&rest, &s, &lines, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(lines[0].kind, "OPENING");
	ck_assert_int_eq(lines[0].balance.minor, 11000);
	ck_assert_str_eq(lines[1].kind, "PAYMENT");
	ck_assert_str_eq(lines[2].kind, "CLOSING");
	ck_assert_int_eq(lines[2].balance.minor, 8000);
}
END_TEST

START_TEST(a_period_that_ends_before_it_begins_is_refused)
{
	struct period period = { .from = "2026-02-02", .to = "2026-02-01" };
	struct statement s;
	struct revenue r;

	ck_assert_int_eq(statement_find(&rest, &known, PATIENT, &period, &s), RC_INVALID);
	ck_assert_str_eq(rest.err.fields->name, "to");
	ck_assert_int_eq(revenue_find(&rest, &period, &r), RC_INVALID);
}
END_TEST

START_TEST(a_statement_has_an_end)
{
	struct period period = { .from = "2026-01-01", .to = "2026-12-31" };
	struct statement s;

	run("set session_replication_role = replica;"
	    "insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, at)"
	    " select gen_random_uuid(), 'ISSUE', 'RECEIVABLE', 1, 'USD', '" PATIENT "', '" INVOICE("01") "', '2026-05-05'"
	    " from generate_series(1, 5000)");
	ck_assert_int_eq(statement_find(&rest, &known, PATIENT, &period, &s), RC_INVALID);
	ck_assert_str_eq(rest.err.fields->name, "from");
	err_clear(&rest);
	period.from = "2026-05-05";
	ck_assert_int_eq(statement_find(&rest, &known, PATIENT, &period, &s), RC_OK);
	ck_assert_uint_eq(s.entries.count, STATEMENT_ENTRIES_MAX);
}
END_TEST

/* --- revenue --- */

static const struct {
	const char *by, *key, *currency;
	int64_t revenue, tax, received, refunds; /* -1: absent */
} rows[] = {
	{ "day", "2026-01-10", "USD", 10000, 1000, -1, 0 },
	{ "day", "2026-01-14", "USD", -1000, -100, -1, 1100 },
	{ "month", "2026-01", "USD", 14000, 1400, -1, 1100 },
	{ "month", "2026-02", "KWD", 1234, 0, -1, 0 },
	{ "month", "2026-02", "USD", 3500, 0, -1, 0 },
	{ "month", "2026-03", "USD", 0, 0, -1, 2000 },
	{ "service", "GP-1", "KWD", 1234, -1, -1, 0 },
	{ "service", "GP-1", "USD", 17500, -1, -1, 3000 },
	{ "method", "CARD", "USD", -1, -1, 7500, 1100 },
	{ "method", "CASH", "USD", -1, -1, 3000, 0 },
	{ "method", "CHEQUE", "USD", -1, -1, 0, 0 },
	{ "method", "TRANSFER", "USD", -1, -1, 2000, 2000 },
};

static void
same(struct money m, int64_t expected)
{
	ck_assert_int_eq(m.known, expected != -1);
	if (m.known)
		ck_assert_int_eq(m.minor, expected);
}

START_TEST(revenue_is_summed_by_what_is_asked_for)
{
	struct period period = { .from = "2026-01-01", .to = "2026-12-31", .by = rows[_i].by };
	const struct revenue_row *r;
	struct revenue found;
	size_t i = 0;

	ck_assert_int_eq(revenue_find(&rest, &period, &found), RC_OK);
	r = found.rows.rows;
	while (i < found.rows.count && (strcmp(r[i].key, rows[_i].key) != 0 || strcmp(r[i].currency, rows[_i].currency) != 0))
		i++;
	ck_assert_uint_lt(i, found.rows.count);
	same(r[i].revenue, rows[_i].revenue);
	same(r[i].tax, rows[_i].tax);
	same(r[i].received, rows[_i].received);
	same(r[i].refunds, rows[_i].refunds);
}
END_TEST

START_TEST(revenue_counts_both_days_of_its_period_and_no_other)
{
	struct period period = { .from = "2026-01-10", .to = "2026-01-12", .by = "day" };
	const struct revenue_row *r;
	struct revenue found;

	ck_assert_int_eq(revenue_find(&rest, &period, &found), RC_OK);
	r = found.rows.rows;
	ck_assert_uint_eq(found.rows.count, 2);
	ck_assert_str_eq(r[0].key, "2026-01-10");
	ck_assert_str_eq(r[1].key, "2026-01-12");
}
END_TEST

Suite *
accounts_suite(void)
{
	Suite *suite = suite_create("accounts");
	TCase *t = tcase_create("accounts");

	tcase_add_checked_fixture(t, books_setup, books_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_account_has_balance_credit_and_the_open_invoices);
	tcase_add_test(t, what_was_written_off_or_refunded_is_not_owed);
	tcase_add_test(t, credit_alone_is_a_balance_too);
	tcase_add_loop_test(t, what_is_owed_is_sorted_by_days_since_it_was_due, 0, sizeof(ages) / sizeof(*ages));
	tcase_add_test(t, whom_only_the_patient_service_knows_has_an_empty_account);
	tcase_add_test(t, whom_nobody_knows_has_no_account);
	tcase_add_test(t, a_sum_beyond_64_bits_is_a_conflict_and_no_number);
	tcase_add_test(t, a_statement_runs_from_its_opening_to_its_closing_balance);
	tcase_add_test(t, the_closing_balance_is_what_the_account_says_less_the_credit);
	tcase_add_test(t, a_file_has_the_balances_as_lines);
	tcase_add_test(t, a_period_that_ends_before_it_begins_is_refused);
	tcase_add_test(t, a_statement_has_an_end);
	tcase_add_loop_test(t, revenue_is_summed_by_what_is_asked_for, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(t, revenue_counts_both_days_of_its_period_and_no_other);
	suite_add_tcase(suite, t);
	return suite;
}
