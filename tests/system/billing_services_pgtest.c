/* The price list. */
#include <string.h>

#include "tests/system/billing_fixture.h"

static const struct service asked = {
	.description = "X-ray", .price = { .minor = 12050, .known = true }, .currency = "USD"
};

static enum rc
put(struct ctx *cx, const char *code, int64_t if_version, const struct service *s, struct service *ret,
    bool *ret_created)
{
	err_clear(cx);
	return service_put(cx, code, if_version, s, ret, ret_created);
}

START_TEST(a_new_service_is_created_and_the_same_again_changes_nothing)
{
	struct ctx *cx = _i == 0 ? &rest : &operator;
	struct service saved, other = asked;
	bool created;

	ck_assert_int_eq(put(cx, "X.ray_1-a", 0, &asked, &saved, &created), RC_OK);
	ck_assert(created);
	ck_assert_int_eq(saved.version, 1);
	ck_assert_int_eq(put(cx, "X.ray_1-a", 0, &asked, &saved, &created), RC_OK);
	ck_assert(!created);
	ck_assert_int_eq(saved.version, 1);
	other.price.minor = 1;
	ck_assert_int_eq(put(cx, "X.ray_1-a", 0, &other, &saved, &created), RC_OK);
	ck_assert(!created);
	ck_assert_int_eq(saved.version, 2);
	ck_assert_int_eq(saved.price.minor, 1);
}
END_TEST

START_TEST(a_version_that_is_not_there_is_stale)
{
	struct service saved, other = asked;
	bool created;

	ck_assert_int_eq(put(&rest, "XR", 1, &asked, &saved, &created), RC_STALE);
	ck_assert_int_eq(number("select count(*) from service"), 1);
	ck_assert_int_eq(put(&rest, "XR", 0, &asked, &saved, &created), RC_OK);
	ck_assert_int_eq(put(&rest, "XR", 2, &asked, &saved, &created), RC_STALE);
	ck_assert_int_eq(put(&rest, "XR", 1, &asked, &saved, &created), RC_OK);
	ck_assert_int_eq(saved.version, 1);
	other.currency = "EUR";
	ck_assert_int_eq(put(&rest, "XR", 1, &other, &saved, &created), RC_OK);
	ck_assert_int_eq(saved.version, 2);
	ck_assert_str_eq(saved.currency, "EUR");
	ck_assert_int_eq(put(&rest, "XR", 1, &asked, &saved, &created), RC_STALE);
}
END_TEST

START_TEST(a_code_that_is_none_is_refused)
{
	static const char *const codes[] = { "", "a b", "a/b", "\xc3\xa9",
		"12345678901234567890123456789012345678901234567890123456789012345" };
	struct service saved;
	bool created;

	ck_assert_int_eq(put(&rest, codes[_i], 0, &asked, &saved, &created), RC_INVALID);
	ck_assert_str_eq(rest.err.fields->name, "code");
}
END_TEST

START_TEST(a_body_may_repeat_the_code_but_not_change_it)
{
	struct service saved, s = asked;
	bool created;

	s.code = "XR";
	ck_assert_int_eq(put(&rest, "XR", 0, &s, &saved, &created), RC_OK);
	ck_assert_int_eq(put(&rest, "XS", 0, &s, &saved, &created), RC_INVALID);
	ck_assert_str_eq(rest.err.fields->name, "code");
}
END_TEST

START_TEST(services_are_listed_in_pages_by_code)
{
	struct page page = { .limit = 2 };
	struct service saved, *found;
	size_t count;
	bool created, more;

	put(&rest, "A", 0, &asked, &saved, &created);
	put(&rest, "X", 0, &asked, &saved, &created);
	ck_assert_int_eq(service_list(&rest, &page, &found, &count, &more), RC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(more);
	ck_assert_str_eq(found[1].code, "GP-1");
	page.after = found[1].code;
	ck_assert_int_eq(service_list(&rest, &page, &found, &count, &more), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(!more);
	ck_assert_str_eq(found[0].code, "X");
	ck_assert_int_eq(service_find(&rest, "nope", &saved), RC_NOT_FOUND);
}
END_TEST

Suite *
services_suite(void)
{
	Suite *suite = suite_create("services");
	TCase *t = tcase_create("services");

	tcase_add_checked_fixture(t, billing_setup, billing_teardown);
	tcase_add_loop_test(t, a_new_service_is_created_and_the_same_again_changes_nothing, 0, 2);
	tcase_add_test(t, a_version_that_is_not_there_is_stale);
	tcase_add_loop_test(t, a_code_that_is_none_is_refused, 0, 5);
	tcase_add_test(t, a_body_may_repeat_the_code_but_not_change_it);
	tcase_add_test(t, services_are_listed_in_pages_by_code);
	suite_add_tcase(suite, t);
	return suite;
}
