/*
 * gate.c - what a token's text must be before cjose sees it.
 *
 * cjose, as the other libraries, takes unknown crit, duplicate members, padding, stray bits and texts of any length; and
 * it lets the token's own header choose the algorithm.  Here one is allowed.
 */
#include <sodium.h>
#include <string.h>

#include "lib/field/field.h"
#include "lib/token/internal.h"

struct header {
	const char *alg, *typ, *kid;
};

static const char *const algorithms[] = { "ES256", NULL };
static const char *const types[] = { "JWT", NULL };

/* All that a header of ours has.  Any further member (crit, jwk, jku, x5u, x5c …) would be a wish of who wrote it
 * about how we should check it. */
static const struct field header_fields[] = {
	{ "alg", F_ENUM, offsetof(struct header, alg), .use = CREATE | REQUIRED, .choices = algorithms },
	{ "typ", F_ENUM, offsetof(struct header, typ), .use = CREATE, .choices = types },
	{ "kid", F_CODE, offsetof(struct header, kid), .use = CREATE | REQUIRED, .max = KID_MAX },
	FIELD_END,
};

bool
base64url_decode(const char *text, size_t length, unsigned char *ret, size_t size, size_t *ret_length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_'))
			return false;
	}
	return sodium_base642bin(ret, size, text, length, NULL, ret_length, NULL,
		   sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

/* NULL for a text that is no base64url. */
static const char *
decode(struct arena *a, const char *text, size_t length, size_t *ret_length)
{
	size_t size = length / 4 * 3 + 3;
	unsigned char *bytes = arena_alloc(a, size);

	return base64url_decode(text, length, bytes, size, ret_length) ? (const char *)bytes : NULL;
}

const char *
gate_open(struct arena *a, const char *text, size_t length, struct token_parts *ret)
{
	const char *dot, *dot2, *end = text + length, *bytes;
	struct ctx aside = { .arena = a };
	struct header header = { 0 };
	size_t size;

	if (length > TOKEN_MAX)
		return "too long";
	dot = memchr(text, '.', length);
	dot2 = dot == NULL ? NULL : memchr(dot + 1, '.', (size_t)(end - dot) - 1);
	if (dot2 == NULL || memchr(dot2 + 1, '.', (size_t)(end - dot2) - 1) != NULL)
		return "not of three parts";
	bytes = decode(a, dot2 + 1, (size_t)(end - dot2) - 1, &size);
	if (bytes == NULL || size != SIGNATURE)
		return "no ES256 signature";
	bytes = decode(a, text, (size_t)(dot - text), &size);
	if (bytes == NULL || field_read(&aside, header_fields, CREATE, bytes, size, &header) != RC_OK)
		return "a header that is none of ours";
	ret->claims = decode(a, dot + 1, (size_t)(dot2 - dot) - 1, &ret->claims_length);
	if (ret->claims == NULL)
		return "claims that are no base64url";
	ret->kid = header.kid;
	return NULL;
}
