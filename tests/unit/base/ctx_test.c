#include "lib/base/ctx.h"

#include <string.h>

#include "lib/base/clock.h"
#include "tests/unit/base/suites.h"

static struct arena *a;
static struct ctx cx;

static void
setup(void)
{
	a = arena_new();
	ctx_init(&cx, a, NULL);
}

static void
teardown(void)
{
	arena_free(a);
}

START_TEST(a_request_has_an_id_and_nothing_wrong_yet)
{
	ck_assert_uint_eq(strlen(cx.request_id), 36);
	ck_assert_str_eq(cx.account, "");
	ck_assert_ptr_null(cx.err.message);
	ck_assert_uint_eq(cx.err.field_count, 0);
}
END_TEST

START_TEST(the_only_field_error_is_the_message)
{
	ck_assert_int_eq(err_field(&cx, RC_INVALID, "name", "%s is required", "Name"), RC_INVALID);
	ck_assert_str_eq(err_message(&cx, RC_INVALID), "Name is required");
}
END_TEST

START_TEST(more_field_errors_are_counted)
{
	err_field(&cx, RC_INVALID, "name", "Name is required");
	err_field(&cx, RC_INVALID, "email", "Email is required");
	err_field(&cx, RC_INVALID, "email", "Invalid email format");
	ck_assert_uint_eq(cx.err.field_count, 2);
	ck_assert_str_eq(cx.err.fields->name, "name");
	ck_assert_str_eq(cx.err.fields->next->message, "Email is required");
	ck_assert_str_eq(err_message(&cx, RC_INVALID), "Validation failed: 2 errors found");
}
END_TEST

START_TEST(the_first_message_stays)
{
	err_set(&cx, RC_CONFLICT, "first");
	err_set(&cx, RC_CONFLICT, "second");
	err_field(&cx, RC_CONFLICT, "email", "third");
	ck_assert_str_eq(err_message(&cx, RC_CONFLICT), "first");
	err_clear(&cx);
	ck_assert_str_eq(err_message(&cx, RC_CONFLICT), "Conflict");
}
END_TEST

START_TEST(a_code_outside_the_enum_is_a_bug_of_ours)
{
	ck_assert_str_eq(rc_meaning((enum rc)99)->name, "internal");
	ck_assert_str_eq(rc_meaning((enum rc)-1)->name, "internal");
}
END_TEST

START_TEST(every_code_has_a_meaning_at_every_edge)
{
	const struct rc_meaning *m = rc_meaning((enum rc)_i);

	ck_assert_ptr_nonnull(m->name);
	ck_assert_ptr_nonnull(m->title);
	ck_assert_int_ge(m->http, 200);
	ck_assert_int_le(m->grpc, 16);
	ck_assert((m->http == 200) == (m->grpc == 0));
	/* What is retried is what the client may send again, or our own bug. */
	ck_assert((m->verdict == VERDICT_RETRY) == (m->http >= 500 || m->http == 429));
}
END_TEST

START_TEST(a_deadline_leaves_less_and_less)
{
	ck_assert_int_eq(ctx_time_left_ms(&cx, 700), 700);
	cx.deadline_ns = clock_monotonic_ns() + INT64_C(3600) * 1000000000;
	ck_assert_int_eq(ctx_time_left_ms(&cx, 700), 700);
	ck_assert_int_gt(ctx_time_left_ms(&cx, 100000000), 3500000);
	ck_assert_int_le(ctx_time_left_ms(&cx, 100000000), 3600000);
	cx.deadline_ns = clock_monotonic_ns() - 1;
	ck_assert_int_eq(ctx_time_left_ms(&cx, 700), 0);
}
END_TEST

START_TEST(a_request_id_from_outside_is_short_and_plain)
{
	char id[REQUEST_ID_MAX + 2] = { 0 };

	ck_assert(request_id_valid("A-z.0_9"));
	ck_assert(!request_id_valid(""));
	ck_assert(!request_id_valid("two words"));
	ck_assert(!request_id_valid("line\n"));
	memset(id, 'x', REQUEST_ID_MAX);
	ck_assert(request_id_valid(id));
	id[REQUEST_ID_MAX] = 'x';
	ck_assert(!request_id_valid(id));
}
END_TEST

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
run_twice(void (*fn)(void *arg), void *arg)
{
	fn(arg);
	fn(arg);
}

START_TEST(work_is_offloaded_as_the_engine_says)
{
	int n = 0;

	offload(count, &n);
	ck_assert_int_eq(n, 1);
	offload_set(run_twice);
	offload(count, &n);
	ck_assert_int_eq(n, 3);
}
END_TEST

Suite *
ctx_suite(void)
{
	Suite *suite = suite_create("ctx");
	TCase *t = tcase_create("ctx");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_request_has_an_id_and_nothing_wrong_yet);
	tcase_add_test(t, the_only_field_error_is_the_message);
	tcase_add_test(t, more_field_errors_are_counted);
	tcase_add_test(t, the_first_message_stays);
	tcase_add_test(t, a_code_outside_the_enum_is_a_bug_of_ours);
	tcase_add_loop_test(t, every_code_has_a_meaning_at_every_edge, 0, RC_COUNT);
	tcase_add_test(t, a_deadline_leaves_less_and_less);
	tcase_add_test(t, a_request_id_from_outside_is_short_and_plain);
	tcase_add_test(t, work_is_offloaded_as_the_engine_says);
	suite_add_tcase(suite, t);
	return suite;
}
