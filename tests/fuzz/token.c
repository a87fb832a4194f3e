/*
 * token.c - the gate of tokens, what stands behind it, and sets of keys.  The first letter says what the rest is: t a
 * token's text, h a header, c claims that are signed, k a set of keys.  What is taken must be what jansson reads in it.
 */
#include <cjose/cjose.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/token/internal.h"

#define NOW INT64_C(1800000000)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;
static struct token_keys *keys;
static cjose_header_t *header;

static void
must(bool holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	must(config_load("/dev/null"));
	arena = arena_new();
	keys = keys_new(1);
	keys->count = 1;
	memcpy(keys->keys[0].kid, "k1", 3);
	keys->keys[0].private = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
	keys->keys[0].public = cjose_jwk_retain(keys->keys[0].private, NULL);
	header = cjose_header_new(NULL);
	must(cjose_header_set(header, "alg", "ES256", NULL) && cjose_header_set(header, "kid", "k1", NULL));
	return 0;
}

static bool
says(const json_t *object, const char *name, const char *due)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && strcmp(text, due) == 0;
}

/* Written again, the parts are the same text. */
static void
try_text(struct ctx *cx, const char *text, size_t length)
{
	struct token_parts parts;
	struct token token;
	const char *dot;
	size_t size;
	char *again;

	must(token_verify_at(cx, keys, text, length, TOKEN_ACCESS, NOW, &token, NULL) != RC_OK);
	if (gate_open(cx->arena, text, length, &parts) != NULL)
		return;
	dot = memchr(text, '.', length);
	size = sodium_base64_encoded_len(parts.claims_length, BASE64);
	again = arena_alloc(cx->arena, size);
	sodium_bin2base64(again, size, (const unsigned char *)parts.claims, parts.claims_length, BASE64);
	must(memcmp(dot + 1, again, size - 1) == 0 && dot[size] == '.');
}

static void
try_header(struct ctx *cx, const char *text, size_t length)
{
	size_t size = sodium_base64_encoded_len(length, BASE64);
	char *encoded = arena_alloc(cx->arena, size + 100), zeros[64] = { 0 };
	struct token_parts parts;
	json_t *theirs;

	sodium_bin2base64(encoded, size, (const unsigned char *)text, length, BASE64);
	memcpy(encoded + size - 1, ".e30.", 5);
	sodium_bin2base64(encoded + size + 4, 90, (unsigned char *)zeros, sizeof(zeros), BASE64);
	if (gate_open(cx->arena, encoded, strlen(encoded), &parts) != NULL)
		return;
	theirs = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	must(says(theirs, "alg", "ES256") && says(theirs, "kid", parts.kid));
	must(json_object_size(theirs) == 2 || json_object_get(theirs, "typ") != NULL);
	must(json_object_size(theirs) <= 3);
	json_decref(theirs);
}

static void
try_claims(struct ctx *cx, const char *text, size_t length)
{
	cjose_jws_t *jws = cjose_jws_sign(keys->keys[0].private, header, (const uint8_t *)text, length, NULL);
	struct token token;
	const char *signed_text;
	json_t *theirs;

	if (jws == NULL)
		return;
	must(cjose_jws_export(jws, &signed_text, NULL));
	if (token_verify_at(cx, keys, signed_text, strlen(signed_text), TOKEN_ACCESS, NOW, &token, NULL) ==
	    RC_OK) {
		theirs = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
		must(says(theirs, "iss", "medicore") && says(theirs, "aud", "medicore") &&
		     says(theirs, "use", "access"));
		must(says(theirs, "role", token.role) && json_object_get(theirs, "sub") != NULL);
		must(json_integer_value(json_object_get(theirs, "exp")) == token.expires_s &&
		     token.expires_s > NOW - 30);
		must(json_object_size(theirs) <= 10);
		json_decref(theirs);
	}
	cjose_jws_release(jws);
}

static void
try_keys(struct ctx *cx, const char *text, size_t length)
{
	const char *why = NULL;
	struct token_keys *set = token_keys_parse(text, length, &why), *again;
	struct buf b = { .arena = cx->arena };

	must((set == NULL) == (why != NULL));
	if (set == NULL)
		return;
	token_keys_write(&b, set);
	again = token_keys_parse(b.bytes, b.length, &why);
	must(again != NULL && again->count == set->count && strcmp(again->keys[0].x, set->keys[0].x) == 0);
	token_keys_unref(again);
	token_keys_unref(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ctx cx;

	if (size == 0)
		return 0;
	ctx_init(&cx, arena, NULL);
	switch (data[0]) {
	case 'h':
		try_header(&cx, (const char *)data + 1, size - 1);
		break;
	case 'c':
		try_claims(&cx, (const char *)data + 1, size - 1);
		break;
	case 'k':
		try_keys(&cx, (const char *)data + 1, size - 1);
		break;
	default:
		try_text(&cx, (const char *)data + 1, size - 1);
	}
	arena_reset(arena);
	return 0;
}
