/* counts_test.c - what a request adds to: its route, method and status, whatever it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/metrics/metrics.h"
#include "lib/web/counts.h"
#include "tests/unit/web/suites.h"
#include "tests/unit/web/toys.h"

static char directory[] = "/tmp/medicore-counts-XXXXXX";
static struct arena *arena;

static void
nothing_to_say(enum log_level level, const char *fmt, ...)
{
	ck_abort_msg("%d: %s", level, fmt);
}

static void
setup(void)
{
	toys_setup();
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	metrics_begin(METRICS_HTTP);
	web_counts_plan(&toys);
	metrics_open(directory, "medicore-toys.fcgi", nothing_to_say);
	arena = arena_new();
}

static void
teardown(void)
{
	char path[64];

	metrics_close();
	snprintf(path, sizeof(path), "%s/toys.metrics", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/toys.metrics.lock", directory);
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
	arena_free(arena);
	toys_teardown();
}

static bool
counted(const char *route, const char *method, int status, int n)
{
	struct buf b = { .arena = arena };
	char line[256];

	ck_assert(metrics_write(&b, directory));
	snprintf(line, sizeof(line), "\nmedicore_http_requests_total{program=\"toys\",route=\"%s\",method=\"%s\",status=\"%d\"} %d\n", route,
	    method, status, n);
	return strstr(b.bytes, line) != NULL;
}

static const struct {
	const char *method, *uri, *route, *as;
	int status;
} requests[] = {
	{ "GET", "/toys/" TOY_ID, "/toys/{id}", "GET", 200 },
	{ "HEAD", "/toys/" TOY_ID, "/toys/{id}", "GET", 200 },
	{ "GET", "/toys/nonsense", "/toys/{id}", "GET", 400 },
	{ "GET", "/health/toys/live", "/health/{program}/live", "GET", 200 },
	{ "GET", "/health/boats/live", "/health/{program}/live", "GET", 404 },
	{ "GET", "/failures/internal", "/failures/{how}", "GET", 500 },
	{ "GET", "/failures/away", "/failures/{how}", "GET", 503 },
	{ "GET", "/nowhere", "(none)", "(any)", 404 },
	{ "BREW", "/toys", "(none)", "(any)", 405 },
	{ "GET", "/%zz", "(none)", "(any)", 400 },
	{ "OPTIONS", "/toys", "(none)", "(any)", 204 },
};

START_TEST(a_request_is_counted_once_and_where_it_belongs)
{
	const struct fake_request asked = { .method = requests[_i].method, .uri = requests[_i].uri };

	ck_assert_int_eq(fake_ask(fake, &asked)->status, requests[_i].status);
	ck_assert(counted(requests[_i].route, requests[_i].as, requests[_i].status, 1));
	ck_assert_int_eq(fake_ask(fake, &asked)->status, requests[_i].status);
	ck_assert(counted(requests[_i].route, requests[_i].as, requests[_i].status, 2));
}
END_TEST

Suite *
counts_suite(void)
{
	Suite *suite = suite_create("counts");
	TCase *tests = tcase_create("counts");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(
	    tests, a_request_is_counted_once_and_where_it_belongs, 0, (int)(sizeof(requests) / sizeof(*requests)));
	suite_add_tcase(suite, tests);
	return suite;
}
