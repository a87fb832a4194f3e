#include "lib/web/route.h"

#include <string.h>

#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *method, *uri;
	int status;
	const char *allow; /* NULL: not asked */
} asked[] = {
	{ "GET", "/toys/" TOY_ID, 200, NULL },
	{ "GET", "/toys/019AAAAA-0000-7000-8000-00000000000A", 200, NULL },
	{ "GET", "/%74oys/" TOY_ID, 200, NULL },
	{ "GET", "http://clinic.example/toys/" TOY_ID "?", 200, NULL },
	{ "HEAD", "/toys/" TOY_ID, 200, NULL },
	{ "DELETE", "/toys/" TOY_ID, 204, NULL },
	{ "GET", "/toys/" TOY_ID "/", 404, NULL },
	{ "GET", "/toys/", 404, NULL },
	{ "GET", "//toys", 404, NULL },
	{ "GET", "/toys/" TOY_ID "/wind/up", 404, NULL },
	{ "GET", "/toyshop", 404, NULL },
	{ "GET", "/Toys", 404, NULL },
	{ "GET", "/", 404, NULL },
	{ "GET", "/a/b/c/d/e/f/g/h/i/j", 404, NULL },
	{ "OPTIONS", "*", 404, NULL },
	{ "OPTIONS", "/nothing", 404, NULL },
	{ "PUT", "/toys", 405, "GET, HEAD, POST, OPTIONS" },
	{ "get", "/toys", 405, "GET, HEAD, POST, OPTIONS" },
	{ "TRACE", "/toys/" TOY_ID, 405, "GET, HEAD, PATCH, DELETE, OPTIONS" },
	{ "GET", "/toys/" TOY_ID "/wind", 405, "POST, OPTIONS" },
	{ "HEAD", "/shelves/x", 405, "PUT, OPTIONS" },
	{ "POST", "/health/toys/live", 405, "GET, HEAD, OPTIONS" },
	{ "OPTIONS", "/toys", 204, "GET, HEAD, POST, OPTIONS" },
	{ "OPTIONS", "/toys/anything", 204, "GET, HEAD, PATCH, DELETE, OPTIONS" },
	{ "GET", "/toys/not-an-id", 400, NULL },
	{ "GET", "/toys/a%2Fb", 400, NULL },
	{ "GET", "/toys/%00", 400, NULL },
	{ "GET", "/toys/%zz", 400, NULL },
	{ "GET", "/toys/%4", 400, NULL },
	{ "GET", "/toys/%", 400, NULL },
	{ "GET", "/toys/%C0%AF", 400, NULL },
	{ "GET", "/toys/%ED%A0%80", 400, NULL },
	{ "GET", "/health/toys/live", 200, NULL },
	{ "GET", "/health/toys/ready", 200, NULL },
	{ "GET", "/health/toy/ready", 404, NULL },
	{ "GET", "/health/medicore-toys.fcgi/live", 404, NULL },
};

START_TEST(method_and_path_choose_the_route)
{
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){ .method = asked[_i].method, .uri = asked[_i].uri });

	ck_assert_int_eq(answer->status, asked[_i].status);
	if (asked[_i].allow != NULL)
		ck_assert_str_eq(fake_header(fake, "Allow"), asked[_i].allow);
	else
		ck_assert_ptr_null(fake_header(fake, "Allow"));
}
END_TEST

START_TEST(a_segment_keeps_its_escaped_slash)
{
	const struct fake_answer *answer = fake_ask(
	    fake, &(struct fake_request){
		      .method = "PUT", .uri = "/shelves/a%2Fb%20%C3%A9", .body = "{\"name\":\"x\"}" });

	ck_assert_int_eq(answer->status, 201);
	ck_assert_str_eq(fake_header(fake, "Location"), "/shelves/a%2Fb%20%C3%A9");
	ck_assert_ptr_nonnull(strstr(answer->body, "\"name\":\"a/b \xC3\xA9\""));
}
END_TEST

START_TEST(a_cgi_programs_own_name_is_no_part_of_the_path)
{
	const char *const variables[] = { "SCRIPT_NAME", "/cgi-bin/medicore-toys.fcgi", "PATH_INFO",
		"/toys/" TOY_ID, NULL };
	const struct fake_answer *answer =
	    fake_ask(fake, &(struct fake_request){
			       .uri = "/cgi-bin/medicore-toys.fcgi/toys/" TOY_ID, .variables = variables });

	ck_assert_int_eq(answer->status, 200);
}
END_TEST

START_TEST(a_server_without_request_uri_is_understood)
{
	const char *const variables[] = { "REQUEST_URI", "", "SCRIPT_NAME", "/toys", "PATH_INFO", "/" TOY_ID,
		NULL };

	ck_assert_int_eq(
	    fake_ask(fake, &(struct fake_request){ .uri = "", .variables = variables })->status, 200);
}
END_TEST

START_TEST(a_route_open_to_nobody_is_refused)
{
	const struct web_route closed[] = {
		{ .method = "GET", .pattern = "/x", .handler = health_routes[0].handler }, WEB_END
	};
	const struct web_route empty[] = { { .method = "GET", .pattern = "/x", .roles = ROLE_ANYONE },
		WEB_END };
	const struct web_route odd[] = { { .method = "HEAD",
					     .pattern = "/x",
					     .roles = ROLE_ANYONE,
					     .handler = health_routes[0].handler },
		WEB_END };
	const struct web_route torn[] = { { .method = "GET",
					      .pattern = "/x",
					      .roles = ROLE_ANYONE,
					      .handler = health_routes[0].handler,
					      .csv = true,
					      .stream = true },
		WEB_END };

	ck_assert(route_check(&toys));
	ck_assert(!route_check(&(struct web_program){ .name = "p", .routes = torn }));
	ck_assert(!route_check(&(struct web_program){ .name = "p", .routes = closed }));
	ck_assert(!route_check(&(struct web_program){ .name = "p", .routes = empty }));
	ck_assert(!route_check(&(struct web_program){ .name = "p", .routes = odd }));
	ck_assert(!route_check(&keyed_toys));
}
END_TEST

Suite *
route_suite(void)
{
	Suite *suite = suite_create("route");
	TCase *tc = tcase_create("route");

	tcase_add_checked_fixture(tc, toys_setup, toys_teardown);
	tcase_add_loop_test(tc, method_and_path_choose_the_route, 0, COUNT(asked));
	tcase_add_test(tc, a_segment_keeps_its_escaped_slash);
	tcase_add_test(tc, a_cgi_programs_own_name_is_no_part_of_the_path);
	tcase_add_test(tc, a_server_without_request_uri_is_understood);
	tcase_add_test(tc, a_route_open_to_nobody_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
