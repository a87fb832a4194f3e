#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

START_TEST(one_thing_comes_with_its_tag_and_never_stays_in_a_cache)
{
	const struct fake_answer *answer = toys_get("/toys/" TOY_ID, NULL, NULL);

	ck_assert_int_eq(answer->status, 200);
	ck_assert_str_eq(fake_header(fake, "ETag"), "\"7\"");
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
	ck_assert_str_eq(fake_header(fake, "Cache-Control"), "no-store");
	ck_assert_str_eq(fake_header(fake, "X-Content-Type-Options"), "nosniff");
	ck_assert_str_eq(answer->body, "{\"id\":\"" TOY_ID "\",\"name\":\"top\",\"place\":0}");
	ck_assert_uint_eq(strtoul(fake_header(fake, "Content-Length"), NULL, 10), answer->body_length);
}
END_TEST

START_TEST(head_is_get_without_content)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .method = "HEAD", .uri = "/toys/" TOY_ID });

	ck_assert_int_eq(answer->status, 200);
	ck_assert_str_eq(answer->body, "");
	ck_assert_str_eq(fake_header(fake, "ETag"), "\"7\"");
	ck_assert_str_eq(fake_header(fake, "Content-Length"), "68");
}
END_TEST

START_TEST(what_the_client_has_already_is_not_sent_again)
{
	ck_assert_int_eq(toys_get("/toys/" TOY_ID, "HTTP_IF_NONE_MATCH", "W/\"7\"")->status, 304);
	ck_assert_str_eq(
	    fake_ask(fake, &(struct fake_request){ .uri = "/toys/" TOY_ID,
			       .variables = (const char *const[]){ "HTTP_IF_NONE_MATCH", "\"7\"", NULL } })
		->body,
	    "");
	ck_assert_str_eq(fake_header(fake, "ETag"), "\"7\"");
	ck_assert_ptr_null(fake_header(fake, "Content-Type"));
	ck_assert_int_eq(toys_get("/toys/" TOY_ID, "HTTP_IF_NONE_MATCH", "\"6\"")->status, 200);
}
END_TEST

START_TEST(what_was_made_says_where_it_is)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .uri = "/toys", .body = "{\"name\":\"kite\"}" });

	ck_assert_int_eq(answer->status, 201);
	ck_assert_str_eq(fake_header(fake, "Location"), "/toys/" TOY_ID);
	ck_assert_str_eq(fake_header(fake, "ETag"), "\"1\"");
	ck_assert_ptr_nonnull(strstr(answer->body, "\"name\":\"kite\""));
}
END_TEST

START_TEST(nothing_has_no_content_type)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .method = "DELETE", .uri = "/toys/" TOY_ID });

	ck_assert_int_eq(answer->status, 204);
	ck_assert_str_eq(answer->body, "");
	ck_assert_ptr_null(fake_header(fake, "Content-Type"));
	ck_assert_ptr_null(fake_header(fake, "Content-Length"));
}
END_TEST

START_TEST(a_status_alone_has_no_body_and_no_content_type)
{
	const struct fake_answer *answer = toys_get("/toys/bare", "HTTP_AUTHORIZATION", "bEARER x.y.z");

	ck_assert_int_eq(answer->status, 200);
	ck_assert_str_eq(answer->body, "");
	ck_assert_ptr_null(fake_header(fake, "Content-Type"));
	ck_assert_str_eq(fake_header(fake, "Content-Length"), "0");
	answer = toys_get("/toys/bare", "HTTP_AUTHORIZATION", "Basic eDp5");
	ck_assert_int_eq(answer->status, 401);
	ck_assert_str_eq(answer->body, "");
	ck_assert_str_eq(fake_header(fake, "WWW-Authenticate"), "Bearer");
}
END_TEST

START_TEST(a_bearer_token_is_what_stands_behind_the_scheme)
{
	static const struct {
		const char *header, *body;
	} cases[] = {
		{ "Bearer x.y.z", "\"x.y.z\"" },
		{ "BEARER  x", "\"x\"" },
		{ "Bearer ", "\"nobody\"" },
		{ "Bearer", "\"nobody\"" },
		{ "Bearerx", "\"nobody\"" },
		{ "Basic x", "\"nobody\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_str_eq(toys_get("/toys/kept", "HTTP_AUTHORIZATION", cases[i].header)->body, cases[i].body);
	ck_assert_str_eq(fake_header(fake, "Cache-Control"), "public, max-age=60");
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
}
END_TEST

START_TEST(who_asks_too_often_hears_when_to_ask_again)
{
	ck_assert_int_eq(toys_get("/toys/too-often", NULL, NULL)->status, 429);
	ck_assert_str_eq(fake_header(fake, "Retry-After"), "7");
}
END_TEST

START_TEST(a_list_is_a_file_of_rows_where_accept_prefers_csv)
{
	const struct fake_answer *answer = toys_get("/toys/table", "HTTP_ACCEPT", "text/csv");

	ck_assert_int_eq(answer->status, 200);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "text/csv; charset=utf-8; header=present");
	ck_assert_str_eq(fake_header(fake, "Content-Disposition"), "attachment; filename=\"table.csv\"");
	ck_assert_str_eq(answer->body, "id,name,place\r\n" TOY_ID ",'=top,-1\r\n,\"a,b\",0\r\n");
	ck_assert_uint_eq(strtoul(fake_header(fake, "Content-Length"), NULL, 10), answer->body_length);
	ck_assert_ptr_nonnull(fake_header(fake, "Link"));
	answer = toys_get("/toys/table", "HTTP_ACCEPT", "*/*");
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
	ck_assert_ptr_null(fake_header(fake, "Content-Disposition"));
	ck_assert_int_eq(answer->body[0], '[');
}
END_TEST

START_TEST(a_handler_can_ask_whether_csv_is_due)
{
	const struct fake_answer *answer = toys_get("/toys/x/sheet", "HTTP_ACCEPT", "text/csv, */*;q=0.1");

	ck_assert_str_eq(answer->body, "id,name,place\r\n" TOY_ID ",top,0\r\n");
	ck_assert_str_eq(fake_header(fake, "Content-Disposition"), "attachment; filename=\"sheet.csv\"");
	ck_assert_int_eq(toys_get("/toys/x/sheet", NULL, NULL)->body[0], '{');
}
END_TEST

START_TEST(csv_is_only_for_the_routes_that_have_it)
{
	ck_assert_int_eq(toys_get("/toys/" TOY_ID, "HTTP_ACCEPT", "text/csv")->status, 406);
	ck_assert_int_eq(toys_get("/toys?limit=2", "HTTP_ACCEPT", "text/csv")->status, 406);
	ck_assert_int_eq(toys_get("/toys/table", "HTTP_ACCEPT", "text/html")->status, 406);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
	ck_assert_int_eq(toys_get("/toys/table?x=1", "HTTP_ACCEPT", "text/csv")->status, 400);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json"); /* errors are never CSV */
}
END_TEST

START_TEST(a_document_is_sent_as_it_is)
{
	const struct fake_answer *answer = toys_get("/toys/x/paper", "HTTP_ACCEPT", "application/pdf");

	ck_assert_int_eq(answer->status, 200);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/pdf");
	ck_assert_str_eq(fake_header(fake, "Content-Disposition"), "attachment; filename=\"toy__2026___X__y.pdf\"");
	ck_assert_uint_eq(answer->body_length, 6);
	ck_assert_mem_eq(answer->body, "%PDF\0\xff", 6);
	ck_assert_int_eq(toys_get("/toys/x/paper", NULL, NULL)->status, 200);
	ck_assert_int_eq(toys_get("/toys/x/paper", "HTTP_ACCEPT", "application/json")->status, 406);
	ck_assert_int_eq(toys_get("/toys/torn/paper", "HTTP_ACCEPT", "application/pdf")->status, 404);
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
}
END_TEST

static int
patched(const char *if_match)
{
	const char *const variables[] = { "HTTP_IF_MATCH", if_match, NULL };

	return fake_ask(fake, &(struct fake_request){ .method = "PATCH",
				  .uri = "/toys/" TOY_ID,
				  .body = "{\"name\":\"x\"}",
				  .variables = variables })
	    ->status;
}

START_TEST(a_change_needs_the_version_it_names)
{
	ck_assert_int_eq(patched(NULL), 200);
	ck_assert_int_eq(patched("*"), 200);
	ck_assert_int_eq(patched("\"7\""), 200);
	ck_assert_int_eq(patched("\"6\""), 412);
	ck_assert_int_eq(patched("W/\"7\""), 412);
	ck_assert_int_eq(patched("seven"), 412);
}
END_TEST

static const struct fake_answer *
made_with_key(const char *key)
{
	const char *const variables[] = { "HTTP_IDEMPOTENCY_KEY", key, NULL };

	return fake_ask(fake,
	    &(struct fake_request){ .uri = "/toys", .body = "{\"name\":\"x\"}", .variables = variables });
}

/* What becomes of good ones is the database's: tests/system/once_pgtest.c. */
START_TEST(an_idempotency_key_is_printable_and_not_too_long)
{
	char key[257];

	toys_teardown();
	fake = fake_new(&keyed_toys, NULL);
	ck_assert_int_eq(made_with_key(NULL)->status, 201);
	ck_assert_int_eq(made_with_key("")->status, 400);
	ck_assert_int_eq(made_with_key("a\tb")->status, 400);
	ck_assert_int_eq(made_with_key("\xC3\xA9")->status, 400);
	memset(key, 'k', sizeof(key));
	key[256] = '\0';
	ck_assert_int_eq(made_with_key(key)->status, 400);
	ck_assert_ptr_nonnull(strstr(made_with_key(key)->body, "\"errors\":{\"Idempotency-Key\":"));
}
END_TEST

START_TEST(a_request_keeps_the_id_it_came_with)
{
	const char *const both[] = { "HTTP_X_REQUEST_ID", "bad id", "HTTP_TRACEPARENT",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", NULL };
	char made[65];

	(void)toys_get("/toys/" TOY_ID, "HTTP_X_REQUEST_ID", "desk-3.A_b");
	ck_assert_str_eq(fake_header(fake, "X-Request-Id"), "desk-3.A_b");
	(void)fake_ask(fake, &(struct fake_request){ .uri = "/toys/" TOY_ID, .variables = both });
	ck_assert_str_eq(fake_header(fake, "X-Request-Id"), both[3]);
	ck_assert_int_eq(strncmp(fake_header(fake, "traceresponse"), both[3], strlen("00-0af7651916cd43dd8448eb211c80319c-")), 0);
	ck_assert_str_ne(fake_header(fake, "traceresponse"), both[3]);
	ck_assert_str_eq(fake_header(fake, "traceresponse") + 53, "01");
	(void)toys_get("/toys/" TOY_ID, "HTTP_X_REQUEST_ID",
	    "12345678901234567890123456789012345678901234567890123456789012345");
	snprintf(made, sizeof(made), "%s", fake_header(fake, "X-Request-Id"));
	ck_assert_uint_eq(strlen(made), 36);
	(void)toys_get("/toys/" TOY_ID, "HTTP_X_REQUEST_ID", "a\"b");
	ck_assert_uint_eq(strlen(fake_header(fake, "X-Request-Id")), 36);
	ck_assert_str_ne(fake_header(fake, "X-Request-Id"), made);
}
END_TEST

Suite *
reply_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *tc = tcase_create("reply");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_test(tc, one_thing_comes_with_its_tag_and_never_stays_in_a_cache);
	tcase_add_test(tc, head_is_get_without_content);
	tcase_add_test(tc, what_the_client_has_already_is_not_sent_again);
	tcase_add_test(tc, what_was_made_says_where_it_is);
	tcase_add_test(tc, nothing_has_no_content_type);
	tcase_add_test(tc, a_status_alone_has_no_body_and_no_content_type);
	tcase_add_test(tc, a_bearer_token_is_what_stands_behind_the_scheme);
	tcase_add_test(tc, who_asks_too_often_hears_when_to_ask_again);
	tcase_add_test(tc, a_list_is_a_file_of_rows_where_accept_prefers_csv);
	tcase_add_test(tc, a_handler_can_ask_whether_csv_is_due);
	tcase_add_test(tc, csv_is_only_for_the_routes_that_have_it);
	tcase_add_test(tc, a_document_is_sent_as_it_is);
	tcase_add_test(tc, a_change_needs_the_version_it_names);
	tcase_add_test(tc, an_idempotency_key_is_printable_and_not_too_long);
	tcase_add_test(tc, a_request_keeps_the_id_it_came_with);
	suite_add_tcase(suite, tc);
	return suite;
}
