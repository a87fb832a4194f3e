#include <stdio.h>
#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

START_TEST(the_contracts_members_come_first_and_in_order)
{
	const struct fake_answer *answer = toys_get("/failures/two", "HTTP_X_REQUEST_ID", "r1");

	ck_assert_int_eq(answer->status, 400);
	ck_assert_uint_eq(strlen("{\"timestamp\":\"yyyy-MM-dd HH:mm:ss\""), 34);
	ck_assert_int_eq(strncmp(answer->body, "{\"timestamp\":\"2", 15), 0);
	ck_assert_str_eq(answer->body + 34,
	    ",\"status\":400,\"message\":\"Validation failed: 2 errors found\",\"path\":\"/failures/two\","
	    "\"errors\":{\"a\\\"b\":\"first\",\"c\":\"second\"},\"requestId\":\"r1\",\"type\":\"about:"
	    "blank\","
	    "\"title\":\"Bad Request\",\"detail\":\"Validation failed: 2 errors "
	    "found\",\"instance\":\"/failures/two\"}");
	ck_assert_str_eq(fake_header(fake, "X-Request-Id"), "r1");
}
END_TEST

START_TEST(an_error_takes_the_place_of_an_answer_that_was_made)
{
	const struct fake_answer *answer = toys_get("/failures/away", NULL, NULL);

	ck_assert_int_eq(answer->status, 503);
	ck_assert_str_eq(fake_header(fake, "Retry-After"), "1");
	ck_assert_ptr_null(fake_header(fake, "ETag"));
	ck_assert_ptr_null(strstr(answer->body, "\"errors\""));
	ck_assert_ptr_null(strstr(answer->body, TOY_ID));
}
END_TEST

START_TEST(a_fault_of_ours_tells_the_client_nothing_of_its_inside)
{
	const struct fake_answer *answer = toys_get("/failures/internal", NULL, NULL);

	ck_assert_int_eq(answer->status, 500);
	ck_assert_ptr_nonnull(strstr(answer->body, "\"message\":\"Internal Server Error\""));
	ck_assert_ptr_null(strstr(answer->body, "relation"));
}
END_TEST

START_TEST(a_handler_without_an_answer_is_a_fault_of_ours)
{
	ck_assert_int_eq(toys_get("/toys/silent", NULL, NULL)->status, 500);
}
END_TEST

static const struct {
	const char *accept;
	int status;
	const char *type;
} accepts[] = {
	{ "*/*", 404, "application/json" },
	{ "application/json", 404, "application/json" },
	{ "application/problem+json", 404, "application/problem+json" },
	{ "application/json, application/problem+json", 404, "application/problem+json" },
	{ "application/problem+json;q=0, */*", 404, "application/json" },
	{ "text/html", 404, "application/json" },
};

START_TEST(the_type_of_problems_is_used_only_where_it_is_named)
{
	ck_assert_int_eq(toys_get("/nowhere", "HTTP_ACCEPT", accepts[_i].accept)->status, accepts[_i].status);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), accepts[_i].type);
}
END_TEST

START_TEST(who_takes_no_json_gets_406_in_json)
{
	ck_assert_int_eq(toys_get("/toys/" TOY_ID, "HTTP_ACCEPT", "text/html, image/*")->status, 406);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
	ck_assert_int_eq(toys_get("/toys/" TOY_ID, "HTTP_ACCEPT", "application/problem+json")->status, 200);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
}
END_TEST

START_TEST(a_path_is_quoted_so_that_the_body_stays_json)
{
	const struct fake_answer *answer = toys_get("/x\"\x01\xFF\r\n<", NULL, NULL);

	ck_assert_ptr_nonnull(strstr(answer->body, "\"path\":\"/x%22%01%FF%0D%0A%3C\""));
}
END_TEST

START_TEST(the_error_of_a_head_has_no_content_either)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .method = "HEAD", .uri = "/nowhere" });

	ck_assert_int_eq(answer->status, 404);
	ck_assert_str_eq(answer->body, "");
}
END_TEST

Suite *
error_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_test(tc, the_contracts_members_come_first_and_in_order);
	tcase_add_test(tc, an_error_takes_the_place_of_an_answer_that_was_made);
	tcase_add_test(tc, a_fault_of_ours_tells_the_client_nothing_of_its_inside);
	tcase_add_test(tc, a_handler_without_an_answer_is_a_fault_of_ours);
	tcase_add_loop_test(tc, the_type_of_problems_is_used_only_where_it_is_named, 0, COUNT(accepts));
	tcase_add_test(tc, who_takes_no_json_gets_406_in_json);
	tcase_add_test(tc, a_path_is_quoted_so_that_the_body_stays_json);
	tcase_add_test(tc, the_error_of_a_head_has_no_content_either);
	suite_add_tcase(suite, tc);
	return suite;
}
