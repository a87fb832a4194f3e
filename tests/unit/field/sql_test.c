#include <string.h>

#include "tests/unit/field/suites.h"
#include "tests/unit/field/thing.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static struct arena *arena;

static void
begin(void)
{
	arena = arena_new();
}

static void
end(void)
{
	arena_free(arena);
}

/* NULL given back: what is absent, or zero for a count, goes as SQL null. */
static const struct {
	const char *name, *column, *back;
} columns[] = {
	{ "id", "1e621f4c-db30-c273-49e9-2dcad508a9cb", "1e621f4c-db30-c273-49e9-2dcad508a9cb" },
	{ "name", "Zo\xc3\xab", "Zo\xc3\xab" },
	{ "name", "", "" },
	{ "name", NULL, NULL },
	{ "dateOfBirth", "2024-02-29", "2024-02-29" },
	{ "amount", "8555", "8555" },
	{ "amount", "0", "0" },
	{ "amount", "-9223372036854775808", "-9223372036854775808" },
	{ "amount", NULL, NULL },
	{ "startsAt", "2026-11-01 04:58:59.5+00", "2026-11-01T04:58:59.5Z" },
	{ "startsAt", "1970-01-01 00:00:00+00", "1970-01-01T00:00:00Z" },
	{ "startsAt", NULL, NULL },
	{ "minutes", "30", "30" },
	{ "minutes", NULL, NULL },
	{ "level", "-5", "-5" },
	{ "level", NULL, "0" },
	{ "urgent", "t", "t" },
	{ "urgent", "f", "f" },
	{ "urgent", NULL, "f" },
	{ "open", "t", "t" },
	{ "open", "f", "f" },
	{ "open", NULL, NULL },
	{ "rate", "82500", "82500" },
	{ "rate", "0", "0" },
	{ "rate", NULL, NULL },
	{ "payload", "\\x00ff10", "\\x00ff10" },
	{ "payload", "\\x", "\\x" },
	{ "payload", NULL, NULL },
};

START_TEST(a_column_is_loaded_and_given_back)
{
	const struct field *row = field_find(thing_fields, columns[_i].name);
	const char *column = columns[_i].column, *back;
	struct thing t;

	memset(&t, 0xa5, sizeof(t)); /* null must overwrite what was there */
	ck_assert_int_eq(field_load(arena, row, column, column != NULL ? strlen(column) : 0, &t), RC_OK);
	back = field_text(arena, row, &t);
	if (columns[_i].back == NULL)
		ck_assert_ptr_null(back);
	else
		ck_assert_str_eq(back, columns[_i].back);
}
END_TEST

START_TEST(a_text_may_stay_where_it_is)
{
	char name[] = "Zo\xc3\xab";
	struct thing t;

	ck_assert_int_eq(field_load_in_place(arena, field_find(thing_fields, "name"), name, strlen(name), &t), RC_OK);
	ck_assert_ptr_eq(t.name, name);
	ck_assert_int_eq(field_load(arena, field_find(thing_fields, "name"), name, strlen(name), &t), RC_OK);
	ck_assert_ptr_ne(t.name, name);
	ck_assert_str_eq(t.name, name);
}
END_TEST

static const struct {
	const char *name, *column;
} mismatches[] = {
	{ "amount", "85.55" },
	{ "amount", "" },
	{ "minutes", "x" },
	{ "level", "9223372036854775808" },
	{ "urgent", "true" },
	{ "urgent", "" },
	{ "open", "on" },
	{ "startsAt", "infinity" },
	{ "startsAt", "2026-11-01 04:58:59" },
	{ "payload", "abc" },
	{ "payload", "\\x0" },
	{ "payload", "\\x0g" },
	{ "parts", "{}" },
	{ "rate", "8.25" },
	{ "rate", "-1" },
};

START_TEST(a_column_of_another_type_is_a_bug_of_ours)
{
	const struct field *row = field_find(thing_fields, mismatches[_i].name);
	const char *column = mismatches[_i].column;
	struct thing t = { 0 };

	ck_assert_int_eq(field_load(arena, row, column, strlen(column), &t), RC_INTERNAL);
}
END_TEST

START_TEST(columns_are_the_names_in_snake_case)
{
	static const struct {
		const char *name, *column;
	} names[] = {
		{ "id", "id" }, { "patientId", "patient_id" }, { "dateOfBirth", "date_of_birth" }, { "ceId", "ce_id" },
		{ "", "" },
	};
	char column[16];

	for (size_t i = 0; i < COUNT(names); i++) {
		field_column(names[i].name, column, sizeof(column));
		ck_assert_str_eq(column, names[i].column);
	}
	field_column("abcdefghijklmnopqrst", column, sizeof(column));
	ck_assert_str_eq(column, "abcdefghijklmno");
	field_column("abcdefghijklmnO", column, sizeof(column));
	ck_assert_str_eq(column, "abcdefghijklmn_");
}
END_TEST

Suite *
sql_suite(void)
{
	Suite *suite = suite_create("sql");
	TCase *t = tcase_create("sql");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_column_is_loaded_and_given_back, 0, COUNT(columns));
	tcase_add_test(t, a_text_may_stay_where_it_is);
	tcase_add_loop_test(t, a_column_of_another_type_is_a_bug_of_ours, 0, COUNT(mismatches));
	tcase_add_test(t, columns_are_the_names_in_snake_case);
	suite_add_tcase(suite, t);
	return suite;
}
