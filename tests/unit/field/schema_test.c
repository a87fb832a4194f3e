#include <string.h>

#include "lib/field/json_check.h"
#include "tests/unit/field/suites.h"
#include "tests/unit/field/thing.h"

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

static const char *
schema(enum field_use use)
{
	struct buf b = { .arena = arena };
	struct json_fault fault;

	field_schema(&b, thing_fields, use);
	ck_assert_int_eq(json_check(b.bytes, b.length, &fault), RC_OK);
	return b.bytes;
}

#define HAS(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s lacks %s", text, part)
#define LACKS(text, part) ck_assert_msg(strstr(text, part) == NULL, "%s has %s", text, part)

START_TEST(a_create_schema_says_what_is_required_and_refuses_the_rest)
{
	const char *s = schema(CREATE);

	HAS(s, "\"additionalProperties\":false");
	HAS(s, "\"required\":[\"name\",\"email\",\"gender\"]");
	HAS(s, "\"name\":{\"type\":\"string\",\"minLength\":1,\"pattern\":\"\\\\S\",\"maxLength\":80}");
	HAS(s, "\"email\":{\"type\":\"string\",\"format\":\"idn-email\",\"maxLength\":254}");
	HAS(s, "\"gender\":{\"type\":\"string\",\"enum\":[\"MALE\",\"FEMALE\",\"OTHER\"]}");
	HAS(s, "\"dateOfBirth\":{\"type\":[\"string\",\"null\"],\"format\":\"date\"}");
	HAS(s, "\"note\":{\"type\":[\"string\",\"null\"],\"maxLength\":255,\"description\":\"Anything \\\"else\\\"\"}");
	HAS(s, "\"minutes\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":600}");
	LACKS(s, "\"id\"");
	LACKS(s, "\"parts\"");
	LACKS(s, "\"payload\"");
}
END_TEST

START_TEST(an_update_schema_requires_nothing_and_takes_null)
{
	const char *s = schema(UPDATE);

	HAS(s, "\"additionalProperties\":false");
	HAS(s, "\"minProperties\":1");
	LACKS(s, "\"required\":[\"name\"");
	HAS(s, "\"gender\":{\"type\":[\"string\",\"null\"],\"enum\":[\"MALE\",\"FEMALE\",\"OTHER\",null]}");
	HAS(s, "\"id\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}");
}
END_TEST

START_TEST(a_reply_schema_says_what_is_always_there_and_what_may_be_null)
{
	const char *s = schema(REPLY);

	LACKS(s, "\"additionalProperties\"");
	HAS(s, "\"id\":{\"type\":\"string\",\"format\":\"uuid\"}");
	HAS(s, "\"note\":{\"type\":[\"string\",\"null\"]");
	HAS(s, "\"parts\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"");
	HAS(s, "\"startsAt\",\"minutes\",\"level\"]}");
	HAS(s, "\"lines\":{\"type\":\"array\",\"items\":{");
	HAS(s, "\"taxRate\":{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9]+(\\\\.[0-9]{1,4})?$\",\"examples\":[\"8.25\"]}");
}
END_TEST

START_TEST(a_list_in_a_body_says_what_its_elements_must_have)
{
	static const struct field part[] = { { "n", F_INT, 0, .use = CREATE | REQUIRED }, FIELD_END };
	const struct field basket[] = { { "parts", F_LIST, 0, .use = CREATE | REQUIRED, .items = part }, FIELD_END };
	struct buf b = { .arena = arena };

	HAS(schema(CREATE), "\"lines\":{\"type\":[\"array\",\"null\"],\"minItems\":0,\"maxItems\":3,\"items\":{\"type\":\"object\"");
	HAS(schema(UPDATE), "\"required\":[\"quantity\"],\"additionalProperties\":false}");
	HAS(schema(CREATE), "\"required\":[\"quantity\"],\"additionalProperties\":false}");
	LACKS(schema(CREATE), "\"items\":{\"type\":\"object\",\"minProperties\"");
	field_schema(&b, basket, CREATE);
	HAS(b.bytes, "\"parts\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":200,\"items\":{");
	HAS(b.bytes, "\"required\":[\"parts\"]");
}
END_TEST

Suite *
schema_suite(void)
{
	Suite *suite = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_create_schema_says_what_is_required_and_refuses_the_rest);
	tcase_add_test(t, an_update_schema_requires_nothing_and_takes_null);
	tcase_add_test(t, a_reply_schema_says_what_is_always_there_and_what_may_be_null);
	tcase_add_test(t, a_list_in_a_body_says_what_its_elements_must_have);
	suite_add_tcase(suite, t);
	return suite;
}
