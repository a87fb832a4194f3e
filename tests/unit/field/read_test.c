#include <string.h>

#include "tests/unit/field/suites.h"
#include "tests/unit/field/thing.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BYTES(literal) literal, sizeof(literal) - 1
#define ID "1e621f4c-db30-c273-49e9-2dcad508a9cb"
#define SOUND "\"name\":\"Zo\xc3\xab\",\"email\":\"x@localhost\",\"gender\":\"OTHER\""

#define LINE(more) "{\"quantity\":2" more "}"

static struct arena *arena;
static struct ctx cx;

static void
begin(void)
{
	arena = arena_new();
	ctx_init(&cx, arena, NULL);
}

static void
end(void)
{
	arena_free(arena);
}

START_TEST(a_sound_body_is_read_into_the_struct)
{
	static const char json[] = "{" SOUND ",\"dateOfBirth\":\"2024-02-29\",\"note\":\"\",\"code\":\"a.B-9_\",\"zone\":\"Europe/Berlin\","
				   "\"currency\":\"kwd\",\"amount\":\"12.5\",\"startsAt\":\"2026-11-01T09:30:00.25+02:00\",\"minutes\":600,"
				   "\"level\":-3,\"urgent\":true}";
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, CREATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_str_eq(t.name, "Zo\xc3\xab");
	ck_assert_str_eq(t.email, "x@localhost");
	ck_assert_str_eq(t.gender, "OTHER");
	ck_assert_str_eq(t.birth, "2024-02-29");
	ck_assert_str_eq(t.note, "");
	ck_assert_str_eq(t.code, "a.B-9_");
	ck_assert_str_eq(t.zone, "Europe/Berlin");
	ck_assert_str_eq(t.currency, "KWD");
	ck_assert(t.amount.known);
	ck_assert_int_eq(t.amount.minor, 12500);
	ck_assert(t.starts_at.known);
	ck_assert_int_eq(t.starts_at.us, INT64_C(1793518200250000));
	ck_assert_int_eq(t.minutes, 600);
	ck_assert_int_eq(t.level, -3);
	ck_assert(t.urgent);
	ck_assert_ptr_null(t.id);
}
END_TEST

START_TEST(escapes_in_names_and_texts_are_understood)
{
	static const char json[] = "{\"n\\u0061me\":\"O\\u2019Neill \\ud83d\\ude00\",\"email\":\"a@b\",\"gender\":\"MALE\"}";
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, CREATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_str_eq(t.name, "O\xe2\x80\x99Neill \xf0\x9f\x98\x80");
}
END_TEST

START_TEST(an_amount_without_a_currency_takes_the_configured_one)
{
	static const char json[] = "{" SOUND ",\"amount\":\"85.55\",\"currency\":null}";
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, CREATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_int_eq(t.amount.minor, 8555);
	ck_assert_str_eq(t.currency, "USD");
}
END_TEST

START_TEST(no_amount_needs_no_currency)
{
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, CREATE, "{" SOUND "}", sizeof("{" SOUND "}") - 1, &t), RC_OK);
	ck_assert(!t.amount.known);
	ck_assert_ptr_null(t.currency);
}
END_TEST

START_TEST(a_list_is_read_by_the_rows_of_its_elements)
{
	static const char json[] = "{" SOUND ",\"lines\":[" LINE(",\"price\":\"1.239\",\"taxRate\":\"8.25\",\"code\":\"x\"") ","
				   LINE(",\"price\":null") "],\"currency\":\"KWD\"}";
	struct thing t = { .rate = 5 };
	const struct line *lines;

	ck_assert_int_eq(field_read(&cx, thing_fields, CREATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_int_eq(t.rate, -1);
	ck_assert_uint_eq(t.lines.count, 2);
	lines = t.lines.rows;
	ck_assert_str_eq(lines[0].code, "x");
	ck_assert_int_eq(lines[0].quantity, 2);
	ck_assert_int_eq(lines[0].price.minor, 1239); /* of the currency that the body names after it */
	ck_assert_str_eq(lines[0].currency, "KWD");
	ck_assert_int_eq(lines[0].rate, 82500);
	ck_assert_ptr_null(lines[1].code);
	ck_assert(!lines[1].price.known);
	ck_assert_int_eq(lines[1].rate, -1);
}
END_TEST

START_TEST(amounts_of_a_list_are_in_the_currency_that_is_meant)
{
	static const char json[] = "{\"lines\":[" LINE(",\"price\":\"5\"") "]}";
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_int_eq(((const struct line *)t.lines.rows)->price.minor, 500); /* the configured one */
	ck_assert_str_eq(t.currency, "USD");
	t = (struct thing){ .currency = "JPY" }; /* the one that it has already */
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_int_eq(((const struct line *)t.lines.rows)->price.minor, 5);
	ck_assert_str_eq(((const struct line *)t.lines.rows)->currency, "JPY");
}
END_TEST

START_TEST(a_list_that_is_null_or_empty_has_no_rows)
{
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, BYTES("{\"lines\":null}"), &t), RC_OK);
	ck_assert_uint_eq(t.lines.count, 0);
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, BYTES("{\"lines\":[]}"), &t), RC_OK);
	ck_assert_uint_eq(t.lines.count, 0);
}
END_TEST

START_TEST(a_list_that_is_required_has_an_element)
{
	static const struct field part[] = { { "n", F_INT, 0, .use = CREATE }, FIELD_END };
	const struct field basket[] = { { "parts", F_LIST, 0, .use = CREATE | UPDATE | REQUIRED, .items = part, .item_size = 8 },
		FIELD_END };
	struct field_list parts = { 0 };

	ck_assert_int_eq(field_read(&cx, basket, CREATE, BYTES("{}"), &parts), RC_INVALID);
	ck_assert_str_eq(thing_error(&cx, "parts"), "parts is required");
	err_clear(&cx);
	ck_assert_int_eq(field_read(&cx, basket, UPDATE, BYTES("{\"parts\":[]}"), &parts), RC_INVALID);
	ck_assert_str_eq(thing_error(&cx, "parts"), "parts is required");
	err_clear(&cx);
	ck_assert_int_eq(field_read(&cx, basket, UPDATE, BYTES("{}"), &parts), RC_OK);
	ck_assert_int_eq(field_read(&cx, basket, CREATE, BYTES("{\"parts\":[{}]}"), &parts), RC_OK);
	ck_assert_uint_eq(parts.count, 1);
}
END_TEST

START_TEST(all_faults_of_all_elements_are_told_at_once)
{
	static const char json[] = "{\"lines\":[{\"price\":\"x\"},{\"quantity\":1,\"code\":\"a b\",\"q\":1},7],\"note\":5}";
	struct thing t = { 0 };
	enum rc rc = field_read(&cx, thing_fields, UPDATE, json, sizeof(json) - 1, &t);

	ck_assert_int_eq(rc, RC_INVALID);
	ck_assert_str_eq(err_message(&cx, rc), "Validation failed: 6 errors found");
	ck_assert_ptr_nonnull(thing_error(&cx, "note"));
	ck_assert_ptr_nonnull(thing_error(&cx, "lines[0].price"));
	ck_assert_ptr_nonnull(thing_error(&cx, "lines[0].quantity"));
	ck_assert_ptr_nonnull(thing_error(&cx, "lines[1].code"));
	ck_assert_ptr_nonnull(thing_error(&cx, "lines[1].q"));
	ck_assert_ptr_nonnull(thing_error(&cx, "lines[2]"));
}
END_TEST

START_TEST(null_on_update_leaves_the_member_alone)
{
	static const char json[] = "{\"name\":null,\"email\":null,\"note\":null,\"amount\":null,\"id\":\"1E621F4C-DB30-C273-49E9-2DCAD508A9CB\"}";
	struct thing t = { 0 };

	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, sizeof(json) - 1, &t), RC_OK);
	ck_assert_ptr_null(t.name);
	ck_assert_ptr_null(t.email);
	ck_assert_ptr_null(t.note);
	ck_assert(!t.amount.known);
	ck_assert_str_eq(t.id, ID);
}
END_TEST

/* Each body has one fault: the member to blame, and what it is told. */
static const struct {
	enum field_use use;
	const char *json;
	size_t length;
	const char *blamed, *message;
} faults[] = {
	{ CREATE, BYTES("{\"email\":\"a@b\",\"gender\":\"MALE\"}"), "name", "Name is required" },
	{ CREATE, BYTES("{\"name\":null,\"email\":\"a@b\",\"gender\":\"MALE\"}"), "name", "Name is required" },
	{ CREATE, BYTES("{\"name\":\"\",\"email\":\"a@b\",\"gender\":\"MALE\"}"), "name", "Name is required" },
	{ CREATE, BYTES("{\"name\":\" \\t\\u00a0\",\"email\":\"a@b\",\"gender\":\"MALE\"}"), "name", "Name is required" },
	{ CREATE, BYTES("{\"name\":\"a\",\"gender\":\"MALE\"}"), "email", "Email is required" },
	{ CREATE, BYTES("{\"name\":\"a\",\"email\":\"a b@c\",\"gender\":\"MALE\"}"), "email", "Invalid email format" },
	{ CREATE, BYTES("{\"name\":\"a\",\"email\":\"a@b\"}"), "gender", "Gender is required" },
	{ CREATE, BYTES("{\"name\":\"a\",\"email\":\"a@b\",\"gender\":\"male\"}"), "gender",
	  "gender must be one of MALE, FEMALE, OTHER" },
	{ UPDATE, BYTES("{\"name\":\"\"}"), "name", "Name is required" },
	{ UPDATE, BYTES("{\"name\":\"  \"}"), "name", "Name is required" },
	{ UPDATE, BYTES("{\"code\":\"x\"}"), "code", "Unknown member: code" },
	{ UPDATE, BYTES("{\"nmae\":\"x\"}"), "nmae", "Unknown member: nmae" },
	{ UPDATE, BYTES("{\"nmae\":null}"), "nmae", "Unknown member: nmae" },
	{ UPDATE, BYTES("{\"\":1}"), "", "Unknown member: " },
	{ CREATE, BYTES("{" SOUND ",\"id\":\"" ID "\"}"), "id", "Unknown member: id" },
	{ CREATE, BYTES("{" SOUND ",\"parts\":[]}"), "parts", "Unknown member: parts" },
	{ CREATE, BYTES("{" SOUND ",\"payload\":\"\"}"), "payload", "Unknown member: payload" },
	{ UPDATE, BYTES("{\"id\":\"1-1-1-1-1\"}"), "id", "id must be a UUID" },
	{ UPDATE, BYTES("{\"name\":5}"), "name", "name must be text" },
	{ UPDATE, BYTES("{\"name\":true}"), "name", "name must be text" },
	{ UPDATE, BYTES("{\"name\":{}}"), "name", "name must be text" },
	{ UPDATE, BYTES("{\"name\":[\"a\"]}"), "name", "name must be text" },
	{ UPDATE, BYTES("{\"email\":1.5}"), "email", "email must be text" },
	{ UPDATE, BYTES("{\"dateOfBirth\":20240229}"), "dateOfBirth", "dateOfBirth must be text" },
	{ UPDATE, BYTES("{\"dateOfBirth\":\"2023-02-29\"}"), "dateOfBirth",
	  "dateOfBirth must be a date that exists, as YYYY-MM-DD" },
	{ UPDATE, BYTES("{\"dateOfBirth\":\"2023-2-9\"}"), "dateOfBirth",
	  "dateOfBirth must be a date that exists, as YYYY-MM-DD" },
	{ UPDATE, BYTES("{\"dateOfBirth\":\"\"}"), "dateOfBirth", "dateOfBirth must be a date that exists, as YYYY-MM-DD" },
	{ UPDATE, BYTES("{\"amount\":85.55}"), "amount", "amount must be text" },
	{ UPDATE, BYTES("{\"amount\":\"1.239\"}"), "amount", "amount must be an amount with at most 2 decimals" },
	{ UPDATE, BYTES("{\"amount\":\"1.2\",\"currency\":\"JPY\"}"), "amount", "amount must be an amount with at most 0 decimals" },
	{ UPDATE, BYTES("{\"amount\":\"1e3\"}"), "amount", "amount must be an amount with at most 2 decimals" },
	{ UPDATE, BYTES("{\"amount\":\"\"}"), "amount", "amount must be an amount with at most 2 decimals" },
	{ UPDATE, BYTES("{\"amount\":\"-1\"}"), "amount", "must be between 0 and 9223372036854775807" },
	{ UPDATE, BYTES("{\"amount\":\"92233720368547758.08\"}"), "amount", "must be between 0 and 9223372036854775807" },
	{ UPDATE, BYTES("{\"amount\":\"1\",\"currency\":\"XYZ\"}"), "currency",
	  "currency must be an ISO 4217 currency, like USD" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":\"30\"}"), "minutes", "minutes must be a whole number" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":30.0}"), "minutes", "minutes must be a whole number" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":3e1}"), "minutes", "minutes must be a whole number" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":true}"), "minutes", "minutes must be a whole number" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":\"12abc\"}"), "minutes", "minutes must be a whole number" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":0}"), "minutes", "minutes must be between 1 and 600" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":-1}"), "minutes", "minutes must be between 1 and 600" },
	{ CREATE, BYTES("{" SOUND ",\"minutes\":601}"), "minutes", "minutes must be between 1 and 600" },
	{ CREATE, BYTES("{" SOUND ",\"level\":9007199254740992}"), "level",
	  "level must be between -9007199254740991 and 9007199254740991" },
	{ CREATE, BYTES("{" SOUND ",\"level\":9223372036854775808}"), "level",
	  "level must be between -9007199254740991 and 9007199254740991" },
	{ CREATE, BYTES("{" SOUND ",\"level\":99999999999999999999999999}"), "level",
	  "level must be between -9007199254740991 and 9007199254740991" },
	{ CREATE, BYTES("{" SOUND ",\"level\":-99999999999999999999999999}"), "level",
	  "level must be between -9007199254740991 and 9007199254740991" },
	{ CREATE, BYTES("{" SOUND ",\"urgent\":\"true\"}"), "urgent", "urgent must be true or false" },
	{ CREATE, BYTES("{" SOUND ",\"urgent\":1}"), "urgent", "urgent must be true or false" },
	{ UPDATE, BYTES("{\"open\":0}"), "open", "open must be true or false" },
	{ CREATE, BYTES("{" SOUND ",\"startsAt\":\"2026-11-01T09:30:00\"}"), "startsAt",
	  "startsAt must be a time with its offset, like 2026-11-01T09:30:00Z" },
	{ CREATE, BYTES("{" SOUND ",\"startsAt\":1762000000}"), "startsAt", "startsAt must be text" },
	{ CREATE, BYTES("{" SOUND ",\"zone\":\"Mars/Olympus\"}"), "zone", "zone must be an IANA time zone, like Europe/Berlin" },
	{ CREATE, BYTES("{" SOUND ",\"code\":\"a b\"}"), "code", "code may have letters, digits, '.', '_' and '-' only" },
	{ CREATE, BYTES("{" SOUND ",\"code\":\"abcdefghi\"}"), "code", "code must have at most 8 characters" },
	{ UPDATE, BYTES("{\"rate\":8.25}"), "rate", "rate must be text" },
	{ UPDATE, BYTES("{\"rate\":\"\"}"), "rate", "rate must be a percentage with at most 4 decimals, like 8.25" },
	{ UPDATE, BYTES("{\"rate\":\"8.25%\"}"), "rate", "rate must be a percentage with at most 4 decimals, like 8.25" },
	{ UPDATE, BYTES("{\"rate\":\"1.00000\"}"), "rate", "rate must be a percentage with at most 4 decimals, like 8.25" },
	{ UPDATE, BYTES("{\"rate\":\"100.0001\"}"), "rate", "rate must be between 0 and 100" },
	{ UPDATE, BYTES("{\"rate\":\"-1\"}"), "rate", "rate must be between 0 and 100" },
	{ UPDATE, BYTES("{\"rate\":\"99999999999999999999\"}"), "rate", "rate must be between 0 and 100" },
	{ UPDATE, BYTES("{\"lines\":{}}"), "lines", "lines must be a list" },
	{ UPDATE, BYTES("{\"lines\":\"\"}"), "lines", "lines must be a list" },
	{ UPDATE, BYTES("{\"lines\":[" LINE("") "," LINE("") "," LINE("") "," LINE("") "]}"), "lines",
	  "lines must have at most 3 elements" },
	{ UPDATE, BYTES("{\"lines\":[" LINE("") ",null]}"), "lines[1]", "lines[1] must be an object" },
	{ UPDATE, BYTES("{\"lines\":[[]]}"), "lines[0]", "lines[0] must be an object" },
	{ UPDATE, BYTES("{\"lines\":[" LINE("") ",{}]}"), "lines[1].quantity", "quantity is required" },
	{ UPDATE, BYTES("{\"lines\":[{\"quantity\":0}]}"), "lines[0].quantity", "quantity must be between 1 and 1000" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"nmae\":1") "]}"), "lines[0].nmae", "Unknown member: nmae" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"currency\":\"USD\"") "]}"), "lines[0].currency", "Unknown member: currency" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"price\":\"0.5\"") "],\"currency\":\"JPY\"}"), "lines[0].price",
	  "price must be an amount with at most 0 decimals" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"price\":\"0.5555\"") "],\"currency\":\"XYZ\"}"), "currency",
	  "currency must be an ISO 4217 currency, like USD" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"taxRate\":\"101\"") "]}"), "lines[0].taxRate", "taxRate must be between 0 and 100" },
	{ UPDATE, BYTES("{\"lines\":[" LINE(",\"code\":\"a\",\"code\":\"b\"") "]}"), "lines",
	  "Malformed JSON at byte 36: this member is there twice" },
	{ UPDATE, BYTES(""), "body", "Malformed JSON at byte 1: it is empty" },
	{ UPDATE, BYTES("{\"name\":\"x\""), "body", "Malformed JSON at byte 12: it ends too early" },
	{ UPDATE, BYTES("[]"), "body", "The body must be a JSON object" },
	{ UPDATE, BYTES("null"), "body", "The body must be a JSON object" },
	{ UPDATE, BYTES("\"name\""), "body", "The body must be a JSON object" },
	{ UPDATE, BYTES("{'name':\"x\"}"), "body",
	  "Malformed JSON at byte 2: a member's name in double quotes is expected" },
	{ UPDATE, BYTES("{\"name\":'x'}"), "body", "Malformed JSON at byte 9: a value is expected" },
	{ UPDATE, BYTES("{\"amount\":NaN}"), "body", "Malformed JSON at byte 11: a value is expected" },
	{ UPDATE, BYTES("{\"minutes\":1.}"), "body", "Malformed JSON at byte 14: a digit is expected" },
	{ UPDATE, BYTES("{\"name\":\"a\nb\"}"), "name",
	  "Malformed JSON at byte 11: a control character in text must be escaped" },
	{ UPDATE, BYTES("{\"name\":\"a\\u0000b\"}"), "name", "Malformed JSON at byte 11: text may not hold NUL" },
	{ UPDATE, BYTES("{\"name\":\"a\0b\"}"), "name",
	  "Malformed JSON at byte 11: a control character in text must be escaped" },
	{ UPDATE, BYTES("{\"name\":\"\xc0\xaf\"}"), "name", "Malformed JSON at byte 10: text must be UTF-8" },
	{ UPDATE, BYTES("{\"name\":\"\\ud800\"}"), "name", "Malformed JSON at byte 10: half of a surrogate pair" },
	{ UPDATE, BYTES("{\"name\":\"a\",\"name\":\"b\"}"), "name", "Malformed JSON at byte 13: this member is there twice" },
	{ UPDATE, BYTES("{\"name\":\"a\",\"n\\u0061me\":\"b\"}"), "name",
	  "Malformed JSON at byte 13: this member is there twice" },
	{ UPDATE, BYTES("{\"name\":{\"a\":1,\"a\":2}}"), "name", "Malformed JSON at byte 16: this member is there twice" },
};

START_TEST(each_fault_blames_its_member)
{
	struct thing t = { 0 };
	enum rc rc = field_read(&cx, thing_fields, faults[_i].use, faults[_i].json, faults[_i].length, &t);

	ck_assert_msg(rc == RC_INVALID, "%s passed", faults[_i].json);
	ck_assert_msg(cx.err.field_count == 1, "%s: %s", faults[_i].json, err_message(&cx, rc));
	ck_assert_str_eq(cx.err.fields->name, faults[_i].blamed);
	ck_assert_str_eq(cx.err.fields->message, faults[_i].message);
	ck_assert_str_eq(err_message(&cx, rc), faults[_i].message);
}
END_TEST

START_TEST(all_faults_are_told_at_once)
{
	static const char json[] = "{\"email\":\"no\",\"dateOfBirth\":\"x\",\"nmae\":1,\"currency\":\"???\",\"amount\":\"bad\"}";
	struct thing t = { 0 };
	enum rc rc = field_read(&cx, thing_fields, CREATE, json, sizeof(json) - 1, &t);

	ck_assert_int_eq(rc, RC_INVALID);
	ck_assert_str_eq(err_message(&cx, rc), "Validation failed: 6 errors found");
	ck_assert_str_eq(thing_error(&cx, "name"), "Name is required");
	ck_assert_str_eq(thing_error(&cx, "email"), "Invalid email format");
	ck_assert_str_eq(thing_error(&cx, "gender"), "Gender is required");
	ck_assert_ptr_nonnull(thing_error(&cx, "dateOfBirth"));
	ck_assert_ptr_nonnull(thing_error(&cx, "nmae"));
	ck_assert_ptr_nonnull(thing_error(&cx, "currency"));
	ck_assert_ptr_null(thing_error(&cx, "amount")); /* of which currency? */
}
END_TEST

/* Letters of two bytes each: code points count, not bytes. */
static enum rc
read_name(enum field_use use, size_t letters)
{
	struct buf b = { .arena = arena };
	struct thing t = { 0 };

	buf_add_text(&b, "{\"email\":\"a@b\",\"gender\":\"MALE\",\"name\":\"");
	for (size_t i = 0; i < letters; i++)
		buf_add_text(&b, "\xc3\xa9");
	buf_add_text(&b, "\"}");
	err_clear(&cx);
	return field_read(&cx, thing_fields, use, b.bytes, b.length, &t);
}

START_TEST(lengths_count_code_points_and_say_what_the_contract_says)
{
	ck_assert_int_eq(read_name(CREATE, 80), RC_OK);
	ck_assert_int_eq(read_name(CREATE, 81), RC_INVALID);
	ck_assert_str_eq(thing_error(&cx, "name"), "Name should be less then 80 characters");
	ck_assert_int_eq(read_name(UPDATE, 81), RC_INVALID);
	ck_assert_str_eq(thing_error(&cx, "name"), "size must be between 0 and 80");
}
END_TEST

START_TEST(an_email_has_at_most_254_characters)
{
	struct thing t = { 0 };
	char json[400] = "{\"email\":\"a@";
	size_t n = strlen(json);

	for (int i = 0; i < 252; i++)
		json[n++] = i % 50 == 49 ? '.' : 'b';
	memcpy(json + n, "\"}", 3);
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, strlen(json), &t), RC_OK);
	memcpy(json + n, "b\"}", 4);
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, strlen(json), &t), RC_INVALID);
	ck_assert_str_eq(thing_error(&cx, "email"), "Max size of email exceeded");
}
END_TEST

START_TEST(a_long_unknown_name_is_told_once)
{
	char json[200] = "{\"";
	struct thing t = { 0 };

	memset(json + 2, 'x', 65);
	memcpy(json + 67, "\":1}", 5);
	ck_assert_int_eq(field_read(&cx, thing_fields, UPDATE, json, strlen(json), &t), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->message, "Unknown member");
}
END_TEST

/* --- single values: query parameters, CSV cells, gRPC strings --- */

static const struct {
	enum field_use use;
	const char *name, *text;
	size_t length;
	const char *message; /* NULL: taken */
} values[] = {
	{ FILTER, "minutes", BYTES("30"), NULL },
	{ FILTER, "minutes", BYTES("12abc"), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("+5"), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("5 "), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("-"), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("1e2"), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("99999999999999999999"), "minutes must be a whole number" },
	{ FILTER, "minutes", BYTES("601"), "minutes must be between 1 and 600" },
	{ FILTER, "gender", BYTES("MALE"), NULL },
	{ FILTER, "gender", BYTES("X"), "gender must be one of MALE, FEMALE, OTHER" },
	{ FILTER, "note", BYTES("x"), NULL },
	{ FILTER, "note", BYTES(""), "note is required" },
	{ FILTER, "note", BYTES(" "), "note is required" },
	{ CREATE, "note", BYTES(""), NULL },
	{ CREATE, "note", BYTES("a\0b"), "note must be UTF-8 without NUL" },
	{ CREATE, "note", BYTES("\xc0\xaf"), "note must be UTF-8 without NUL" },
	{ CREATE, "urgent", BYTES("true"), NULL },
	{ CREATE, "urgent", BYTES("false"), NULL },
	{ CREATE, "urgent", BYTES("yes"), "urgent must be true or false" },
	{ CREATE, "amount", BYTES("5\0"), "amount must be UTF-8 without NUL" },
	{ CREATE, "level", BYTES("-9007199254740991"), NULL },
	{ CREATE, "rate", BYTES("8.25"), NULL },
	{ CREATE, "rate", BYTES("8,25"), "rate must be a percentage with at most 4 decimals, like 8.25" },
	{ CREATE, "lines", BYTES("[]"), "lines can't be set" },
};

START_TEST(one_text_is_checked_by_its_row)
{
	struct thing t = { 0 };
	const struct field *row = field_find(thing_fields, values[_i].name);
	enum rc rc = field_set(&cx, row, values[_i].use, values[_i].text, values[_i].length, &t);

	if (values[_i].message == NULL) {
		ck_assert_int_eq(rc, RC_OK);
		ck_assert_ptr_null(cx.err.fields);
	} else {
		ck_assert_int_eq(rc, RC_INVALID);
		ck_assert_str_eq(thing_error(&cx, values[_i].name), values[_i].message);
	}
}
END_TEST

START_TEST(an_amount_is_read_when_its_currency_is_known)
{
	struct thing t = { 0 };

	ck_assert_int_eq(field_set(&cx, field_find(thing_fields, "amount"), UPDATE, "5", 1, &t), RC_OK);
	ck_assert_int_eq(field_set(&cx, field_find(thing_fields, "currency"), UPDATE, "JPY", 3, &t), RC_OK);
	ck_assert_int_eq(field_finish(&cx, thing_fields, UPDATE, &t), RC_OK);
	ck_assert(t.amount.known);
	ck_assert_int_eq(t.amount.minor, 5);
}
END_TEST

START_TEST(a_row_is_found_by_its_exact_name)
{
	ck_assert_ptr_eq(field_find(thing_fields, "id"), thing_fields);
	ck_assert_ptr_null(field_find(thing_fields, "Id"));
	ck_assert_ptr_null(field_find(thing_fields, ""));
}
END_TEST

Suite *
read_suite(void)
{
	Suite *suite = suite_create("read");
	TCase *t = tcase_create("read");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_sound_body_is_read_into_the_struct);
	tcase_add_test(t, escapes_in_names_and_texts_are_understood);
	tcase_add_test(t, an_amount_without_a_currency_takes_the_configured_one);
	tcase_add_test(t, no_amount_needs_no_currency);
	tcase_add_test(t, a_list_is_read_by_the_rows_of_its_elements);
	tcase_add_test(t, amounts_of_a_list_are_in_the_currency_that_is_meant);
	tcase_add_test(t, a_list_that_is_null_or_empty_has_no_rows);
	tcase_add_test(t, a_list_that_is_required_has_an_element);
	tcase_add_test(t, all_faults_of_all_elements_are_told_at_once);
	tcase_add_test(t, null_on_update_leaves_the_member_alone);
	tcase_add_loop_test(t, each_fault_blames_its_member, 0, COUNT(faults));
	tcase_add_test(t, all_faults_are_told_at_once);
	tcase_add_test(t, lengths_count_code_points_and_say_what_the_contract_says);
	tcase_add_test(t, an_email_has_at_most_254_characters);
	tcase_add_test(t, a_long_unknown_name_is_told_once);
	tcase_add_loop_test(t, one_text_is_checked_by_its_row, 0, COUNT(values));
	tcase_add_test(t, an_amount_is_read_when_its_currency_is_known);
	tcase_add_test(t, a_row_is_found_by_its_exact_name);
	suite_add_tcase(suite, t);
	return suite;
}
