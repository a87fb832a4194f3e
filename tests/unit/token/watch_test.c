/* watch.c against an auth of the test's own, which answers over HTTP what the test wants. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/token/watch.h"
#include "tests/unit/token/forge.h"
#include "tests/unit/token/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define SECRET "a secret of this test"
#define SESSION "018f4e3a-0000-7000-8000-000000000002"

/* --- a clock that can be put forward; this file's, since the linker finds it first --- */

static atomic_int_fast64_t forward_s;

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (ts.tv_sec + atomic_load(&forward_s)) * 1000000000 + ts.tv_nsec;
}

int64_t
clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t
clock_now_us(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

/* --- auth --- */

static struct {
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;
	const char *keys, *ended; /* contents; NULL: 503 */
	const char *status;       /* of all else */
	atomic_uint keys_asked, ended_asked;
	char keys_request[1024], ended_request[1024];
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
answer(int fd)
{
	char request[1024] = "", head[200];
	const char *content;
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(request) - 1 && strstr(request, "\r\n\r\n") == NULL &&
	       (got = read(fd, request + n, sizeof(request) - 1 - n)) > 0)
		n += (size_t)got;
	pthread_mutex_lock(&server.lock);
	if (strncmp(request, "GET /.well-known/jwks.json ", 27) == 0) {
		content = server.keys;
		server.keys_asked++;
		memcpy(server.keys_request, request, sizeof(request));
	} else {
		content = server.ended;
		server.ended_asked++;
		memcpy(server.ended_request, request, sizeof(request));
	}
	snprintf(head, sizeof(head),
	    "HTTP/1.1 %s\r\nConnection: close\r\nLocation: /elsewhere\r\nContent-Length: %zu\r\n\r\n",
	    content != NULL ? server.status : "503 No", content != NULL ? strlen(content) : 0);
	if (write(fd, head, strlen(head)) > 0 && content != NULL && write(fd, content, strlen(content)) < 0)
		server.ended_asked++; /* the other side may close on us */
	pthread_mutex_unlock(&server.lock);
	close(fd);
}

static void *
serve(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(server.listener, NULL, NULL)) >= 0)
		answer(fd);
	return NULL;
}

static void
server_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	char url[64];

	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(server.listener, 16), 0);
	ck_assert_int_eq(getsockname(server.listener, (struct sockaddr *)&at, &size), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", ntohs(at.sin_port));
	setenv("MEDICORE__AUTH__URL", url, 1);
	setenv("MEDICORE__AUTH__PROGRAMS_SECRET", SECRET, 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1); /* which must not be asked */
	ck_assert(config_load("/dev/null"));
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
server_stop(void)
{
	if (server.listener < 0)
		return;
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	server.listener = -1;
}

static void
server_says(const char *keys, const char *ended)
{
	pthread_mutex_lock(&server.lock);
	server.keys = keys;
	server.ended = ended;
	pthread_mutex_unlock(&server.lock);
}

static bool
server_was_asked(const char *request, const char *words)
{
	bool found;

	pthread_mutex_lock(&server.lock);
	found = strstr(request, words) != NULL;
	pthread_mutex_unlock(&server.lock);
	return found;
}

/* --- a program --- */

static struct arena *arena;
static struct forger *forger, *second;
static const char *one_key, *two_keys, *other_key, *text;
static struct token_watch *w;
static atomic_uint bad_news, good_news;
static struct ctx cx;

static void
tell(const char *why, unsigned failed)
{
	ck_assert_uint_gt(failed, 0);
	ck_assert(why == NULL || strstr(why, SECRET) == NULL);
	atomic_fetch_add(why != NULL ? &bad_news : &good_news, 1);
}

static const char *
token_of(const struct forger *by, const char *kid)
{
	long long now = clock_now_us() / 1000000;

	return forge(arena, by, arena_printf(arena, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid),
	    arena_printf(arena,
		"{\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"018f4e3a-0000-7000-8000-000000000001\","
		"\"sid\":\"" SESSION "\",\"jti\":\"018f4e3a-0000-7000-8000-000000000003\",\"use\":\"access\","
		"\"role\":\"STAFF\",\"iat\":%lld,\"exp\":%lld}",
		now, now + 900));
}

#define NONE_ENDED "{\"next\":0,\"sessions\":[]}"

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN); /* as every program does */
	arena = arena_new();
	ctx_init(&cx, arena, NULL);
	forger = forger_new();
	second = forger_new();
	one_key = arena_printf(arena, "{\"keys\":[%s]}", forger_jwk(arena, forger, "k1", false));
	other_key = arena_printf(arena, "{\"keys\":[%s]}", forger_jwk(arena, second, "k2", false));
	two_keys = arena_printf(arena, "{\"keys\":[%s,%s]}", forger_jwk(arena, forger, "k1", false),
	    forger_jwk(arena, second, "k2", false));
	text = token_of(forger, "k1");
	server.status = "200 OK";
	server.keys_asked = server.ended_asked = 0;
	bad_news = good_news = 0;
	forward_s = 0;
	server_says(NULL, NULL);
	server_start();
}

static void
teardown(void)
{
	token_watch_close(w);
	server_stop();
	forger_free(forger);
	forger_free(second);
	arena_free(arena);
}

static enum rc
verify(const char *token_text)
{
	struct token token;

	err_clear(&cx);
	return token_watch_verify(&cx, w, token_text, strlen(token_text), &token);
}

static void
open_watch(bool thread)
{
	w = token_watch_open(thread, tell);
	ck_assert_ptr_nonnull(w);
}

/* Waits for a verdict; nothing but ten seconds of the wrong one fails. */
static void
await(const char *token_text, enum rc due)
{
	for (int i = 0; i < 1000 && verify(token_text) != due; i++)
		usleep(10000);
	ck_assert_int_eq(verify(token_text), due);
}

static void
await_count(atomic_uint *count, unsigned least)
{
	for (int i = 0; i < 1000 && atomic_load(count) < least; i++)
		usleep(10000);
	ck_assert_uint_ge(atomic_load(count), least);
}

START_TEST(nothing_is_decided_before_keys_and_ended_logins_are_known)
{
	open_watch(true);
	await_count(&bad_news, 1);
	ck_assert_int_eq(verify(text), RC_UNAVAILABLE);
	ck_assert_int_eq(verify("no token"), RC_UNAVAILABLE);
	server_says(one_key, NULL);
	for (unsigned asked = server.ended_asked; server.ended_asked < asked + 2;)
		usleep(10000);
	ck_assert_int_eq(verify(text), RC_UNAVAILABLE);
	server_says(one_key, NONE_ENDED);
	await(text, RC_OK);
	await_count(&good_news, 1);
	ck_assert_uint_eq(bad_news, 1); /* told once, however often it failed */
	ck_assert_int_eq(verify("no token"), RC_UNAUTHENTICATED);
}
END_TEST

START_TEST(the_first_request_waits_for_the_first_answer)
{
	server_says(one_key, NONE_ENDED);
	open_watch(true);
	ck_assert_int_eq(verify(text), RC_OK);
}
END_TEST

START_TEST(who_asks_is_said_where_it_has_to_be)
{
	server_says(one_key, NONE_ENDED);
	open_watch(false);
	ck_assert_int_eq(verify(text), RC_OK);
	ck_assert(server_was_asked(server.ended_request, "Authorization: Bearer " SECRET "\r\n"));
	ck_assert(server_was_asked(server.ended_request, "GET /auth/revocations?after=0 "));
	ck_assert(!server_was_asked(server.keys_request, SECRET));
}
END_TEST

START_TEST(one_request_asks_once)
{
	server_says(one_key, NONE_ENDED);
	open_watch(false);
	ck_assert_uint_eq(server.keys_asked, 0);
	ck_assert_int_eq(verify(text), RC_OK);
	ck_assert_int_eq(verify(token_of(second, "k1")), RC_UNAUTHENTICATED);
	ck_assert_int_eq(verify(token_of(second, "k2")), RC_UNAUTHENTICATED);
	ck_assert_uint_eq(server.keys_asked, 1);
	ck_assert_uint_eq(server.ended_asked, 1);
}
END_TEST

START_TEST(an_ended_login_ends_its_tokens)
{
	struct token token;

	server_says(one_key, NONE_ENDED);
	open_watch(true);
	await(text, RC_OK);
	ck_assert_int_eq(token_watch_verify(&cx, w, text, strlen(text), &token), RC_OK); /* from the cache */
	ck_assert_str_eq(token.role, "STAFF");
	ck_assert_str_eq(token.session, SESSION);
	server_says(
	    one_key, "{\"next\":7,\"sessions\":[{\"session\":\"" SESSION "\",\"until\":4102444800}]}");
	await(text, RC_UNAUTHENTICATED);
	ck_assert_str_eq(cx.err.detail, "token refused: its login was ended");
	ck_assert_int_eq(
	    verify(token_of(forger, "k1")), RC_UNAUTHENTICATED); /* nor one that it hadn't seen */
	/* It goes on where it was. */
	server_says(one_key, "{\"next\":7,\"sessions\":[]}");
	for (int i = 0; i < 1000 && !server_was_asked(server.ended_request, "after=7 "); i++)
		usleep(10000);
	ck_assert(server_was_asked(server.ended_request, "after=7 "));
	ck_assert_int_eq(verify(text), RC_UNAUTHENTICATED);
}
END_TEST

START_TEST(without_auth_what_is_known_goes_on)
{
	server_says(one_key, NONE_ENDED);
	open_watch(true);
	await(text, RC_OK);
	ck_assert_uint_eq(bad_news, 0);
	server_stop();
	await_count(&bad_news, 1);
	ck_assert_int_eq(verify(text), RC_OK);
	ck_assert_int_eq(verify(arena_printf(arena, "%s", token_of(forger, "k1"))), RC_OK);
	ck_assert_int_eq(verify(token_of(second, "k1")), RC_UNAUTHENTICATED);
	/* Whose key is unknown may be good; it can't be asked. */
	atomic_store(&forward_s, 11);
	ck_assert_int_eq(verify(token_of(second, "k2")), RC_UNAVAILABLE);
}
END_TEST

START_TEST(an_unknown_key_is_asked_for_every_ten_seconds_at_most)
{
	const char *news = token_of(second, "k2");

	server_says(one_key, NONE_ENDED);
	open_watch(true);
	await(text, RC_OK);
	server_says(two_keys, NONE_ENDED);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(verify(news), RC_UNAUTHENTICATED);
	ck_assert_uint_eq(server.keys_asked, 1);
	atomic_store(&forward_s, 11);
	ck_assert_int_eq(verify(news), RC_OK); /* the same request waits for it */
	ck_assert_int_eq(verify(text), RC_OK);
	ck_assert_int_eq(verify(token_of(second, "k3")), RC_UNAUTHENTICATED);
	ck_assert_uint_eq(server.keys_asked, 2);
}
END_TEST

START_TEST(a_key_that_was_taken_away_is_forgotten_with_its_tokens)
{
	server_says(one_key, NONE_ENDED);
	open_watch(true);
	await(text, RC_OK);
	server_says(other_key, NONE_ENDED);
	atomic_store(&forward_s, 61);
	await(text, RC_UNAUTHENTICATED);
	ck_assert_int_eq(verify(token_of(second, "k2")), RC_OK);
}
END_TEST

static const char *const bad_lists[] = {
	"",
	"[]",
	"{}",
	"{\"next\":0}",
	"{\"sessions\":[]}",
	"{\"next\":-1,\"sessions\":[]}",
	"{\"next\":\"0\",\"sessions\":[]}",
	"{\"next\":0.5,\"sessions\":[]}",
	"{\"next\":0,\"sessions\":{}}",
	"{\"next\":0,\"sessions\":[],\"more\":1}",
	"{\"next\":0,\"next\":1,\"sessions\":[]}",
	"{\"next\":1,\"sessions\":[1]}",
	"{\"next\":1,\"sessions\":[{}]}",
	"{\"next\":1,\"sessions\":[{\"session\":\"1\",\"until\":4102444800}]}",
	"{\"next\":1,\"sessions\":[{\"session\":\"" SESSION "\"}]}",
	"{\"next\":1,\"sessions\":[{\"session\":\"" SESSION "\",\"until\":-5}]}",
	"{\"next\":1,\"sessions\":[{\"session\":\"" SESSION "\",\"until\":99999999999999999999}]}",
	"{\"next\":1,\"sessions\":[{\"session\":\"" SESSION "\",\"until\":4102444800,\"x\":1}]}",
	"{\"next\":0,\"sessions\":[]} x",
};

START_TEST(a_list_of_ended_logins_that_is_none_is_refused)
{
	server_says(one_key, bad_lists[_i]);
	open_watch(false);
	ck_assert_int_eq(verify(text), RC_UNAVAILABLE);
	ck_assert_uint_eq(bad_news, 1);
}
END_TEST

START_TEST(no_answer_is_too_long)
{
	size_t length = 1100000;
	char *spaces = arena_alloc(arena, length + 1);

	memset(spaces, ' ', length);
	memcpy(spaces + length - strlen(NONE_ENDED), NONE_ENDED, strlen(NONE_ENDED) + 1);
	spaces[length] = '\0';
	server_says(one_key, spaces);
	open_watch(false);
	ck_assert_int_eq(verify(text), RC_UNAVAILABLE);
}
END_TEST

START_TEST(no_redirection_is_followed)
{
	server_says(one_key, NONE_ENDED);
	server.status = "302 Found";
	open_watch(false);
	ck_assert_int_eq(verify(text), RC_UNAVAILABLE);
	ck_assert(!server_was_asked(server.ended_request, "elsewhere"));
}
END_TEST

Suite *
watch_suite(void)
{
	Suite *suite = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_decided_before_keys_and_ended_logins_are_known);
	tcase_add_test(tc, the_first_request_waits_for_the_first_answer);
	tcase_add_test(tc, who_asks_is_said_where_it_has_to_be);
	tcase_add_test(tc, one_request_asks_once);
	tcase_add_test(tc, an_ended_login_ends_its_tokens);
	tcase_add_test(tc, without_auth_what_is_known_goes_on);
	tcase_add_test(tc, an_unknown_key_is_asked_for_every_ten_seconds_at_most);
	tcase_add_test(tc, a_key_that_was_taken_away_is_forgotten_with_its_tokens);
	tcase_add_loop_test(tc, a_list_of_ended_logins_that_is_none_is_refused, 0, COUNT(bad_lists));
	tcase_add_test(tc, no_answer_is_too_long);
	tcase_add_test(tc, no_redirection_is_followed);
	suite_add_tcase(suite, tc);
	return suite;
}
