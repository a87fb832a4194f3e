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
	tcase_add_test(t, a_rate_is_a_percentage_without_needless_decimals);
	tcase_add_test(t, a_switch_that_is_off_is_shown);
	tcase_add_test(t, an_amount_has_the_decimals_of_its_currency);
	tcase_add_test(t, a_reply_can_be_sent_back);
	suite_add_tcase(suite, t);
	return suite;
}
