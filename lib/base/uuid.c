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

bool
uuid_parse(const char *text, size_t length, char ret_id[UUID_SIZE])
{
	char id[UUID_SIZE];

	if (length != UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return false;
		} else if (c >= 'A' && c <= 'F') {
			c = (char)(c - 'A' + 'a');
		} else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
		id[i] = c;
	}
	id[length] = '\0';
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
