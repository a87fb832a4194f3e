#include "lib/web/cursor.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/text.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *
cursor_encode(struct arena *a, const char *key)
{
	size_t length = strlen(key);
	char *text = arena_alloc(a, (length + 2) / 3 * 4 + 1), *out = text;
	const unsigned char *in = (const unsigned char *)key;

	for (; length > 0; in += 3) {
		size_t n = length < 3 ? length : 3;
		uint32_t bits = (uint32_t)in[0] << 16;

		if (n > 1)
			bits |= (uint32_t)in[1] << 8;
		if (n > 2)
			bits |= in[2];
		for (size_t i = 0; i <= n; i++)
			*out++ = alphabet[bits >> (18 - 6 * i) & 63];
		length -= n;
	}
	*out = '\0';
	return text;
}

const char *
cursor_decode(struct arena *a, const char *cursor)
{
	size_t length = strlen(cursor), n = 0;
	char *key = arena_alloc(a, length + 1);
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < length; i++) {
		const char *at = strchr(alphabet, cursor[i]);

		if (at == NULL)
			return NULL;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		have += 6;
		if (have >= 8) {
			have -= 8;
			key[n++] = (char)(bits >> have & 0xff);
		}
	}
	key[n] = '\0';
	/* Each key has one text only, and is text itself. */
	if (n == 0 || !utf8_valid(key, n) || strcmp(cursor_encode(a, key), cursor) != 0)
		return NULL;
	return key;
}
