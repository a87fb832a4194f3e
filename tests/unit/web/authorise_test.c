#include <stdio.h>
#include <string.h>

#include "lib/web/web.h"
#include "tests/unit/web/fake_engine.h"
#include "tests/unit/web/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct fake *fake;
static int asked; /* how often whose a token is */

/* A token is its role's name; "away" while nobody knows. */
static enum rc
authenticate(struct ctx *cx, const char *token)
{
	asked++;
	if (strcmp(token, "away") == 0)
		return err_detail(cx, RC_UNAVAILABLE, "auth is away");
	if (strcmp(token, "bad") == 0)
		return err_detail(cx, RC_UNAUTHENTICATED, "token refused: expired");
	cx->account = "the account";
	cx->role = arena_strdup(cx->arena, token);
	cx->session = "the session";
	return RC_OK;
}

struct asker {
	const char *account, *role, *session, *address;
};

#define MEMBER(name)                                                                                         \
	{                                                                                                    \
#name, F_TEXT, offsetof(struct asker, name), .use = REPLY                                    \
	}
static const struct field asker_fields[] = {
	MEMBER(account),
	MEMBER(role),
	MEMBER(session),
	MEMBER(address),
	FIELD_END,
};

static const struct field body_fields[] = {
	{ "name", F_TEXT, 0, .use = CREATE | REQUIRED },
	FIELD_END,
};

static enum rc
who(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct asker asker = { cx->account, cx->role, cx->session, cx->address };

	(void)rq;
	return reply_one(cx, rp, asker_fields, &asker, 0);
}

static const struct {
	const char *path;
	unsigned roles;
} gates[] = {
	{ "/admin", ROLE_ADMIN },
	{ "/staff", ROLE_ADMIN | ROLE_STAFF },
	{ "/doctor", ROLE_DOCTOR },
	{ "/billing", ROLE_BILLING | ROLE_AUDITOR },
	{ "/all", ROLE_ADMIN | ROLE_STAFF | ROLE_DOCTOR | ROLE_BILLING | ROLE_AUDITOR },
	{ "/open", ROLE_ANYONE },
};

static const struct web_route routes[] = {
	{ "GET", "/admin", ROLE_ADMIN, who, "Admin", .status = 200 },
	{ "GET", "/staff", ROLE_ADMIN | ROLE_STAFF, who, "Staff", .status = 200 },
	{ "GET", "/doctor", ROLE_DOCTOR, who, "Doctor", .status = 200 },
	{ "GET", "/billing", ROLE_BILLING | ROLE_AUDITOR, who, "Billing", .status = 200 },
	{ "GET", "/all", ROLE_ADMIN | ROLE_STAFF | ROLE_DOCTOR | ROLE_BILLING | ROLE_AUDITOR, who, "All",
	    .status = 200 },
	{ "POST", "/all", ROLE_ADMIN, who, "All", .body = body_fields, .body_use = CREATE, .status = 200 },
	{ "GET", "/open", ROLE_ANYONE, who, "Open", .status = 200 },
	WEB_END,
};

static const struct web_program program = {
	.name = "medicore-gates.fcgi", .title = "Gates", .routes = routes, .authenticate = authenticate
};

static void
setup(void)
{
	fake = fake_new(&program, NULL);
	asked = 0;
}

static void
teardown(void)
{
	fake_free(fake);
}

/* GET path with an Authorization of that value; NULL: none. */
static const struct fake_answer *
get(const char *path, const char *authorization)
{
	const char *const variables[] = { "REMOTE_ADDR", "192.0.2.7",
		authorization != NULL ? "HTTP_AUTHORIZATION" : NULL, authorization, NULL };

	return fake_ask(fake, &(struct fake_request){ .uri = path, .variables = variables });
}

static const struct {
	const char *name;
	unsigned bit;
} roles[] = {
	{ "ADMIN", ROLE_ADMIN },
	{ "STAFF", ROLE_STAFF },
	{ "DOCTOR", ROLE_DOCTOR },
	{ "BILLING", ROLE_BILLING },
	{ "AUDITOR", ROLE_AUDITOR },
	/* of no account of ours */
	{ "ANYONE", 0 },
	{ "admin", 0 },
	{ "ADMINS", 0 },
	{ "", 0 },
};

START_TEST(each_role_takes_the_routes_that_name_it)
{
	for (size_t i = 0; i < COUNT(gates); i++)
		for (size_t n = 0; n < COUNT(roles); n++) {
			char authorization[32];
			bool may = (gates[i].roles & (roles[n].bit | ROLE_ANYONE)) != 0;
			int due = may ? 200 : *roles[n].name != '\0' ? 403 : 401, got;

			snprintf(authorization, sizeof(authorization), "Bearer %s", roles[n].name);
			got = get(gates[i].path, authorization)->status;
			ck_assert_msg(got == due, "%s %s: %d", gates[i].path, roles[n].name, got);
		}
	ck_assert_ptr_nonnull(
	    strstr(get("/admin", "Bearer STAFF")->body, "\"message\":\"The role STAFF may not do this\""));
}
END_TEST

START_TEST(the_handler_learns_who_asks)
{
	ck_assert_str_eq(get("/all", "Bearer DOCTOR")->body,
	    "{\"account\":\"the account\",\"role\":\"DOCTOR\",\"session\":\"the "
	    "session\",\"address\":\"192.0.2.7\"}");
	ck_assert_str_eq(get("/open", NULL)->body,
	    "{\"account\":\"\",\"role\":\"\",\"session\":\"\",\"address\":\"192.0.2.7\"}");
}
END_TEST

START_TEST(an_address_that_is_none_is_not_passed_on)
{
	static const struct {
		const char *given, *taken;
	} addresses[] = { { "2001:db8::1", "2001:db8::1" }, { "::1", "::1" }, { "example.org", "" },
		{ "192.0.2", "" }, { "192.0.2.7 evil", "" } };
	char due[64];

	for (size_t i = 0; i < COUNT(addresses); i++) {
		const char *const variables[] = { "REMOTE_ADDR", addresses[i].given, NULL };

		snprintf(due, sizeof(due), "\"address\":\"%s\"", addresses[i].taken);
		ck_assert_ptr_nonnull(strstr(
		    fake_ask(fake, &(struct fake_request){ .uri = "/open", .variables = variables })->body,
		    due));
	}
}
END_TEST

START_TEST(without_a_token_it_is_401)
{
	static const char *const headers[] = { NULL, "", "Basic YTpi", "Bearer", "Bearer ", "Bearer    ",
		"Bearerx", "ADMIN", "Token ADMIN" };

	for (size_t i = 0; i < COUNT(headers); i++) {
		const struct fake_answer *answer = get("/admin", headers[i]);

		ck_assert_int_eq(answer->status, 401);
		ck_assert_ptr_nonnull(
		    strstr(answer->body, "\"message\":\"Missing or invalid Authorization header\""));
		ck_assert_str_eq(fake_header(fake, "WWW-Authenticate"), "Bearer");
	}
	ck_assert_int_eq(asked, 0);
}
END_TEST

START_TEST(a_bad_token_is_401_and_says_no_more)
{
	const struct fake_answer *answer = get("/admin", "Bearer bad");

	ck_assert_int_eq(answer->status, 401);
	ck_assert_ptr_nonnull(strstr(answer->body, "\"message\":\"Invalid or expired token\""));
	ck_assert_ptr_null(strstr(answer->body, "refused"));
	ck_assert_str_eq(fake_header(fake, "WWW-Authenticate"), "Bearer error=\"invalid_token\"");
}
END_TEST

START_TEST(bearer_is_taken_in_any_case)
{
	ck_assert_int_eq(get("/admin", "bearer ADMIN")->status, 200);
	ck_assert_int_eq(get("/admin", "BEARER ADMIN")->status, 200);
	ck_assert_int_eq(get("/admin", "bEaReR  ADMIN")->status, 200);
}
END_TEST

START_TEST(not_to_know_is_not_no)
{
	const struct fake_answer *answer = get("/admin", "Bearer away");

	ck_assert_int_eq(answer->status, 503);
	ck_assert_ptr_nonnull(fake_header(fake, "Retry-After"));
	ck_assert_int_eq(get("/open", "Bearer away")->status, 200);
	ck_assert_int_eq(get("/health/gates/live", NULL)->status, 200);
}
END_TEST

/* Nobody learns from an answer what a body or a query should be like before having said who asks. */
START_TEST(who_asks_comes_before_what_is_asked)
{
	struct fake_request bad = { .uri = "/all?x=y", .body = "no JSON", .type = "text/plain" };
	const char *const admin[] = { "HTTP_AUTHORIZATION", "Bearer ADMIN", NULL };
	const char *const staff[] = { "HTTP_AUTHORIZATION", "Bearer STAFF", NULL };

	ck_assert_int_eq(fake_ask(fake, &bad)->status, 401);
	bad.variables = staff;
	ck_assert_int_eq(fake_ask(fake, &bad)->status, 403);
	bad.variables = admin;
	ck_assert_int_eq(fake_ask(fake, &bad)->status, 400);
	bad.uri = "/all";
	ck_assert_int_eq(fake_ask(fake, &bad)->status, 415);
	/* A body is read to its end all the same: the connection goes on. */
	bad.variables = NULL;
	ck_assert_int_eq(fake_ask(fake, &bad)->end, WEB_KEEP);
}
END_TEST

START_TEST(what_isnt_there_and_what_may_be_asked_is_told_to_all)
{
	ck_assert_int_eq(get("/nowhere", NULL)->status, 404);
	ck_assert_int_eq(
	    fake_ask(fake, &(struct fake_request){ .method = "PUT", .uri = "/admin" })->status, 405);
	ck_assert_int_eq(
	    fake_ask(fake, &(struct fake_request){ .method = "OPTIONS", .uri = "/admin" })->status, 204);
	ck_assert_int_eq(
	    fake_ask(fake, &(struct fake_request){ .method = "HEAD", .uri = "/admin" })->status, 401);
}
END_TEST

Suite *
authorise_suite(void)
{
	Suite *suite = suite_create("authorise");
	TCase *tc = tcase_create("authorise");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_role_takes_the_routes_that_name_it);
	tcase_add_test(tc, the_handler_learns_who_asks);
	tcase_add_test(tc, an_address_that_is_none_is_not_passed_on);
	tcase_add_test(tc, without_a_token_it_is_401);
	tcase_add_test(tc, a_bad_token_is_401_and_says_no_more);
	tcase_add_test(tc, bearer_is_taken_in_any_case);
	tcase_add_test(tc, not_to_know_is_not_no);
	tcase_add_test(tc, who_asks_comes_before_what_is_asked);
	tcase_add_test(tc, what_isnt_there_and_what_may_be_asked_is_told_to_all);
	suite_add_tcase(suite, tc);
	return suite;
}
