#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

START_TEST(a_stream_is_one_array_in_many_pieces)
{
	const struct fake_answer *answer = toys_get("/toys", NULL, NULL);
	const char *first = "[{\"id\":\"" TOY_ID "\",\"name\":\"top\",\"place\":0},{";
	const char *last = "},{\"id\":\"" TOY_ID "\",\"name\":\"top\",\"place\":19999}]";

	ck_assert_int_eq(answer->status, 200);
	ck_assert_int_eq(toys_streamed, 20000);
	ck_assert_ptr_null(fake_header(fake, "Content-Length"));
	ck_assert_uint_gt(answer->writes, 50);
	ck_assert_int_eq(strncmp(answer->body, first, strlen(first)), 0);
	ck_assert_str_eq(answer->body + answer->body_length - strlen(last), last);
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

START_TEST(a_stream_takes_no_more_memory_the_longer_it_is)
{
	(void)toys_get("/toys", NULL, NULL);
	ck_assert_uint_eq(toys_stream_memory, 0);
}
END_TEST

START_TEST(a_stream_ends_when_nobody_listens)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .uri = "/toys", .hangs_up_after = 40000 });

	ck_assert_int_lt(toys_streamed, 2000);
	ck_assert_int_eq(answer->end, WEB_BREAK);
}
END_TEST

START_TEST(head_fetches_no_rows)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .method = "HEAD", .uri = "/toys" });

	ck_assert_int_eq(answer->status, 200);
	ck_assert_int_eq(toys_streamed, 0);
	ck_assert_str_eq(answer->body, "");
	ck_assert_str_eq(fake_header(fake, "Content-Type"), "application/json");
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

START_TEST(a_stream_that_fails_before_its_first_piece_is_an_error_like_any)
{
	const struct fake_answer *answer = toys_get("/failures/early", NULL, NULL);

	ck_assert_int_eq(answer->status, 503);
	ck_assert_int_eq(strncmp(answer->body, "{\"timestamp\"", 12), 0);
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

START_TEST(a_stream_that_fails_later_is_cut_and_the_client_notices)
{
	const struct fake_answer *answer = toys_get("/failures/late", NULL, NULL);

	ck_assert_int_eq(answer->status, 200);
	ck_assert_ptr_null(strchr(answer->body, ']'));
	ck_assert_int_eq(answer->end, WEB_BREAK);
}
END_TEST

Suite *
stream_suite(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_test(tc, a_stream_is_one_array_in_many_pieces);
	tcase_add_test(tc, a_stream_takes_no_more_memory_the_longer_it_is);
	tcase_add_test(tc, a_stream_ends_when_nobody_listens);
	tcase_add_test(tc, head_fetches_no_rows);
	tcase_add_test(tc, a_stream_that_fails_before_its_first_piece_is_an_error_like_any);
	tcase_add_test(tc, a_stream_that_fails_later_is_cut_and_the_client_notices);
	suite_add_tcase(suite, tc);
	return suite;
}
