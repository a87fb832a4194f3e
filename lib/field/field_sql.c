/* field_sql.c - members as PostgreSQL's text and back. */
#include <inttypes.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/field/field.h"
#include "lib/field/member.h"

void
field_column(const char *name, char *ret, size_t size)
{
	size_t n = 0;

	if (size == 0)
		return;
	for (; *name != '\0' && n + 1 < size; name++) {
		char c = *name;

		if (c >= 'A' && c <= 'Z') {
			ret[n++] = '_';
			if (n + 1 == size)
				break;
			c = (char)(c - 'A' + 'a');
		}
		ret[n++] = c;
	}
	ret[n] = '\0';
}

bool
number_parse(const char *text, size_t length, int64_t *ret)
{
	bool negative = length > 0 && text[0] == '-';
	size_t i = negative ? 1 : 0;
	int64_t n = 0;

	if (i == length)
		return false;
	for (; i < length; i++) {
		int digit = text[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		/* Counted downwards, since the negative numbers have one more. */
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, n, &n))
		return false;
	*ret = n;
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
bytes_parse(struct arena *a, const char *text, size_t length, struct field_bytes *ret)
{
	unsigned char *bytes;
	size_t size;

	if (length < 2 || length % 2 != 0 || text[0] != '\\' || text[1] != 'x')
		return false;
	size = length / 2 - 1;
	bytes = arena_alloc(a, size);
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 + 2 * i]), low = hex_value(text[3 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	*ret = (struct field_bytes){ .bytes = bytes, .length = size };
	return true;
}

static char *
bytes_format(struct arena *a, const struct field_bytes *b)
{
	char *text = arena_alloc(a, 2 * b->length + 3);

	text[0] = '\\';
	text[1] = 'x';
	hex_write(text + 2, b->bytes, b->length);
	return text;
}

static void
load_null(const struct field *row, void *at)
{
	switch (row->type) {
	case F_INSTANT:
		*(struct instant *)at = (struct instant){ 0 };
		break;
	case F_MONEY:
		*(struct money *)at = (struct money){ 0 };
		break;
	case F_COUNT:
	case F_INT:
		*(int64_t *)at = 0;
		break;
	case F_RATE:
		*(int64_t *)at = -1;
		break;
	case F_BOOL:
		*(bool *)at = false;
		break;
	case F_SWITCH:
		*(enum field_switch *)at = SWITCH_ABSENT;
		break;
	case F_BYTES:
		*(struct field_bytes *)at = (struct field_bytes){ 0 };
		break;
	case F_LIST:
		*(struct field_list *)at = (struct field_list){ 0 };
		break;
	case F_GROUP:
		break;
	default:
		*(const char **)at = NULL;
	}
}

enum rc
field_load(struct arena *a, const struct field *row, const char *sql_text, size_t length, void *into)
{
	if (sql_text != NULL && member_is_text(row))
		sql_text = arena_strndup(a, sql_text, length);
	return field_load_in_place(a, row, sql_text, length, into);
}

enum rc
field_load_in_place(struct arena *a, const struct field *row, const char *sql_text, size_t length, void *into)
{
	void *at = member(row, into);
	int64_t n;

	if (sql_text == NULL) {
		load_null(row, at);
		return RC_OK;
	}
	switch (row->type) {
	case F_INSTANT:
		return instant_parse(sql_text, length, at) ? RC_OK : RC_INTERNAL;
	case F_MONEY:
		if (!number_parse(sql_text, length, &n))
			return RC_INTERNAL;
		*(struct money *)at = (struct money){ .minor = n, .known = true };
		return RC_OK;
	case F_COUNT:
	case F_INT:
		return number_parse(sql_text, length, at) ? RC_OK : RC_INTERNAL;
	case F_RATE:
		if (!number_parse(sql_text, length, &n) || n < 0)
			return RC_INTERNAL;
		*(int64_t *)at = n;
		return RC_OK;
	case F_BOOL:
		if (length != 1 || (sql_text[0] != 't' && sql_text[0] != 'f'))
			return RC_INTERNAL;
		*(bool *)at = sql_text[0] == 't';
		return RC_OK;
	case F_SWITCH:
		if (length != 1 || (sql_text[0] != 't' && sql_text[0] != 'f'))
			return RC_INTERNAL;
		*(enum field_switch *)at = sql_text[0] == 't' ? SWITCH_ON : SWITCH_OFF;
		return RC_OK;
	case F_BYTES:
		return bytes_parse(a, sql_text, length, at) ? RC_OK : RC_INTERNAL;
	case F_LIST:
	case F_GROUP:
		return RC_INTERNAL; /* no column has one */
	default:
		*(const char **)at = sql_text;
		return RC_OK;
	}
}

static const char *
instant_text(struct arena *a, const struct instant *i)
{
	char text[INSTANT_SIZE];

	if (!i->known)
		return NULL;
	instant_format(i->us, text);
	return arena_strdup(a, text);
}

const char *
field_text(struct arena *a, const struct field *row, const void *from)
{
	const void *at = member_const(row, from);
	const struct money *money = at;
	const struct field_bytes *bytes = at;
	const int64_t *number = at;

	switch (row->type) {
	case F_INSTANT:
		return instant_text(a, at);
	case F_MONEY:
		return money->known ? arena_printf(a, "%" PRId64, money->minor) : NULL;
	case F_COUNT:
		return *number != 0 ? arena_printf(a, "%" PRId64, *number) : NULL;
	case F_INT:
		return arena_printf(a, "%" PRId64, *number);
	case F_RATE:
		return *number >= 0 ? arena_printf(a, "%" PRId64, *number) : NULL;
	case F_BOOL:
		return *(const bool *)at ? "t" : "f";
	case F_SWITCH:
		if (*(const enum field_switch *)at == SWITCH_ABSENT)
			return NULL;
		return *(const enum field_switch *)at == SWITCH_ON ? "t" : "f";
	case F_BYTES:
		return bytes->bytes != NULL ? bytes_format(a, bytes) : NULL;
	case F_LIST:
	case F_GROUP:
		return NULL;
	default:
		return *(const char *const *)at;
	}
}
