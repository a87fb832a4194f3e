#include "tests/system/pg/pg_test.h"

static const struct pg_stmt write_thing = {
	.name = "write_thing",
	.kind = PG_WRITE,
	.sql = "insert into thing (id, name, count, payload, happened_at, day, flag, amount, currency)"
	       " values ($1::uuid, $2, $3::bigint, $4::bytea, $5::timestamptz, $6::date, $7::boolean, "
	       "$8::bigint, $9)"
	       " returning *, null as text",
	.takes = "id name count payload happenedAt day flag amount currency",
	.in = thing_fields,
	.out = thing_fields,
};

static const struct pg_stmt drop_during = {
	.name = "drop_during",
	.kind = PG_WRITE,
	.sql = "alter table thing drop column during",
};

static const struct pg_stmt counted_thing = {
	.name = "counted_thing",
	.kind = PG_READ,
	.sql = "select name from thing where count = 1",
	.out = thing_fields,
};

static const struct pg_stmt count_empty = {
	.name = "count_empty",
	.kind = PG_READ,
	.sql = "select count(*) as number from thing where name = ''",
	.out = thing_fields,
};

START_TEST(every_type_comes_back_as_it_was_written)
{
	static const unsigned char bytes[] = { 0, 1, 0xff, 0, '\\', '\'', 0 };
	struct thing in = {
		.id = "0190a1b2-0000-7000-8000-00000000000a",
		.name = "Zo\xc3\xab O'Brien \\ \"x\"\n\t%s",
		.count = -5,
		.payload = { bytes, sizeof(bytes) },
		.at = { 1767225599999999, true },
		.day = "2024-02-29",
		.flag = true,
		.amount = { INT64_MAX, true },
		.currency = "USD",
	}, out;

	/* What no column fills in must not keep what was there before. */
	memset(&out, 0x55, sizeof(out));
	ck_assert_int_eq(pg_execute(&cx, &drop_during, NULL, NULL), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&cx, &write_thing, &in, &out), RC_OK);
	ck_assert_str_eq(out.id, in.id);
	ck_assert_str_eq(out.name, in.name);
	ck_assert_int_eq(out.count, in.count);
	ck_assert_uint_eq(out.payload.length, sizeof(bytes));
	ck_assert_mem_eq(out.payload.bytes, bytes, sizeof(bytes));
	ck_assert(out.at.known);
	ck_assert_int_eq(out.at.us, in.at.us);
	ck_assert_str_eq(out.day, in.day);
	ck_assert(out.flag);
	ck_assert(out.amount.known);
	ck_assert_int_eq(out.amount.minor, INT64_MAX);
	ck_assert_str_eq(out.currency, "USD");
	ck_assert_ptr_null(out.text);
	ck_assert_int_eq(out.number, 0);
}
END_TEST

#define COPY "copy thing (id, name, count) from stdin"

static void
add_row(struct pg_rows *rows, const char *id, const char *name, const char *number)
{
	pg_rows_add(rows, id);
	pg_rows_add(rows, name);
	pg_rows_add(rows, number);
	pg_rows_end(rows);
}

START_TEST(many_rows_go_in_at_once_whatever_is_in_them)
{
	static const char strange[] = "\t\n\r\\ \\N \\. Zo\xc3\xab";
	struct pg_rows rows = PG_ROWS(cx.arena);
	struct thing out;
	char id[UUID_SIZE];

	ck_assert_int_eq(pg_copy(&cx, COPY, &rows), RC_OK); /* none at all */
	for (int i = 0; i < 5000; i++) {
		uuid_new(id);
		add_row(&rows, id, i == 77 ? "" : arena_printf(cx.arena, "%s%.*d", strange, i == 0 ? 0 : 1, i), i == 0 ? "1" : NULL);
	}
	ck_assert_int_eq(pg_copy(&cx, COPY, &rows), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 5000);
	ck_assert_int_eq(pg_fetch_one(&cx, &counted_thing, NULL, &out), RC_OK);
	ck_assert_str_eq(out.name, strange);
	ck_assert_int_eq(number(&cx, &count_empty), 1);
}
END_TEST

START_TEST(of_rows_that_one_spoils_none_goes_in)
{
	struct pg_rows rows = PG_ROWS(cx.arena);
	char id[UUID_SIZE];

	uuid_new(id);
	add_row(&rows, id, "a", NULL);
	add_row(&rows, id, "b", NULL);
	ck_assert_int_eq(pg_copy(&cx, COPY, &rows), RC_DUPLICATE);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	err_clear(&cx);
	ck_assert_int_eq(pg_copy(&cx, "copy nothing from stdin", &rows), RC_INTERNAL);
	ck_assert_int_eq(number(&cx, &count_things), 0);
}
END_TEST

START_TEST(rows_are_part_of_a_transaction)
{
	struct pg_rows rows = PG_ROWS(cx.arena);
	char id[UUID_SIZE];

	uuid_new(id);
	add_row(&rows, id, "a", NULL);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_copy(&cx, COPY, &rows), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 1);
	ck_assert_int_eq(pg_end(&cx, RC_CONFLICT), RC_CONFLICT);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(pg_begin(&cx), RC_OK);
	ck_assert_int_eq(pg_copy(&cx, COPY, &rows), RC_OK);
	ck_assert_int_eq(pg_end(&cx, RC_OK), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 1);
}
END_TEST

START_TEST(what_is_absent_is_null_both_ways)
{
	struct thing in = { .id = "0190a1b2-0000-7000-8000-00000000000a" }, out;

	memset(&out, 0x55, sizeof(out));
	ck_assert_int_eq(pg_execute(&cx, &drop_during, NULL, NULL), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&cx, &write_thing, &in, &out), RC_OK);
	ck_assert_ptr_null(out.name);
	ck_assert_ptr_null(out.payload.bytes);
	ck_assert(!out.at.known);
	ck_assert_ptr_null(out.day);
	ck_assert(!out.amount.known);
	ck_assert_ptr_null(out.currency);
}
END_TEST

static const struct pg_stmt unnest_texts = {
	.name = "unnest_texts",
	.kind = PG_READ,
	.sql = "select x as text, n as number from unnest($1::text[]) with ordinality as u (x, n) order by n",
	.takes = "text",
	.in = thing_fields,
	.out = thing_fields,
};

START_TEST(array_elements_of_any_text_come_back_as_they_were)
{
	static const char *const texts[] = { "", "plain", "a\"b", "back\\slash", "\\", "\"", "{a,b}", "NULL",
		"null", NULL, " spaces ", "new\nline\ttab", "comma,", "\xf0\x9f\xa9\xba \xc3\xa9",
		"'; drop table thing; --", "\\x00" };
	size_t n = sizeof(texts) / sizeof(*texts), count;
	struct pg_array array = PG_ARRAY(cx.arena);
	struct thing arg = { 0 }, *rows;

	for (size_t i = 0; i < n; i++)
		pg_array_add(&array, texts[i]);
	arg.text = pg_array_end(&array);
	ck_assert_int_eq(pg_fetch_all(&cx, &unnest_texts, &arg, sizeof(*rows), &rows, &count), RC_OK);
	ck_assert_uint_eq(count, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_pstr_eq(rows[i].text, texts[i]);
}
END_TEST

START_TEST(an_empty_array_has_no_rows)
{
	struct pg_array array = PG_ARRAY(cx.arena);
	struct thing arg = { .text = pg_array_end(&array) }, *rows;
	size_t count = 1;

	ck_assert_int_eq(pg_fetch_all(&cx, &unnest_texts, &arg, sizeof(*rows), &rows, &count), RC_OK);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static const struct pg_stmt uses = {
	.name = "uses",
	.kind = PG_READ,
	.sql = "select name as text, generic_plans + custom_plans as number from pg_prepared_statements"
	       " where name = 'insert_thing'",
	.out = thing_fields,
};

START_TEST(a_statement_is_prepared_once_for_all_its_uses)
{
	struct thing found;

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(insert(&cx, NULL), RC_OK);
	ck_assert_int_eq(pg_fetch_one(&cx, &uses, NULL, &found), RC_OK);
	ck_assert_int_eq(found.number, 20);
}
END_TEST

static const struct pg_stmt update_things = {
	.name = "update_things",
	.kind = PG_WRITE,
	.sql = "update thing set count = 1",
};

START_TEST(the_number_of_rows_changed_is_told)
{
	int64_t affected = -1;

	ck_assert_int_eq(pg_execute(&cx, &update_things, NULL, &affected), RC_OK);
	ck_assert_int_eq(affected, 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(insert(&cx, NULL), RC_OK);
	ck_assert_int_eq(pg_execute(&cx, &update_things, NULL, &affected), RC_OK);
	ck_assert_int_eq(affected, 3);
}
END_TEST

START_TEST(the_session_is_set_up_as_values_need_it)
{
	static const struct pg_stmt settings = {
		.name = "settings",
		.kind = PG_READ,
		.sql = "select concat_ws(' ', current_setting('TimeZone'), current_setting('DateStyle'),"
		       " current_setting('client_encoding'), current_setting('application_name'),"
		       " current_setting('statement_timeout')) as text",
		.out = thing_fields,
	};
	struct thing found;

	ck_assert_int_eq(pg_fetch_one(&cx, &settings, NULL, &found), RC_OK);
	ck_assert_str_eq(found.text, "UTC ISO, MDY UTF8 postgres 1s");
}
END_TEST

Suite *
values_suite(void)
{
	Suite *s = suite_create("pg values");
	TCase *t = tcase_create("pg values");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_type_comes_back_as_it_was_written);
	tcase_add_test(t, what_is_absent_is_null_both_ways);
	tcase_add_test(t, many_rows_go_in_at_once_whatever_is_in_them);
	tcase_add_test(t, of_rows_that_one_spoils_none_goes_in);
	tcase_add_test(t, rows_are_part_of_a_transaction);
	tcase_add_test(t, array_elements_of_any_text_come_back_as_they_were);
	tcase_add_test(t, an_empty_array_has_no_rows);
	tcase_add_test(t, a_statement_is_prepared_once_for_all_its_uses);
	tcase_add_test(t, the_number_of_rows_changed_is_told);
	tcase_add_test(t, the_session_is_set_up_as_values_need_it);
	suite_add_tcase(s, t);
	return s;
}
