#include <stdlib.h>
#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BODY "{\"name\":\"top\"}"

static const struct {
	struct fake_request request;
	int status;
} asked[] = {
	{ { .uri = "/toys", .body = BODY }, 201 },
	{ { .uri = "/toys", .body = BODY, .type = "application/json; charset=utf-8" }, 201 },
	{ { .uri = "/toys", .body = BODY, .type = "text/plain" }, 415 },
	{ { .uri = "/toys", .body = BODY, .type = "" }, 415 },
	{ { .uri = "/toys", .body = "", .type = "" }, 400 },
	{ { .uri = "/toys", .body = "{" }, 400 },
	{ { .uri = "/toys", .body = BODY "\0", .body_length = sizeof(BODY) }, 400 },
	{ { .uri = "/toys/" TOY_ID "/wind", .method = "POST" }, 200 },
	{ { .uri = "/toys/" TOY_ID "/wind", .body = BODY, .type = "text/plain" }, 415 },
	{ { .uri = "/toys/" TOY_ID, .method = "DELETE", .body = "x", .type = "text/plain" }, 204 },
	{ { .uri = "/toys/" TOY_ID, .method = "GET", .body = "anything at all", .type = "text/plain" }, 200 },
	{ { .uri = "/nowhere", .body = BODY }, 404 },
	{ { .uri = "/toys", .method = "PUT", .body = BODY }, 405 },
	{ { .uri = "/toys", .method = "OPTIONS", .body = BODY }, 204 },
	{ { .uri = "/toys/%", .body = BODY }, 400 },
};

START_TEST(whatever_the_answer_the_body_is_read_to_its_end)
{
	const struct fake_request *request = &asked[_i].request;
	const struct fake_answer *answer = fake_ask(fake, request);

	ck_assert_int_eq(answer->status, asked[_i].status);
	ck_assert(answer->ended_read);
	ck_assert_uint_eq(answer->body_read, request->body == NULL       ? 0
					     : request->body_length != 0 ? request->body_length
									 : strlen(request->body));
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

/* A body of length bytes, a JSON text padded with spaces. */
static const struct fake_answer *
ask_large(size_t length, const char *announced)
{
	const char *const variables[] = { "CONTENT_LENGTH", announced, NULL };
	char *body = malloc(length);
	const struct fake_answer *answer;

	ck_assert_ptr_nonnull(body);
	memset(body, ' ', length);
	memcpy(body, BODY, sizeof(BODY) - 1);
	answer = fake_ask(fake, &(struct fake_request){ .uri = "/toys",
				    .body = body,
				    .body_length = length,
				    .variables = announced == NULL ? NULL : variables });
	free(body);
	return answer;
}

START_TEST(a_body_may_be_as_large_as_configured)
{
	ck_assert_int_eq(ask_large(65536, NULL)->status, 201);
	ck_assert_int_eq(ask_large(65537, NULL)->status, 413);
}
END_TEST

START_TEST(a_body_that_is_too_large_is_read_and_the_connection_kept)
{
	const struct fake_answer *answer = ask_large(1000000, NULL);

	ck_assert_int_eq(answer->status, 413);
	ck_assert_uint_eq(answer->body_read, 1000000);
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

START_TEST(a_body_without_end_loses_the_connection)
{
	const struct fake_answer *answer = ask_large((size_t)80 * 1024 * 1024, NULL);

	ck_assert_int_eq(answer->status, 413);
	ck_assert_uint_lt(answer->body_read, (size_t)80 * 1024 * 1024);
	ck_assert_int_eq(answer->end, WEB_CLOSE);
}
END_TEST

START_TEST(a_chunked_body_has_no_length_to_begin_with)
{
	ck_assert_int_eq(ask_large(2000, "")->status, 201);
	ck_assert_int_eq(ask_large(70000, "")->status, 413);
}
END_TEST

START_TEST(a_body_must_be_as_long_as_announced)
{
	ck_assert_int_eq(ask_large(2000, "2001")->status, 400);
	ck_assert_int_eq(ask_large(2000, "1999")->status, 400);
	ck_assert_int_eq(ask_large(2000, "many")->status, 400);
	ck_assert_int_eq(ask_large(2000, "-1")->status, 400);
	ck_assert_int_eq(ask_large(2000, "99999999999999999999")->status, 400);
}
END_TEST

START_TEST(a_body_that_breaks_off_changes_nothing)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .uri = "/toys", .body = BODY, .breaks_off = true });

	ck_assert_int_eq(answer->status, 400);
	ck_assert_int_eq(answer->end, WEB_CLOSE);
}
END_TEST

START_TEST(a_handler_sees_whether_there_is_a_body)
{
	ck_assert_ptr_nonnull(
	    strstr(fake_ask(fake, &(struct fake_request){ .uri = "/toys/x/wind", .method = "POST" })->body,
		"\"without\""));
	ck_assert_ptr_nonnull(strstr(
	    fake_ask(fake, &(struct fake_request){ .uri = "/toys/x/wind", .body = BODY })->body, "\"with\""));
}
END_TEST

Suite *
body_suite(void)
{
	Suite *suite = suite_create("body");
	TCase *tc = tcase_create("body");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_loop_test(tc, whatever_the_answer_the_body_is_read_to_its_end, 0, COUNT(asked));
	tcase_add_test(tc, a_body_may_be_as_large_as_configured);
	tcase_add_test(tc, a_body_that_is_too_large_is_read_and_the_connection_kept);
	tcase_add_test(tc, a_body_without_end_loses_the_connection);
	tcase_add_test(tc, a_chunked_body_has_no_length_to_begin_with);
	tcase_add_test(tc, a_body_must_be_as_long_as_announced);
	tcase_add_test(tc, a_body_that_breaks_off_changes_nothing);
	tcase_add_test(tc, a_handler_sees_whether_there_is_a_body);
	suite_add_tcase(suite, tc);
	return suite;
}
