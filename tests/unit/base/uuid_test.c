#include "lib/base/uuid.h"

#include <string.h>

#include "tests/unit/base/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *text, *id; /* NULL: refused */
} texts[] = {
	{ "1e621f4c-db30-c273-49e9-2dcad508a9cb", "1e621f4c-db30-c273-49e9-2dcad508a9cb" },
	{ "1E621F4C-DB30-C273-49E9-2DCAD508A9CB", "1e621f4c-db30-c273-49e9-2dcad508a9cb" },
	{ "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000" },
	{ "1-1-1-1-1", NULL },
	{ "", NULL },
	{ "1e621f4cdb30c27349e92dcad508a9cb", NULL },
	{ "{1e621f4c-db30-c273-49e9-2dcad508a9c}", NULL },
	{ "1e621f4c-db30-c273-49e9-2dcad508a9c", NULL },
	{ "1e621f4c-db30-c273-49e9-2dcad508a9cb0", NULL },
	{ "1e621f4c-db30-c273-49e9-2dcad508a9cg", NULL },
	{ "1e621f4cd-b30-c273-49e9-2dcad508a9cb", NULL },
	{ " 1e621f4c-db30-c273-49e9-2dcad508a9c", NULL },
	{ "1e621f4c-db30-c273-49e9-2dcad508a9c ", NULL },
};

START_TEST(an_id_is_36_characters_with_hyphens)
{
	char id[UUID_SIZE] = "untouched";
	bool ok = uuid_parse(texts[_i].text, strlen(texts[_i].text), id);

	ck_assert(ok == (texts[_i].id != NULL));
	ck_assert_str_eq(id, ok ? texts[_i].id : "untouched");
}
END_TEST

START_TEST(an_id_may_be_lowered_in_place)
{
	char id[UUID_SIZE] = "ABCDEF00-0000-7000-8000-00000000000A";

	ck_assert(uuid_parse(id, strlen(id), id));
	ck_assert_str_eq(id, "abcdef00-0000-7000-8000-00000000000a");
}
END_TEST

START_TEST(a_new_id_is_of_version_7_and_unlike_the_last)
{
	char id[UUID_SIZE], last[UUID_SIZE] = "", parsed[UUID_SIZE];

	for (int i = 0; i < 1000; i++) {
		uuid_new(id);
		ck_assert(uuid_parse(id, strlen(id), parsed));
		ck_assert_str_eq(id, parsed);
		ck_assert_int_eq(id[14], '7');
		ck_assert_ptr_nonnull(strchr("89ab", id[19]));
		ck_assert_str_ne(id, last);
		ck_assert_int_ge(strncmp(id, last, 13), 0); /* begins with the time */
		memcpy(last, id, sizeof(id));
	}
}
END_TEST

START_TEST(what_pads_an_id_is_taken_off_and_nothing_within)
{
	static const char plain[] = "1e621f4c-db30-c273-49e9-2dcad508a9cb";
	char id[UUID_SIZE];

	ck_assert(uuid_parse_padded(" \t1E621F4C-DB30-C273-49E9-2DCAD508A9CB \n", id));
	ck_assert_str_eq(id, plain);
	ck_assert(uuid_parse_padded(plain, id));
	ck_assert(!uuid_parse_padded("1e621f4c -db30-c273-49e9-2dcad508a9cb", id));
	ck_assert(!uuid_parse_padded("\xc2\xa0" "1e621f4c-db30-c273-49e9-2dcad508a9cb", id));
	ck_assert(!uuid_parse_padded(" \n", id));
	ck_assert(!uuid_parse_padded("", id));
	ck_assert(!uuid_parse_padded(NULL, id));
}
END_TEST

Suite *
uuid_suite(void)
{
	Suite *suite = suite_create("uuid");
	TCase *t = tcase_create("uuid");

	tcase_add_loop_test(t, an_id_is_36_characters_with_hyphens, 0, COUNT(texts));
	tcase_add_test(t, an_id_may_be_lowered_in_place);
	tcase_add_test(t, what_pads_an_id_is_taken_off_and_nothing_within);
	tcase_add_test(t, a_new_id_is_of_version_7_and_unlike_the_last);
	suite_add_tcase(suite, t);
	return suite;
}
