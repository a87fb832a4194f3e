#include "lib/base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS (0x80 * EACH_BYTE)

/* Not 0 where one of eight bytes is below `limit`, which is at most 0x80: the lowest such byte's high bit is set. */
static uint64_t
any_below(uint64_t bytes, unsigned limit)
{
	return (bytes - limit * EACH_BYTE) & ~bytes & HIGH_BITS;
}

/* Whether a JSON string has all of eight bytes as they are. */
static bool
eight_plain(const char *s)
{
	uint64_t bytes;

	memcpy(&bytes, s, sizeof(bytes));
	return (any_below(bytes, ' ') | any_below(bytes ^ ('"' * EACH_BYTE), 1) | any_below(bytes ^ ('\\' * EACH_BYTE), 1)) == 0;
}

/* Whether all of eight bytes are ASCII, and none is NUL. */
static bool
eight_ascii(const char *s)
{
	uint64_t bytes;

	memcpy(&bytes, s, sizeof(bytes));
	return (any_below(bytes, 1) | (bytes & HIGH_BITS)) == 0;
}

size_t
text_plain(const char *s, size_t length)
{
	size_t n = 0;

	while (length - n >= 8 && eight_ascii(s + n) && eight_plain(s + n))
		n += 8;
	while (n < length && s[n] >= ' ' && (s[n] & 0x80) == 0 && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

/* The first byte of a sequence says how long it is and which second bytes keep it well-formed (RFC 3629, section 4);
 * 0: no sequence begins so. */
static size_t
utf8_sequence(unsigned char first, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*ret_low = 0xa0; /* no overlong form */
		if (first == 0xed)
			*ret_high = 0x9f; /* no surrogate */
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*ret_low = 0x90;
		if (first == 0xf4)
			*ret_high = 0x8f; /* nothing above U+10FFFF */
		return 4;
	}
	return 0;
}

bool
utf8_valid(const char *s, size_t length)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low, high;
	size_t n;

	for (size_t i = 0; i < length; i += n) {
		for (; length - i >= 8 && eight_ascii(s + i); i += 8)
			;
		if (i == length)
			break;
		n = utf8_sequence(p[i], &low, &high);
		if (n == 0 || n > length - i || p[i] == '\0')
			return false;
		if (n > 1 && (p[i + 1] < low || p[i + 1] > high))
			return false;
		for (size_t k = 2; k < n; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

size_t
utf8_length(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		if (((unsigned char)*s & 0xc0) != 0x80)
			n++;
	return n;
}

/* Bytes of the white space character (Unicode's property White_Space) at s, or 0 for any other. */
static size_t
space_length(const char *s)
{
	static const char *const spaces[] = {
		"\xc2\x85",						/* next line */
		"\xc2\xa0",						/* no-break space */
		"\xe1\x9a\x80",						/* ogham space mark */
		"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", /* U+2000 to U+200A */
		"\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a",
		"\xe2\x80\xa8", "\xe2\x80\xa9",				/* line and paragraph separator */
		"\xe2\x80\xaf",						/* narrow no-break space */
		"\xe2\x81\x9f",						/* medium mathematical space */
		"\xe3\x80\x80",						/* ideographic space */
	};

	if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		return 1;
	if ((unsigned char)*s < 0x80)
		return 0;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++)
		if (strncmp(s, spaces[i], strlen(spaces[i])) == 0)
			return strlen(spaces[i]);
	return 0;
}

bool
text_blank(const char *s)
{
	size_t n;

	while ((n = space_length(s)) > 0)
		s += n;
	return *s == '\0';
}

const char *
program_short_name(const char *program, size_t *ret_length)
{
	static const char prefix[] = "medicore-";
	size_t n = sizeof(prefix) - 1;

	if (strncmp(program, prefix, n) == 0)
		program += n;
	*ret_length = strcspn(program, ".");
	return program;
}

void
buf_grow(struct buf *b, size_t more)
{
	size_t need, capacity;
	char *bytes;

	if (__builtin_add_overflow(b->length, more, &need) || need > SIZE_MAX / 2 - 1)
		abort(); /* no request is let in that could ask for this */
	capacity = need < 128 ? 256 : 2 * (need + 1);
	bytes = arena_alloc(b->arena, capacity);
	if (b->length > 0)
		memcpy(bytes, b->bytes, b->length);
	b->bytes = bytes;
	b->capacity = capacity;
}

void
buf_add_number(struct buf *b, int64_t n)
{
	char digits[DECIMAL_SIZE];

	buf_add(b, digits, (size_t)(decimal_write(digits, n) - digits));
}

/* Written at once where there is room for it, else again once there is. */
void
buf_addf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->capacity - b->length;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(room > 0 ? b->bytes + b->length : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort(); /* no format of ours fails */
	if ((size_t)n >= room) {
		buf_grow(b, (size_t)n);
		vsnprintf(b->bytes + b->length, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->length += (size_t)n;
}

/* How many bytes of a text, from its beginning on, a JSON string has as they are.  Nearly always that is all, so eight are looked at together,
 * the last ones beside some that were looked at before. */
static size_t
plain_in_json(const char *s, size_t length)
{
	size_t n = 0;

	while (length - n >= 8 && eight_plain(s + n))
		n += 8;
	if (length >= 8 && length - n < 8 && eight_plain(s + length - 8))
		return length;
	while (n < length && (unsigned char)s[n] >= ' ' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void
add_escape(struct buf *b, char c)
{
	static const char names[] = "\b\f\n\r\t", letters[] = "bfnrt";
	const char *name;

	if (c == '"' || c == '\\') {
		buf_add_char(b, '\\');
		buf_add_char(b, c);
	} else if ((name = strchr(names, c)) != NULL) {
		buf_add_char(b, '\\');
		buf_add_char(b, letters[name - names]);
	} else {
		buf_addf(b, "\\u%04x", (unsigned)c);
	}
}

void
buf_add_json(struct buf *b, const char *s)
{
	size_t left = strlen(s), n;

	buf_add_char(b, '"');
	for (;;) {
		n = plain_in_json(s, left);
		buf_add(b, s, n);
		if (n == left)
			break;
		add_escape(b, s[n]);
		s += n + 1;
		left -= n + 1;
	}
	buf_add_char(b, '"');
}
