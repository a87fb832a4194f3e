#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/web/limits.h"
#include "lib/web/web.h"
#include "tests/unit/web/fake_engine.h"
#include "tests/unit/web/suites.h"

static struct fake *fake;
static struct web_program program;

/* A token is its account's name. */
static enum rc
authenticate(struct ctx *cx, const char *token)
{
	if (strcmp(token, "bad") == 0)
		return RC_UNAUTHENTICATED;
	cx->account = arena_strdup(cx->arena, token);
	cx->role = "STAFF";
	return RC_OK;
}

static enum rc
nothing(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	(void)rq;
	return reply_nothing(cx, rp);
}

static const struct field row_fields[] = { FIELD_END };

static enum rc
stream(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	enum rc rc = reply_stream_begin(cx, rp, row_fields);

	(void)rq;
	return rc == RC_OK ? reply_stream_end(rp) : rc;
}

static const struct web_route routes[] = {
	{ "GET", "/staff", ROLE_STAFF, nothing, "Staff", .status = 204 },
	{ "GET", "/admin", ROLE_ADMIN, nothing, "Admin", .status = 204 },
	{ "GET", "/open", ROLE_ANYONE, nothing, "Open", .status = 204 },
	{ "GET", "/stream", ROLE_ANYONE, stream, "Stream", .status = 200 },
	{ "GET", "/asked", ROLE_ANYONE, nothing, "What programs ask all the time", .status = 204,
	    .quiet = true },
	WEB_END,
};

/* 3 a minute from elsewhere, 5 from here. */
static void
setup(void)
{
	const char *why;

	setenv("MEDICORE__WEB__RATE", "3", 1);
	setenv("MEDICORE__WEB__RATE_LOOPBACK", "5", 1);
	ck_assert(config_load(NULL));
	program = (struct web_program){
		.name = "throttle",
		.title = "Throttle",
		.routes = routes,
		.authenticate = authenticate,
		.limits = limits_open("", "throttle", &why),
	};
	fake = fake_new(&program, NULL);
}

static void
teardown(void)
{
	fake_free(fake);
	limits_close(program.limits);
	unsetenv("MEDICORE__WEB__RATE");
	unsetenv("MEDICORE__WEB__RATE_LOOPBACK");
	ck_assert(config_load(NULL));
}

/* token may be NULL. */
static int
ask(const char *path, const char *address, const char *token)
{
	char bearer[64] = "Bearer ";
	const char *variables[] = { "REMOTE_ADDR", address, token == NULL ? NULL : "HTTP_AUTHORIZATION",
		bearer, NULL };

	if (token != NULL)
		strncat(bearer, token, sizeof(bearer) - 8);
	return fake_ask(fake, &(struct fake_request){ .uri = path, .variables = variables })->status;
}

/* How many are answered otherwise than by 429. */
static int
answered(const char *path, const char *address, const char *token)
{
	int n = 0;

	while (n < 20 && ask(path, address, token) != 429)
		n++;
	return n;
}

START_TEST(an_address_has_its_rate_and_is_told_so)
{
	const struct fake_answer *answer;

	ck_assert_int_eq(ask("/open", "192.0.2.1", NULL), 204);
	ck_assert_str_eq(fake_header(fake, "RateLimit-Policy"), "\"address\";q=3;w=60");
	ck_assert_str_eq(fake_header(fake, "RateLimit"), "\"address\";r=2;t=20");
	ck_assert_int_eq(ask("/open", "192.0.2.1", NULL), 204);
	ck_assert_int_eq(ask("/open", "192.0.2.1", NULL), 204);
	ck_assert_str_eq(fake_header(fake, "RateLimit"), "\"address\";r=0;t=60");
	answer = fake_ask(fake, &(struct fake_request){ .uri = "/open",
				    .variables = (const char *[]){ "REMOTE_ADDR", "192.0.2.1", NULL } });
	ck_assert_int_eq(answer->status, 429);
	ck_assert_str_eq(fake_header(fake, "Retry-After"), "20");
	ck_assert_str_eq(fake_header(fake, "RateLimit"), "\"address\";r=0;t=60");
	ck_assert_str_eq(fake_header(fake, "RateLimit-Policy"), "\"address\";q=3;w=60");
	ck_assert_ptr_nonnull(
	    strstr(answer->body, "\"status\":429,\"message\":\"More than 3 requests a minute\""));
	ck_assert_int_eq(answer->end, WEB_KEEP);
}
END_TEST

START_TEST(every_answer_has_the_headers)
{
	ck_assert_int_eq(ask("/stream", "192.0.2.1", NULL), 200);
	ck_assert_str_eq(fake_header(fake, "RateLimit-Policy"), "\"address\";q=3;w=60");
	ck_assert_int_eq(ask("/nothing", "192.0.2.1", NULL), 404);
	ck_assert_str_eq(fake_header(fake, "RateLimit-Policy"), "\"address\";q=3;w=60");
	ck_assert_int_eq(ask("/admin", "192.0.2.1", "ann"), 403);
	ck_assert_str_eq(fake_header(fake, "RateLimit-Policy"), "\"account\";q=3;w=60");
}
END_TEST

START_TEST(an_account_has_its_own_wherever_it_comes_from)
{
	ck_assert_int_eq(ask("/staff", "192.0.2.1", "ann"), 204);
	ck_assert_int_eq(ask("/staff", "192.0.2.2", "ann"), 204);
	ck_assert_int_eq(ask("/staff", "2001:db8::1", "ann"), 204);
	ck_assert_int_eq(ask("/staff", "192.0.2.3", "ann"), 429);
	/* Others of the same address go on, and so does the address without a login. */
	ck_assert_int_eq(answered("/staff", "192.0.2.1", "bob"), 3);
	ck_assert_int_eq(answered("/open", "192.0.2.1", NULL), 3);
}
END_TEST

START_TEST(who_proves_nothing_counts_by_the_address_and_stops_no_account)
{
	ck_assert_int_eq(answered("/staff", "192.0.2.1", "bad"), 3);
	ck_assert_int_eq(ask("/staff", "192.0.2.1", NULL), 429);
	ck_assert_int_eq(ask("/nothing", "192.0.2.1", NULL), 429);
	ck_assert_int_eq(ask("/staff", "192.0.2.1", "ann"), 204);
}
END_TEST

START_TEST(an_ipv6_network_is_one_client)
{
	ck_assert_int_eq(answered("/open", "2001:db8:0:1::1", NULL), 3);
	ck_assert_int_eq(ask("/open", "2001:db8:0:1:ffff:ffff:ffff:ffff", NULL), 429);
	ck_assert_int_eq(answered("/open", "2001:db8:0:2::1", NULL), 3);
	/* An IPv4 address however it is written. */
	ck_assert_int_eq(answered("/open", "::ffff:192.0.2.9", NULL), 3);
	ck_assert_int_eq(ask("/open", "192.0.2.9", NULL), 429);
	ck_assert_int_eq(answered("/open", "192.0.2.10", NULL), 3);
}
END_TEST

START_TEST(this_machine_has_a_rate_of_its_own)
{
	ck_assert_int_eq(answered("/open", "127.0.0.1", NULL), 5);
	ck_assert_int_eq(answered("/open", "127.9.9.9", NULL), 5);
	ck_assert_int_eq(answered("/open", "::1", NULL), 5);
	ck_assert_int_eq(answered("/open", "::ffff:127.0.0.2", NULL), 5);
	ck_assert_int_eq(answered("/open", "2001:db8::1", NULL), 3);
	ck_assert_int_eq(
	    answered("/open", "not an address", NULL), 5); /* which only our own web server could say */
}
END_TEST

START_TEST(programs_that_ask_all_the_time_are_free_of_it)
{
	ck_assert_int_eq(answered("/asked", "192.0.2.1", NULL), 20);
	ck_assert_ptr_null(fake_header(fake, "RateLimit"));
	ck_assert_int_eq(ask("/health/throttle/live", "192.0.2.1", NULL), 200);
}
END_TEST

START_TEST(a_rate_of_0_is_none)
{
	setenv("MEDICORE__WEB__RATE_LOOPBACK", "0", 1);
	ck_assert(config_load(NULL));
	ck_assert_int_eq(answered("/open", "127.0.0.1", NULL), 20);
	ck_assert_ptr_null(fake_header(fake, "RateLimit-Policy"));
	ck_assert_ptr_null(fake_header(fake, "RateLimit"));
	ck_assert_int_eq(answered("/open", "192.0.2.1", NULL), 3);
}
END_TEST

Suite *
throttle_suite(void)
{
	Suite *s = suite_create("throttle");
	TCase *tc = tcase_create("throttle");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_address_has_its_rate_and_is_told_so);
	tcase_add_test(tc, every_answer_has_the_headers);
	tcase_add_test(tc, an_account_has_its_own_wherever_it_comes_from);
	tcase_add_test(tc, who_proves_nothing_counts_by_the_address_and_stops_no_account);
	tcase_add_test(tc, an_ipv6_network_is_one_client);
	tcase_add_test(tc, this_machine_has_a_rate_of_its_own);
	tcase_add_test(tc, programs_that_ask_all_the_time_are_free_of_it);
	tcase_add_test(tc, a_rate_of_0_is_none);
	return s;
}
