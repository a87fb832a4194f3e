#include "lib/web/cursor.h"

#include <string.h>

#include "tests/unit/web/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* RFC 4648, section 10, without the padding. */
static const struct {
	const char *key, *cursor;
} pairs[] = {
	{ "f", "Zg" },
	{ "fo", "Zm8" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg" },
	{ "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xC3\xBF\xC3\xBE", "w7_Dvg" },
	{ "2026-11-01T04:58:59Z 019aaaaa-0000-7000-8000-00000000000a",
	    "MjAyNi0xMS0wMVQwNDo1ODo1OVogMDE5YWFhYWEtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDBh" },
};

START_TEST(a_cursor_gives_its_key_back)
{
	struct arena *a = arena_new();

	ck_assert_str_eq(cursor_encode(a, pairs[_i].key), pairs[_i].cursor);
	ck_assert_str_eq(cursor_decode(a, pairs[_i].cursor), pairs[_i].key);
	arena_free(a);
}
END_TEST

static const char *const others[] = { "", "Z", "Zg==", "Zh", "Zm9", "Zg ", "Z+/v", "AAAA", "_w", "Zm9vA" };

START_TEST(what_no_key_has_made_is_no_cursor)
{
	struct arena *a = arena_new();

	ck_assert_ptr_null(cursor_decode(a, others[_i]));
	arena_free(a);
}
END_TEST

Suite *
cursor_suite(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tc = tcase_create("cursor");

	tcase_add_loop_test(tc, a_cursor_gives_its_key_back, 0, COUNT(pairs));
	tcase_add_loop_test(tc, what_no_key_has_made_is_no_cursor, 0, COUNT(others));
	suite_add_tcase(suite, tc);
	return suite;
}
