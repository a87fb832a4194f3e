#include "lib/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/base/suites.h"

START_TEST(what_is_allocated_is_aligned_and_separate)
{
	struct arena *a = arena_new();
	unsigned char *last = NULL;

	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(a, size);

		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		memset(p, 0xaa, size);
		if (last != NULL && size > 7)
			ck_assert_uint_eq(last[0], 0xaa);
		last = p;
	}
	arena_free(a);
}
END_TEST

START_TEST(what_is_larger_than_a_block_fits_too)
{
	struct arena *a = arena_new();
	char *small = arena_strdup(a, "small");
	char *large = arena_zalloc(a, 1 << 20);

	ck_assert_int_eq(large[(1 << 20) - 1], 0);
	memset(large, 'x', 1 << 20);
	ck_assert_str_eq(small, "small");
	ck_assert_str_eq(arena_strdup(a, "after"), "after");
	arena_free(a);
}
END_TEST

START_TEST(zeroed_memory_is_zero_after_a_reset_too)
{
	struct arena *a = arena_new();
	char *p = arena_alloc(a, 100);

	memset(p, 'x', 100);
	arena_reset(a);
	ck_assert_uint_eq(arena_used(a), 0);
	p = arena_zalloc_n(a, 25, 4);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(p[i], 0);
	arena_free(a);
}
END_TEST

START_TEST(texts_are_copied)
{
	struct arena *a = arena_new();
	char original[] = "original";
	char *copy = arena_strdup(a, original), *part = arena_strndup(a, original, 4);

	original[0] = 'X';
	ck_assert_str_eq(copy, "original");
	ck_assert_str_eq(part, "orig");
	ck_assert_ptr_null(arena_strdup(a, NULL));
	ck_assert_str_eq(arena_printf(a, "%s-%d", "n", 7), "n-7");
	arena_free(a);
}
END_TEST

START_TEST(text_is_whole_wherever_a_block_ends)
{
	struct arena *a = arena_new();
	const char *texts[3000];

	for (int i = 0; i < 3000; i++)
		texts[i] = arena_printf(a, "%0*d", 1 + i % 100, i);
	for (int i = 0; i < 3000; i++) {
		ck_assert_int_eq(strtol(texts[i], NULL, 10), i);
		ck_assert_uint_ge(strlen(texts[i]), 1 + (size_t)i % 100);
	}
	arena_free(a);
}
END_TEST

static char order[8];

static void
note(void *object)
{
	strncat(order, object, 1);
}

START_TEST(disposers_run_last_first_and_once)
{
	struct arena *a = arena_new();
	char one[] = "1", two[] = "2", three[] = "3";

	order[0] = '\0';
	arena_defer(a, note, one);
	arena_defer(a, note, two);
	arena_reset(a);
	ck_assert_str_eq(order, "21");
	arena_defer(a, note, three);
	arena_free(a);
	ck_assert_str_eq(order, "213");
	arena_free(NULL);
}
END_TEST

Suite *
arena_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *t = tcase_create("arena");

	tcase_add_test(t, what_is_allocated_is_aligned_and_separate);
	tcase_add_test(t, what_is_larger_than_a_block_fits_too);
	tcase_add_test(t, zeroed_memory_is_zero_after_a_reset_too);
	tcase_add_test(t, texts_are_copied);
	tcase_add_test(t, text_is_whole_wherever_a_block_ends);
	tcase_add_test(t, disposers_run_last_first_and_once);
	suite_add_tcase(suite, t);
	return suite;
}
