#include "lib/base/uuid.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"

void
uuid_new(char ret_id[UUID_SIZE])
{
	uint64_t ms = (uint64_t)clock_now_us() / 1000;
	unsigned char b[16];
	char *out = ret_id;

	random_bytes(b, sizeof(b));
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f)); /* version */
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f)); /* variant */
	out = hex_write(out, b, 4);
	for (int i = 4; i < 10; i += 2) {
		*out++ = '-';
		out = hex_write(out, b + i, 2);
	}
	*out++ = '-';
	hex_write(out, b + 10, 6);
}

/* Hexadecimal digits, in lower case; 0 for any other character. */
static const char digit[256] = {
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f',
};

/* The digits from..to of text; whether they are. */
static bool
take_digits(const char *text, size_t from, size_t to, char *id)
{
	for (size_t i = from; i < to; i++) {
		id[i] = digit[(unsigned char)text[i]];
		if (id[i] == '\0')
			return false;
	}
	return true;
}

bool
uuid_parse(const char *text, size_t length, char ret_id[UUID_SIZE])
{
	char id[UUID_SIZE];

	if (length != UUID_SIZE - 1)
		return false;
	if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
		return false;
	id[8] = id[13] = id[18] = id[23] = '-';
	id[length] = '\0';
	if (!take_digits(text, 0, 8, id) || !take_digits(text, 9, 13, id) || !take_digits(text, 14, 18, id) ||
	    !take_digits(text, 19, 23, id) || !take_digits(text, 24, 36, id))
		return false;
	memcpy(ret_id, id, sizeof(id));
	return true;
}

bool
uuid_parse_padded(const char *text, char ret_id[UUID_SIZE])
{
	size_t length;

	if (text == NULL)
		return false;
	while (*text != '\0' && (unsigned char)*text <= ' ')
		text++;
	length = strlen(text);
	while (length > 0 && (unsigned char)text[length - 1] <= ' ')
		length--;
	return uuid_parse(text, length, ret_id);
}
