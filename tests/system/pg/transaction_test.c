#include "tests/system/pg/pg_test.h"

static int64_t
things(void)
{
	return number(&other, &count_things);
}

START_TEST(what_is_committed_stays_and_what_is_rolled_back_does_not)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	ck_assert_int_eq(insert(&cx, "b"), RC_OK);
	ck_assert_int_eq(things(), 0);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(things(), 2);

	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "c"), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_CONFLICT), RC_CONFLICT);
	ck_assert_int_eq(things(), 2);
}
END_TEST

START_TEST(a_transaction_of_nothing_is_fine)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_NOT_FOUND), RC_NOT_FOUND);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	ck_assert_int_eq(things(), 1);
}
END_TEST

START_TEST(a_nested_one_that_fails_leaves_the_outer_one_whole)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "outer"), RC_OK);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pg_begin(&cx), RC_OK);
		ck_assert_int_eq(insert(&cx, i == 1 ? "fine" : "inner"), RC_OK);
		ck_assert_int_eq(pg_end(&cx, insert(&cx, "outer")), RC_DUPLICATE);
		err_clear(&cx);
		ck_assert_int_eq(pg_begin(&cx), RC_OK);
		ck_assert_int_eq(pg_end(&cx, insert(&cx, i == 0 ? "0" : i == 1 ? "1" : "2")), RC_OK);
	}
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(things(), 4);
}
END_TEST

START_TEST(savepoints_may_come_before_the_first_statement)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "deep"), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(things(), 0);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(things(), 1);
}
END_TEST

START_TEST(a_transaction_in_which_a_statement_failed_does_not_pass_as_committed)
{
	ck_assert_int_eq(insert(&cx, "taken"), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "new"), RC_OK);
	ck_assert_int_eq(insert(&cx, "taken"), RC_DUPLICATE);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_INTERNAL);
	ck_assert_int_eq(things(), 1);
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "next"), RC_OK);
	ck_assert_int_eq(things(), 2);
}
END_TEST

START_TEST(its_first_statement_may_fail_too)
{
	ck_assert_int_eq(insert(&cx, "taken"), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, insert(&cx, "taken")), RC_DUPLICATE);
	ck_assert_str_eq(cx.err.constraint, "thing_name");
	next_request(&cx);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, insert(&cx, "other")), RC_OK);
	ck_assert_int_eq(things(), 2);
}
END_TEST

START_TEST(a_try_that_fails_leaves_its_transaction_going)
{
	static const struct pg_stmt insert_returning = {
		.name = "insert_returning",
		.kind = PG_WRITE,
		.sql = "insert into thing (id, name) values (gen_random_uuid(), $1) returning name",
		.takes = "name",
		.in = thing_fields,
		.out = thing_fields,
	};
	struct thing t;

	ck_assert_int_eq(insert(&cx, "taken"), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "first"), RC_OK);
	ck_assert_int_eq(
	    pg_try_one(&cx, &insert_returning, &(struct thing){ .name = "taken" }, &t), RC_DUPLICATE);
	ck_assert_str_eq(cx.err.constraint, "thing_name");
	err_clear(&cx);
	ck_assert_int_eq(pg_try_one(&cx, &insert_returning, &(struct thing){ .name = "second" }, &t), RC_OK);
	ck_assert_str_eq(t.name, "second");
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(things(), 3);
	ck_assert_int_eq(pg_try_one(&cx, &insert_returning, &(struct thing){ .name = "alone" }, &t), RC_OK);
	ck_assert_int_eq(things(), 4);
}
END_TEST

START_TEST(what_a_handler_left_open_is_rolled_back)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "b"), RC_OK);
	pg_reset(cx.pg);
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "c"), RC_OK);
	ck_assert_int_eq(things(), 1);
}
END_TEST

START_TEST(an_end_without_a_begin_is_a_bug)
{
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_INTERNAL);
	next_request(&cx);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
}
END_TEST

START_TEST(nothing_is_committed_after_the_deadline)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(insert(&cx, "a"), RC_OK);
	cx.deadline_ns = clock_monotonic_ns() - 1;
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_TIMEOUT);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

START_TEST(a_script_may_not_end_its_transaction)
{
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(
	    pg_end(
		&cx, pg_script(&cx, "insert into thing (id) values (gen_random_uuid()); rollback; select 1")),
	    RC_INTERNAL);
	next_request(&cx);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_end(&cx, pg_script(&cx, "select 1;\nselect *\nfrom nowhere")), RC_INTERNAL);
	ck_assert_msg(strstr(cx.err.detail, "line 3") != NULL, "%s", cx.err.detail);
}
END_TEST

Suite *
transaction_suite(void)
{
	Suite *s = suite_create("pg transactions");
	TCase *t = tcase_create("pg transactions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_committed_stays_and_what_is_rolled_back_does_not);
	tcase_add_test(t, a_transaction_of_nothing_is_fine);
	tcase_add_test(t, a_nested_one_that_fails_leaves_the_outer_one_whole);
	tcase_add_test(t, savepoints_may_come_before_the_first_statement);
	tcase_add_test(t, a_transaction_in_which_a_statement_failed_does_not_pass_as_committed);
	tcase_add_test(t, its_first_statement_may_fail_too);
	tcase_add_test(t, a_try_that_fails_leaves_its_transaction_going);
	tcase_add_test(t, what_a_handler_left_open_is_rolled_back);
	tcase_add_test(t, an_end_without_a_begin_is_a_bug);
	tcase_add_test(t, nothing_is_committed_after_the_deadline);
	tcase_add_test(t, a_script_may_not_end_its_transaction);
	suite_add_tcase(s, t);
	return s;
}
