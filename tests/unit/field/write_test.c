#include <string.h>

#include "tests/unit/field/suites.h"
#include "tests/unit/field/thing.h"

#define BARE "{\"id\":null,\"name\":null,\"email\":null,\"gender\":null,\"dateOfBirth\":null,\"note\":null,\"code\":null," \
	     "\"zone\":null,\"amount\":null,\"currency\":null,\"startsAt\":null,\"minutes\":null,\"level\":0}"

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

START_TEST(what_is_absent_is_null_and_false_or_empty_is_left_out)
{
	struct buf b = { .arena = arena };
	struct thing t = { 0 };

	field_write(&b, thing_fields, &t);
	ck_assert_str_eq(b.bytes, BARE);
}
END_TEST

START_TEST(every_type_is_written_in_its_form)
{
	static const struct part parts[] = { { "one" }, { NULL } };
	struct buf b = { .arena = arena };
	struct thing t = { .id = "1e621f4c-db30-c273-49e9-2dcad508a9cb", .name = "O\"Neill \xc3\xa9\n", .email = "a@b",
		.gender = "MALE", .birth = "2024-02-29", .note = "", .code = "99213", .zone = "UTC", .currency = "JPY",
		.amount = { .minor = 8555, .known = true }, .starts_at = { .us = 1500000, .known = true }, .minutes = 30,
		.level = INT64_MIN, .urgent = true, .parts = { parts, 2 }, .payload = { "x", 1 } };

	field_write(&b, thing_fields, &t);
	ck_assert_str_eq(b.bytes,
	    "{\"id\":\"1e621f4c-db30-c273-49e9-2dcad508a9cb\",\"name\":\"O\\\"Neill \xc3\xa9\\n\",\"email\":\"a@b\","
	    "\"gender\":\"MALE\",\"dateOfBirth\":\"2024-02-29\",\"note\":\"\",\"code\":\"99213\",\"zone\":\"UTC\","
	    "\"amount\":\"8555\",\"currency\":\"JPY\",\"startsAt\":\"1970-01-01T00:00:01.5Z\",\"minutes\":30,"
	    "\"level\":-9223372036854775808,\"urgent\":true,\"parts\":[{\"name\":\"one\"},{\"name\":null}]}");
}
END_TEST

START_TEST(a_row_of_csv_has_a_cell_for_each_member_but_lists)
{
	struct buf b = { .arena = arena };
	struct thing t = { .name = "O\"Neill, \xc3\xa9", .note = "two\r\nlines", .currency = "JPY",
		.amount = { .minor = -8555, .known = true }, .starts_at = { .us = 1500000, .known = true }, .minutes = 30,
		.urgent = true };

	field_csv_head(&b, thing_fields);
	field_csv(&b, thing_fields, &t);
	field_csv(&b, thing_fields, &(struct thing){ 0 });
	ck_assert_str_eq(b.bytes,
	    "id,name,email,gender,dateOfBirth,note,code,zone,amount,currency,startsAt,minutes,level,urgent\r\n"
	    ",\"O\"\"Neill, \xc3\xa9\",,,,\"two\r\nlines\",,,-8555,JPY,1970-01-01T00:00:01.5Z,30,0,true\r\n"
	    ",,,,,,,,,,,,0,false\r\n");
}
END_TEST

static const struct {
	const char *text, *cell;
} cells[] = {
	{ "=1+1", "'=1+1" },
	{ "=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"" },
	{ "+49 30 1234", "'+49 30 1234" },
	{ "+5", "'+5" },
	{ "-5", "-5" },
	{ "-5.00", "-5.00" },
	{ "-5.", "'-5." },
	{ "-.5", "'-.5" },
	{ "-5.0.0", "'-5.0.0" },
	{ "-1+cmd", "'-1+cmd" },
	{ "-", "'-" },
	{ "@SUM(A1)", "'@SUM(A1)" },
	{ "\t=1", "'\t=1" },
	{ "\r=1", "\"'\r=1\"" },
	{ "\n=1", "\"'\n=1\"" },
	{ "a=1", "a=1" },
	{ " =1", " =1" },
	{ "", "" },
};

struct shelf {
	struct field_list books;
	struct {
		const char *currency;
		struct money price;
	} sum;
};

static const struct field sum_fields[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct shelf, sum.currency) - offsetof(struct shelf, sum) },
	{ "price", F_MONEY, offsetof(struct shelf, sum.price) - offsetof(struct shelf, sum), .use = REPLY | SIGNED },
	FIELD_END,
};

static const struct field shelf_fields[] = {
	{ "books", F_LIST, offsetof(struct shelf, books), .use = REPLY | EVEN_EMPTY, .items = sum_fields },
	{ "sum", F_GROUP, offsetof(struct shelf, sum), .use = REPLY, .items = sum_fields },
	FIELD_END,
};

START_TEST(a_group_is_an_object_inside_and_a_list_may_be_shown_empty)
{
	const struct shelf shelf = { .sum = { .currency = "KWD", .price = { .minor = -1234, .known = true } } };
	struct buf b = { .arena = arena }, schema = { .arena = arena };

	field_write(&b, shelf_fields, &shelf);
	ck_assert_str_eq(b.bytes, "{\"books\":[],\"sum\":{\"price\":\"-1.234\"}}");
	field_schema(&schema, shelf_fields, REPLY);
	ck_assert_ptr_nonnull(strstr(schema.bytes,
	    "\"sum\":{\"type\":\"object\",\"properties\":{\"price\":{\"type\":\"string\",\"pattern\":\"^-?[0-9]+(\\\\.[0-9]+)?$\""));
	ck_assert_ptr_nonnull(strstr(schema.bytes, "\"required\":[\"price\"]}}"));
	ck_assert_ptr_nonnull(strstr(schema.bytes, "\"required\":[\"books\",\"sum\"]}"));
}
END_TEST

START_TEST(a_spreadsheet_runs_no_cell)
{
	static const struct field note[] = { { "note", F_TEXT, 0, .use = REPLY }, FIELD_END };
	struct buf b = { .arena = arena };

	field_csv(&b, note, &cells[_i].text);
	ck_assert_str_eq(b.bytes, arena_printf(arena, "%s\r\n", cells[_i].cell));
}
END_TEST

START_TEST(a_rate_is_a_percentage_without_needless_decimals)
{
	static const struct field tax[] = { { "rate", F_RATE, 0, .use = REPLY }, FIELD_END };
	static const int64_t rates[] = { 82500, 0, 1000000, 1, 82501, 200000, 5000, -1 };
	struct buf b = { .arena = arena };

	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		field_write(&b, tax, &rates[i]);
	ck_assert_str_eq(b.bytes,
	    "{\"rate\":\"8.25\"}{\"rate\":\"0\"}{\"rate\":\"100\"}{\"rate\":\"0.0001\"}{\"rate\":\"8.2501\"}{\"rate\":\"20\"}"
	    "{\"rate\":\"0.5\"}{\"rate\":null}");
}
END_TEST

START_TEST(a_switch_that_is_off_is_shown)
{
	static const struct field door[] = { { "open", F_SWITCH, 0, .use = REPLY }, FIELD_END };
	static const enum field_switch states[] = { SWITCH_OFF, SWITCH_ON, SWITCH_ABSENT };
	struct buf b = { .arena = arena };

	for (size_t i = 0; i < 3; i++)
		field_write(&b, door, &states[i]);
	ck_assert_str_eq(b.bytes, "{\"open\":false}{\"open\":true}{\"open\":null}");
}
END_TEST

START_TEST(an_amount_has_the_decimals_of_its_currency)
{
	static const struct {
		const char *currency, *expected;
	} cases[] = {
		{ "USD", "\"amount\":\"85.55\"" },
		{ "JPY", "\"amount\":\"8555\"" },
		{ "KWD", "\"amount\":\"8.555\"" },
		{ NULL, "\"amount\":\"85.55\"" }, /* the configured one */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = { .arena = arena };
		struct thing t = { .currency = cases[i].currency, .amount = { .minor = 8555, .known = true } };

		field_write(&b, thing_fields, &t);
		ck_assert_ptr_nonnull(strstr(b.bytes, cases[i].expected));
	}
}
END_TEST

/* What a reply says of the members that a body may have is a body that means the same. */
START_TEST(a_reply_can_be_sent_back)
{
	static const char json[] = "{\"id\":\"1e621f4c-db30-c273-49e9-2dcad508a9cb\",\"name\":\"Zo\xc3\xab \\\"\\\\\\u0001\","
				   "\"email\":\"a@b\",\"gender\":null,\"dateOfBirth\":\"2024-02-29\",\"note\":\"\",\"amount\":\"0.10\","
				   "\"currency\":\"EUR\"}";
	struct buf b = { .arena = arena };
	struct thing t = { 0 };
	struct ctx cx;

	ctx_init(&cx, arena, NULL);
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, sizeof(json) - 1, &t), RC_OK);
	field_write(&b, thing_fields, &t);
	ck_assert_ptr_nonnull(strstr(b.bytes, "\"name\":\"Zo\xc3\xab \\\"\\\\\\u0001\",\"email\":\"a@b\",\"gender\":null,"));
	ck_assert_ptr_nonnull(strstr(b.bytes, "\"amount\":\"0.10\",\"currency\":\"EUR\""));
}
END_TEST

Suite *
write_suite(void)
{
	Suite *suite = suite_create("write");
	TCase *t = tcase_create("write");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, what_is_absent_is_null_and_false_or_empty_is_left_out);
	tcase_add_test(t, every_type_is_written_in_its_form);
	tcase_add_test(t, a_row_of_csv_has_a_cell_for_each_member_but_lists);
	tcase_add_test(t, a_group_is_an_object_inside_and_a_list_may_be_shown_empty);
	tcase_add_loop_test(t, a_spreadsheet_runs_no_cell, 0, sizeof(cells) / sizeof(*cells));
	tcase_add_test(t, a_rate_is_a_percentage_without_needless_decimals);
	tcase_add_test(t, a_switch_that_is_off_is_shown);
	tcase_add_test(t, an_amount_has_the_decimals_of_its_currency);
	tcase_add_test(t, a_reply_can_be_sent_back);
	suite_add_tcase(suite, t);
	return suite;
}
