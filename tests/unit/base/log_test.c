#include "lib/base/log.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "tests/unit/base/capture.h"
#include "tests/unit/base/suites.h"

static char out[CAPTURE_SIZE];

static const char *
member(struct json_object *line, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(line, name, &value) ? json_object_get_string(value) : NULL;
}

/* The one line that was written. */
static struct json_object *
parsed(void)
{
	struct json_object *line = json_tokener_parse(out);

	ck_assert_ptr_nonnull(line);
	ck_assert_uint_le(strlen(out), 4096);
	ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1);
	ck_assert(utf8_valid(out, strlen(out)));
	return line;
}

static void
write_line(void *text)
{
	log_line(LOG_WARNING, "%s", (const char *)text);
}

START_TEST(a_line_is_one_json_object)
{
	struct json_object *line;
	char text[] = "a \"quoted\"\nJos\xc3\xa9\x01\xff n\xe9z\x80";

	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_line, text, out);
	line = parsed();
	ck_assert_str_eq(member(line, "level"), "warning");
	ck_assert_str_eq(member(line, "program"), "medicore-test");
	ck_assert_str_eq(member(line, "message"), "a \"quoted\"\nJos\xc3\xa9\x01? n?z?");
	ck_assert_ptr_nonnull(member(line, "time"));
	json_object_put(line);
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_json)
{
	static char text[9000];
	struct json_object *line;

	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, _i == 0 ? "\xc3\xa9" : _i == 1 ? "\n\"" : "ab", 2);
	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_line, text, out);
	line = parsed();
	ck_assert_uint_gt(strlen(out), 3900);
	ck_assert_int_eq(strncmp(member(line, "message"), text, 900), 0);
	json_object_put(line);
}
END_TEST

START_TEST(what_is_below_the_level_is_dropped)
{
	char text[] = "x";

	log_open("medicore-test", LOG_ERROR);
	capture_stderr(write_line, text, out);
	ck_assert_str_eq(out, "");
}
END_TEST

static void
write_request(void *arg)
{
	enum rc rc = *(enum rc *)arg;
	struct arena *a = arena_new();
	struct ctx cx;

	ctx_init(&cx, a, NULL);
	cx.request_id = "r-1";
	trace_join(&cx.trace, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	cx.account = "somebody@example.org";
	err_set(&cx, rc, "A patient with this email: somebody@example.org already exists");
	err_detail(&cx, rc, "08006: gone");
	log_request(&cx, "GET", "/patients/{id}", 503, rc, clock_monotonic_ns() - 5000000);
	arena_free(a);
}

START_TEST(a_failure_of_ours_is_logged_with_its_detail)
{
	enum rc rc = RC_UNAVAILABLE;
	struct json_object *line;

	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_request, &rc, out);
	line = parsed();
	ck_assert_str_eq(member(line, "level"), "warning");
	ck_assert_str_eq(member(line, "request"), "r-1");
	ck_assert_str_eq(member(line, "trace"), "4bf92f3577b34da6a3ce929d0e0e4736");
	ck_assert_str_eq(member(line, "parent"), "00f067aa0ba902b7");
	ck_assert_uint_eq(strlen(member(line, "span")), 16);
	ck_assert_str_eq(member(line, "method"), "GET");
	ck_assert_str_eq(member(line, "what"), "/patients/{id}");
	ck_assert_str_eq(member(line, "status"), "503");
	ck_assert_str_eq(member(line, "rc"), "unavailable");
	ck_assert_str_eq(member(line, "detail"), "08006: gone");
	ck_assert_double_ge(strtod(member(line, "ms"), NULL), 5.0);
	json_object_put(line);
}
END_TEST

START_TEST(a_clients_mistake_is_logged_without_what_it_sent)
{
	enum rc rc = RC_CONFLICT;

	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_request, &rc, out);
	json_object_put(parsed());
	ck_assert_ptr_null(strstr(out, "somebody"));
	ck_assert_ptr_null(strstr(out, "08006"));
	ck_assert_ptr_nonnull(strstr(out, "\"level\":\"info\""));
}
END_TEST

static void
write_event(void *arg)
{
	struct trace trace;

	trace_begin(&trace);
	log_event("r-1", &trace, "e-1", arg, "parked", RC_UNKNOWN_TYPE);
}

START_TEST(an_event_is_logged_without_what_its_sender_calls_it)
{
	char ours[] = "medicore.appointment.booked.v1", theirs[] = "Ada Lovelace <ada@example.org>";
	struct json_object *line;

	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_event, ours, out);
	line = parsed();
	ck_assert_str_eq(member(line, "event"), "e-1");
	ck_assert_str_eq(member(line, "what"), ours);
	ck_assert_str_eq(member(line, "verdict"), "parked");
	ck_assert_str_eq(member(line, "rc"), "unknown_type");
	ck_assert_ptr_null(strstr(out, "parent"));
	json_object_put(line);
	capture_stderr(write_event, theirs, out);
	line = parsed();
	ck_assert_str_eq(member(line, "what"), "(other)");
	json_object_put(line);
}
END_TEST

#define TOGETHER 30

static void
write_together(void *sizes)
{
	struct log_lines lines = { .length = 0 };
	struct arena *a = arena_new();
	struct ctx cx;

	for (int i = 0; i < TOGETHER; i++) {
		ctx_init(&cx, a, NULL);
		log_request_among(&lines, &cx, "GRPC", "toys.Toys/play", i, RC_OK, clock_monotonic_ns());
		((size_t *)sizes)[i] = lines.length;
	}
	log_flush(&lines);
	log_flush(&lines); /* nothing more */
	arena_free(a);
}

START_TEST(lines_that_leave_together_are_all_there_in_their_order)
{
	size_t sizes[TOGETHER];
	int count = 0, writes = 1;
	char *line, *end;

	log_open("medicore-test", LOG_INFO);
	capture_stderr(write_together, sizes, out);
	for (line = out; (end = strchr(line, '\n')) != NULL; line = end + 1, count++) {
		struct json_object *one;

		*end = '\0';
		one = json_tokener_parse(line);
		ck_assert_ptr_nonnull(one);
		ck_assert_int_eq(strtol(member(one, "status"), NULL, 10), count);
		json_object_put(one);
	}
	ck_assert_int_eq(count, TOGETHER);
	for (int i = 1; i < TOGETHER; i++)
		writes += sizes[i] < sizes[i - 1];
	ck_assert_int_ge(writes, 2);
	ck_assert_int_le(writes, TOGETHER / 5);
}
END_TEST

START_TEST(levels_have_the_names_of_the_configuration)
{
	ck_assert_int_eq(log_level_named("debug"), LOG_DEBUG);
	ck_assert_int_eq(log_level_named("error"), LOG_ERROR);
	ck_assert_int_eq(log_level_named("loud"), LOG_INFO);
}
END_TEST

Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_test(t, a_line_is_one_json_object);
	tcase_add_loop_test(t, a_long_line_is_cut_and_still_json, 0, 3);
	tcase_add_test(t, what_is_below_the_level_is_dropped);
	tcase_add_test(t, a_failure_of_ours_is_logged_with_its_detail);
	tcase_add_test(t, a_clients_mistake_is_logged_without_what_it_sent);
	tcase_add_test(t, an_event_is_logged_without_what_its_sender_calls_it);
	tcase_add_test(t, lines_that_leave_together_are_all_there_in_their_order);
	tcase_add_test(t, levels_have_the_names_of_the_configuration);
	suite_add_tcase(suite, t);
	return suite;
}
