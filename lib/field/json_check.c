/*
 * json_check.c - the gate that all JSON from outside passes before anybody reads it (RFC 8259).
 *
 * One pass, in bounded memory, recursion bounded by DEPTH_MAX.  Members are compared once per object,
 * sorted: no choice of names makes that quadratic, as it could with a hash.
 */
#define _GNU_SOURCE /* qsort_r */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/field/json_check.h"

#define DEPTH_MAX 32
#define NAMES_MAX 1024 /* of all objects that are open at once; nobody who means well sends a tenth of it */

struct name {
	uint32_t at, length; /* between the quotes, still escaped */
};

struct check {
	const char *json;
	size_t length, at;
	int depth;
	struct json_fault fault;
	struct name member; /* of the outermost object; length 0: in none */
	struct arena *arena; /* NULL: nobody wants to know the tokens */
	struct json_token *tokens;
	uint32_t token_count, token_room;
	size_t name_count;
	struct name names[NAMES_MAX];
};

static bool value(struct check *c);

static bool
fail(struct check *c, const char *why)
{
	c->fault.at = c->at;
	c->fault.why = c->length == 0 ? "it is empty" : c->at == c->length ? "it ends too early" : why;
	return false;
}

/* As fail, but for what a value says rather than for how the text is built: its member is to blame. */
static bool
fail_value(struct check *c, size_t at, const char *why)
{
	c->fault.at = at;
	c->fault.why = why;
	c->fault.in_value = true;
	c->fault.member_at = c->member.at;
	c->fault.member_length = c->member.length;
	return false;
}

/* A token that began at a byte and ends here; returns its number. */
static uint32_t
note(struct check *c, enum json_kind kind, size_t at)
{
	struct json_token *more;

	if (c->arena == NULL)
		return 0;
	if (c->token_count == c->token_room) {
		c->token_room = c->token_room == 0 ? 64 : 2 * c->token_room;
		more = arena_alloc(c->arena, c->token_room * sizeof(*more));
		if (c->token_count > 0)
			memcpy(more, c->tokens, c->token_count * sizeof(*more));
		c->tokens = more;
	}
	c->tokens[c->token_count] = (struct json_token){
		.kind = kind, .at = (uint32_t)at, .length = (uint32_t)(c->at - at), .next = c->token_count + 1
	};
	return c->token_count++;
}

static int
peek(const struct check *c)
{
	return c->at < c->length ? (unsigned char)c->json[c->at] : -1;
}

static void
skip_space(struct check *c)
{
	int ch;

	while ((ch = peek(c)) == ' ' || ch == '\t' || ch == '\n' || ch == '\r')
		c->at++;
}

static bool
is_digit(int ch)
{
	return ch >= '0' && ch <= '9';
}

/* Behind "\u"; takes both halves of a surrogate pair (section 7). */
static bool
unicode_escape(struct check *c)
{
	size_t start = c->at - 2;
	int unit = json_hex4(c->json + c->at, c->length - c->at);

	if (unit < 0)
		return fail(c, "\\u takes four hexadecimal digits");
	if (unit == 0)
		return fail_value(c, start, "text may not hold NUL");
	c->at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit < 0xdc00 && c->length - c->at >= 6 && c->json[c->at] == '\\' && c->json[c->at + 1] == 'u') {
		unit = json_hex4(c->json + c->at + 2, 4);
		if (unit >= 0xdc00 && unit <= 0xdfff) {
			c->at += 6;
			return true;
		}
	}
	return fail_value(c, start, "half of a surrogate pair");
}

static bool
escape(struct check *c)
{
	c->at++;
	switch (peek(c)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		c->at++;
		return true;
	case 'u':
		c->at++;
		return unicode_escape(c);
	default:
		return fail(c, "no such escape");
	}
}

/* At its opening quote. */
static bool
string(struct check *c, struct name *ret)
{
	size_t start = ++c->at, size;
	int ch;

	for (;;) {
		c->at += text_plain(c->json + c->at, c->length - c->at);
		ch = peek(c);
		if (ch == '"')
			break;
		if (ch < 0)
			return fail(c, "");
		if (ch == '\\') {
			if (!escape(c))
				return false;
			continue;
		}
		if (ch < 0x20)
			return fail_value(c, c->at, "a control character in text must be escaped");
		size = json_sequence(ch);
		if (size > 1 && (size > c->length - c->at || !utf8_valid(c->json + c->at, size)))
			return fail_value(c, c->at, "text must be UTF-8");
		c->at += size;
	}
	*ret = (struct name){ .at = (uint32_t)start, .length = (uint32_t)(c->at - start) };
	note(c, JSON_IS_TEXT, start);
	c->at++;
	return true;
}

static bool
digits(struct check *c)
{
	if (!is_digit(peek(c)))
		return fail(c, "a digit is expected");
	while (is_digit(peek(c)))
		c->at++;
	return true;
}

static bool
number(struct check *c)
{
	enum json_kind kind = JSON_IS_WHOLE;
	size_t start = c->at;

	if (peek(c) == '-')
		c->at++;
	if (peek(c) == '0')
		c->at++;
	else if (!digits(c))
		return false;
	if (is_digit(peek(c)))
		return fail(c, "a number may not begin with 0");
	if (peek(c) == '.') {
		kind = JSON_IS_FRACTION;
		c->at++;
		if (!digits(c))
			return false;
	}
	if (peek(c) == 'e' || peek(c) == 'E') {
		kind = JSON_IS_FRACTION;
		c->at++;
		if (peek(c) == '+' || peek(c) == '-')
			c->at++;
		if (!digits(c))
			return false;
	}
	note(c, kind, start);
	return true;
}

static bool
literal(struct check *c, enum json_kind kind, const char *word)
{
	size_t start = c->at;

	for (; *word != '\0'; word++, c->at++)
		if (peek(c) != *word)
			return fail(c, "a value is expected");
	note(c, kind, start);
	return true;
}

static int
name_compare(const char *json, const struct name *a, const struct name *b)
{
	return json_text_compare(json + a->at, a->length, json + b->at, b->length);
}

static int
name_order(const void *a, const void *b, void *json)
{
	const struct name *x = a, *y = b;
	int order = name_compare(json, x, y);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* The names from first on are those of the object that ends here. */
static bool
names_differ(struct check *c, size_t first)
{
	size_t n = c->name_count - first, duplicate = SIZE_MAX;
	struct name *names = c->names + first;

	c->name_count = first;
	if (n < 2)
		return true;
	qsort_r(names, n, sizeof(*names), name_order, (void *)c->json);
	for (size_t i = 1; i < n; i++)
		if (names[i].at < duplicate && name_compare(c->json, &names[i - 1], &names[i]) == 0) {
			duplicate = names[i].at;
			if (c->depth == 1)
				c->member = names[i];
		}
	return duplicate == SIZE_MAX || fail_value(c, duplicate - 1, "this member is there twice");
}

static bool
object_member(struct check *c)
{
	struct name *name;

	if (peek(c) != '"')
		return fail(c, "a member's name in double quotes is expected");
	if (c->name_count == NAMES_MAX)
		return fail(c, "too many members");
	name = &c->names[c->name_count];
	if (!string(c, name))
		return false;
	c->name_count++;
	skip_space(c);
	if (peek(c) != ':')
		return fail(c, "a colon is expected");
	c->at++;
	if (c->depth == 1)
		c->member = *name;
	if (!value(c))
		return false;
	if (c->depth == 1)
		c->member.length = 0;
	return true;
}

/* At '{' or '['. */
static bool
container(struct check *c, int end, bool (*element)(struct check *))
{
	size_t first = c->name_count;
	uint32_t token;

	if (c->depth == DEPTH_MAX)
		return fail(c, "nested too deeply");
	token = note(c, end == '}' ? JSON_IS_OBJECT : JSON_IS_LIST, c->at);
	c->depth++;
	c->at++;
	skip_space(c);
	if (peek(c) != end) {
		for (;;) {
			if (!element(c))
				return false;
			skip_space(c);
			if (peek(c) != ',')
				break;
			c->at++;
			skip_space(c);
		}
		if (peek(c) != end)
			return fail(c, end == '}' ? "a comma or } is expected" : "a comma or ] is expected");
	}
	if (!names_differ(c, first))
		return false;
	if (c->arena != NULL)
		c->tokens[token].next = c->token_count;
	c->at++;
	c->depth--;
	return true;
}

static bool
value(struct check *c)
{
	struct name ignored;

	skip_space(c);
	switch (peek(c)) {
	case '{':
		return container(c, '}', object_member);
	case '[':
		return container(c, ']', value);
	case '"':
		return string(c, &ignored);
	case 't':
		return literal(c, JSON_IS_TRUE, "true");
	case 'f':
		return literal(c, JSON_IS_FALSE, "false");
	case 'n':
		return literal(c, JSON_IS_NULL, "null");
	default:
		if (peek(c) == '-' || is_digit(peek(c)))
			return number(c);
		return fail(c, "a value is expected");
	}
}

enum rc
json_parse(struct arena *a, const char *json, size_t length, struct json *ret, struct json_fault *ret_fault)
{
	struct check c;
	bool good;

	/* Not the names: 8 KiB that nobody reads before writing. */
	memset(&c, 0, offsetof(struct check, names));
	c.json = json;
	c.length = length;
	c.arena = a;
	if (length > UINT32_MAX)
		good = fail(&c, "it is too long");
	else
		good = value(&c);
	if (good) {
		skip_space(&c);
		good = c.at == length || fail(&c, "nothing may follow");
	}
	if (good) {
		*ret = (struct json){ .text = json, .tokens = c.tokens };
		return RC_OK;
	}
	*ret_fault = c.fault;
	return RC_INVALID;
}

enum rc
json_check(const char *json, size_t length, struct json_fault *ret_fault)
{
	struct json ignored;

	return json_parse(NULL, json, length, &ignored, ret_fault);
}
