/* json_text.c - what a text in JSON says, escapes and all; it has passed the gate, or is passing it. */
#include "lib/field/json_check.h"

#include <string.h>

int
json_hex4(const char *s, size_t left)
{
	int n = 0;

	if (left < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int ch = s[i], digit;

		if (ch >= '0' && ch <= '9')
			digit = ch - '0';
		else if (ch >= 'a' && ch <= 'f')
			digit = ch - 'a' + 10;
		else if (ch >= 'A' && ch <= 'F')
			digit = ch - 'A' + 10;
		else
			return -1;
		n = n << 4 | digit;
	}
	return n;
}

size_t
json_sequence(int lead)
{
	return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The next code point of a text that the gate let through; -1 at its end. */
static int32_t
next_code_point(const char **s, const char *end)
{
	static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *p = *s, *found;
	size_t size;
	int32_t n;

	if (p == end)
		return -1;
	if (*p != '\\') {
		size = json_sequence((unsigned char)*p);
		n = size == 1 ? *p : (unsigned char)*p & (0x7f >> size);
		for (size_t i = 1; i < size; i++)
			n = n << 6 | ((unsigned char)p[i] & 0x3f);
		*s = p + size;
		return n;
	}
	if (p[1] != 'u') {
		*s = p + 2;
		found = strchr(escapes, p[1]);
		return found != NULL ? meant[found - escapes] : p[1];
	}
	n = json_hex4(p + 2, 4);
	*s = p + 6;
	if (n >= 0xd800 && n <= 0xdfff) {
		n = 0x10000 + ((n - 0xd800) << 10) + (json_hex4(p + 8, 4) - 0xdc00);
		*s = p + 12;
	}
	return n;
}

int
json_text_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const char *a_end = a + a_length, *b_end = b + b_length;
	int32_t x, y;

	do {
		x = next_code_point(&a, a_end);
		y = next_code_point(&b, b_end);
	} while (x == y && x >= 0);
	return (x > y) - (x < y);
}

static char *
put_code_point(char *out, int32_t n)
{
	static const int lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	int more = n < 0x80 ? 0 : n < 0x800 ? 1 : n < 0x10000 ? 2 : 3;

	*out++ = (char)(lead[more] | n >> (6 * more));
	while (more-- > 0)
		*out++ = (char)(0x80 | (n >> (6 * more) & 0x3f));
	return out;
}

char *
json_unescape(struct arena *a, const char *raw, size_t length)
{
	const char *end = raw + length;
	char *text = arena_strndup(a, raw, length), *out = text; /* no escape is shorter than what it means */
	int32_t n;

	if (memchr(raw, '\\', length) == NULL)
		return text;
	while ((n = next_code_point(&raw, end)) >= 0)
		out = put_code_point(out, n);
	*out = '\0';
	return text;
}
