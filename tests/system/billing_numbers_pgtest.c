/* Numbers of invoices: none twice, none missing, whoever does it and whatever dies. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "tests/system/billing_fixture.h"

static struct ctx relay, other;

static void
setup(void)
{
	billing_setup();
	pgtest_connect(&relay, "medicore_billing_relay");
	pgtest_connect(&other, "medicore_billing_relay");
}

static void
teardown(void)
{
	pgtest_disconnect(&relay);
	pgtest_disconnect(&other);
	billing_teardown();
}

/* Invoices of one day, each issued a second after the one before. */
static void
issued(int count, const char *status, const char *from)
{
	run(arena_printf(super.arena,
	    "insert into invoice (id, patient_id, status, amount, subtotal, remaining_amount, currency, issued_at)"
	    " select gen_random_uuid(), '" PATIENT "', '%s', 100, 100, case '%s' when 'VOID' then 0 else 100 end, 'USD',"
	    " '%s'::timestamptz + n * interval '1 second' from generate_series(0, %d) n",
	    status, status, from, count - 1));
}

static size_t
next(struct ctx *cx, size_t max)
{
	size_t numbered = 99;
	enum rc rc = invoice_number_next(cx, max, &numbered);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, cx->err.detail);
	return numbered;
}

static const char *
numbers(void)
{
	return text("select string_agg(coalesce(number, status), ' ' order by issued_at, id) from invoice");
}

START_TEST(invoices_are_numbered_in_order_of_issue_and_drafts_are_not)
{
	issued(1, "ISSUED", "2026-03-03T00:00:02Z");
	issued(1, "VOID", "2026-03-03T00:00:01Z");
	issued(1, "DRAFT", "2026-03-03T00:00:00Z");
	issued(1, "PAID", "2026-03-03T00:00:03Z");
	ck_assert_uint_eq(next(&relay, 2), 2);
	ck_assert_str_eq(numbers(), "DRAFT 2026-000001 2026-000002 PAID");
	ck_assert_uint_eq(next(&relay, 2), 1);
	ck_assert_uint_eq(next(&relay, 2), 0);
	ck_assert_str_eq(numbers(), "DRAFT 2026-000001 2026-000002 2026-000003");
	ck_assert_int_eq(number("select min(version) from invoice where number is not null"), 2);
	ck_assert_int_eq(number("select version from invoice where status = 'DRAFT'"), 1);
	run("update invoice set status = 'ISSUED' where status = 'DRAFT'");
	ck_assert_uint_eq(next(&relay, 2), 1);
	ck_assert_str_eq(numbers(), "2026-000004 2026-000001 2026-000002 2026-000003");
}
END_TEST

/* In Kiritimati 2027 begins when in Greenwich it is ten in the morning of the last day of 2026. */
START_TEST(each_year_of_the_clinics_own_zone_begins_with_one)
{
	setenv("MEDICORE__SCHEDULING__ZONE", "Pacific/Kiritimati", 1);
	ck_assert(config_load("/dev/null"));
	issued(2, "ISSUED", "2026-12-31T09:59:58Z");
	issued(2, "ISSUED", "2026-12-31T10:00:00Z");
	ck_assert_uint_eq(next(&relay, 10), 4);
	ck_assert_str_eq(numbers(), "2026-000001 2026-000002 2027-000001 2027-000002");
	issued(1, "ISSUED", "2026-01-01T00:00:00Z");
	ck_assert_uint_eq(next(&relay, 10), 1);
	ck_assert_int_eq(number("select count(*) from invoice where number = '2026-000003'"), 1);
}
END_TEST

START_TEST(each_series_begins_with_one_and_none_ends_at_six_digits)
{
	issued(1, "ISSUED", "2026-03-03T00:00:00Z");
	ck_assert_uint_eq(next(&relay, 10), 1);
	setenv("MEDICORE__BILLING__SERIES", "A-", 1);
	ck_assert(config_load("/dev/null"));
	issued(1, "ISSUED", "2026-03-03T00:00:01Z");
	ck_assert_uint_eq(next(&relay, 10), 1);
	run("update invoice_series set last = 999998 where series = 'A-'");
	issued(3, "ISSUED", "2026-03-03T00:00:02Z");
	ck_assert_uint_eq(next(&relay, 10), 3);
	ck_assert_str_eq(numbers(), "2026-000001 A-2026-000001 A-2026-999999 A-2026-1000000 A-2026-1000001");
}
END_TEST

START_TEST(what_somebody_holds_is_numbered_once_he_lets_go)
{
	issued(2, "ISSUED", "2026-03-03T00:00:00Z");
	ck_assert_int_eq(pg_begin(&super), RC_OK);
	run("update invoice set description = 'held' where issued_at = '2026-03-03T00:00:00Z'");
	ck_assert_uint_eq(next(&relay, 10), 1);
	ck_assert_int_eq(pg_end(&super, RC_OK), RC_OK);
	ck_assert_uint_eq(next(&relay, 10), 1);
	ck_assert_str_eq(numbers(), "2026-000002 2026-000001");
}
END_TEST

/* The connection goes after the numbers were given and before they are committed. */
START_TEST(who_dies_while_numbering_leaves_no_gap)
{
	issued(3, "ISSUED", "2026-03-03T00:00:00Z");
	ck_assert_int_eq(pg_begin(&other), RC_OK);
	ck_assert_uint_eq(next(&other, 2), 2);
	run("select pg_terminate_backend(pid, 10000) from pg_stat_activity"
	    " where usename = 'medicore_billing_relay' and state = 'idle in transaction'");
	ck_assert_int_eq(pg_end(&other, RC_OK), RC_UNAVAILABLE);
	ck_assert_uint_eq(next(&relay, 10), 3);
	ck_assert_str_eq(numbers(), "2026-000001 2026-000002 2026-000003");
}
END_TEST

#define MANY 3000

static void *
number_all(void *arg)
{
	struct ctx *cx = arg;
	enum rc rc = RC_OK;
	size_t numbered = 1;

	while (rc == RC_OK && numbered > 0)
		rc = invoice_number_next(cx, 70, &numbered);
	return (void *)(uintptr_t)rc;
}

START_TEST(two_at_once_give_each_number_once)
{
	pthread_t thread;
	void *ended;

	issued(MANY, "ISSUED", "2026-12-31T23:30:00Z");
	ck_assert_int_eq(pthread_create(&thread, NULL, number_all, &other), 0);
	ck_assert_int_eq((int)(uintptr_t)number_all(&relay), RC_OK);
	ck_assert_int_eq(pthread_join(thread, &ended), 0);
	ck_assert_int_eq((int)(uintptr_t)ended, RC_OK);
	ck_assert_int_eq(number("select count(*) from invoice where number like '2026-%%'"), 1800);
	ck_assert_int_eq(number("select count(*) from invoice where number like '2027-%%'"), MANY - 1800);
	ck_assert_int_eq(number("select max(right(number, 6)::integer) from invoice where number like '2026-%%'"), 1800);
	ck_assert_int_eq(number("select max(right(number, 6)::integer) from invoice where number like '2027-%%'"), MANY - 1800);
	ck_assert_int_eq(number("select sum(last) from invoice_series"), MANY);
}
END_TEST

Suite *
numbers_suite(void)
{
	Suite *suite = suite_create("numbers");
	TCase *tc = tcase_create("numbers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, invoices_are_numbered_in_order_of_issue_and_drafts_are_not);
	tcase_add_test(tc, each_year_of_the_clinics_own_zone_begins_with_one);
	tcase_add_test(tc, each_series_begins_with_one_and_none_ends_at_six_digits);
	tcase_add_test(tc, what_somebody_holds_is_numbered_once_he_lets_go);
	tcase_add_test(tc, who_dies_while_numbering_leaves_no_gap);
	tcase_add_test(tc, two_at_once_give_each_number_once);
	suite_add_tcase(suite, tc);
	return suite;
}
