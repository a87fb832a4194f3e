/* keys.c - sets of keys, and JSON Web Keys (RFC 7517) in and out. */
#include <json-c/json.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include <cjose/header.h>
#include <cjose/jws.h>

#include "lib/field/json_check.h"
#include "lib/token/internal.h"

struct token_keys *
keys_new(size_t count)
{
	struct token_keys *keys = calloc(1, sizeof(*keys) + count * sizeof(keys->keys[0]));

	if (keys == NULL)
		abort(); /* as an arena does */
	atomic_init(&keys->refs, 1);
	return keys;
}

struct token_keys *
token_keys_ref(struct token_keys *keys)
{
	atomic_fetch_add(&keys->refs, 1);
	return keys;
}

void
key_release(struct token_key *key)
{
	cjose_jwk_release(key->public);
	cjose_jwk_release(key->private);
	*key = (struct token_key){ 0 };
}

void
token_keys_unref(struct token_keys *keys)
{
	if (keys == NULL || atomic_fetch_sub(&keys->refs, 1) > 1)
		return;
	for (size_t i = 0; i < keys->count; i++)
		key_release(&keys->keys[i]);
	free(keys);
}

const struct token_key *
keys_find(const struct token_keys *keys, const char *kid)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->keys[i].kid, kid) == 0)
			return &keys->keys[i];
	return NULL;
}

bool
keys_same(const struct token_keys *a, const struct token_keys *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->keys[i].kid, b->keys[i].kid) != 0 || strcmp(a->keys[i].x, b->keys[i].x) != 0 ||
		    strcmp(a->keys[i].y, b->keys[i].y) != 0)
			return false;
	return true;
}

const struct token_key *
keys_signer(const struct token_keys *keys, int64_t now_s)
{
	const struct token_key *newest = NULL, *oldest = NULL;

	for (size_t i = 0; i < keys->count; i++) {
		const struct token_key *key = &keys->keys[i];

		if (key->private == NULL)
			continue;
		if (oldest == NULL || key->made_s < oldest->made_s)
			oldest = key;
		if (key->made_s + KEY_LEARNT_S <= now_s && (newest == NULL || key->made_s >= newest->made_s))
			newest = key;
	}
	return newest != NULL ? newest : oldest;
}

struct json_object *
json_read(const char *json, size_t length, const char **ret_why)
{
	struct json_tokener *tokener;
	struct json_object *object = NULL;
	struct json_fault fault;

	if (json_check(json, length, &fault) != RC_OK || length > INT32_MAX) {
		*ret_why = "it is no JSON";
		return NULL;
	}
	tokener = json_tokener_new_ex(64); /* the gate counts levels */
	if (tokener != NULL)
		object = json_tokener_parse_ex(tokener, json, (int)length);
	json_tokener_free(tokener);
	if (!json_object_is_type(object, json_type_object)) {
		*ret_why = "it is no JSON object";
		json_object_put(object);
		return NULL;
	}
	return object;
}

/* "" where there is none. */
static const char *
text_of(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* What a member says, if it is there. */
static bool
says(struct json_object *object, const char *name, const char *due)
{
	return !json_object_object_get_ex(object, name, NULL) || strcmp(text_of(object, name), due) == 0;
}

static bool
coordinate(const char *text, unsigned char ret[COORDINATE])
{
	size_t length;

	return strlen(text) == COORDINATE_TEXT &&
	       base64url_decode(text, COORDINATE_TEXT, ret, COORDINATE, &length) && length == COORDINATE;
}

/* That what the private half signs is what the public half takes. */
static bool
halves_match(const struct token_key *key)
{
	cjose_header_t *header = cjose_header_new(NULL);
	cjose_jws_t *jws = NULL;
	bool match;

	match = header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, NULL) &&
		(jws = cjose_jws_sign(key->private, header, (const uint8_t *)"probe", 5, NULL)) != NULL &&
		cjose_jws_verify(jws, key->public, NULL);
	cjose_jws_release(jws);
	cjose_header_release(header);
	return match;
}

static const char *
halves_make(struct json_object *jwk, bool private, struct token_key *key)
{
	unsigned char x[COORDINATE], y[COORDINATE], d[COORDINATE];
	cjose_jwk_ec_keyspec spec = {
		.crv = CJOSE_JWK_EC_P_256, .x = x, .xlen = COORDINATE, .y = y, .ylen = COORDINATE
	};

	if (!coordinate(key->x, x) || !coordinate(key->y, y))
		return "a key whose coordinates are none";
	key->public = cjose_jwk_create_EC_spec(&spec, NULL);
	if (key->public == NULL)
		return "a key that is no point of the curve";
	if (!private)
		return NULL;
	if (!coordinate(text_of(jwk, "d"), d))
		return "a key without a private half";
	spec.d = d;
	spec.dlen = COORDINATE;
	key->private = cjose_jwk_create_EC_spec(&spec, NULL);
	sodium_memzero(d, sizeof(d));
	return key->private != NULL && halves_match(key) ? NULL : "a key whose halves don't belong together";
}

const char *
key_read(struct json_object *jwk, bool private, struct token_key *ret)
{
	const char *kid = text_of(jwk, "kid"), *why;
	struct token_key key = { 0 };
	size_t length = strspn(kid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	if (strcmp(text_of(jwk, "kty"), "EC") != 0 || strcmp(text_of(jwk, "crv"), "P-256") != 0 ||
	    !says(jwk, "use", "sig") || !says(jwk, "alg", "ES256"))
		return "a key that is not for ES256";
	if (length == 0 || length > KID_MAX || kid[length] != '\0')
		return "a key without a name of letters, digits, . _ -";
	if (strlen(text_of(jwk, "x")) != COORDINATE_TEXT || strlen(text_of(jwk, "y")) != COORDINATE_TEXT)
		return "a key whose coordinates are none";
	memcpy(key.kid, kid, length + 1);
	memcpy(key.x, text_of(jwk, "x"), sizeof(key.x));
	memcpy(key.y, text_of(jwk, "y"), sizeof(key.y));
	why = halves_make(jwk, private, &key);
	if (why != NULL)
		key_release(&key);
	else
		*ret = key;
	return why;
}

static bool
keys_add_all(struct token_keys *keys, struct json_object *array)
{
	struct token_key key;

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *jwk = json_object_array_get_idx(array, i);

		/* "Implementations SHOULD ignore JWKs within a JWK Set that use 'kty' values that are not
		 * understood" (section 5). */
		if (!json_object_is_type(jwk, json_type_object) || key_read(jwk, false, &key) != NULL)
			continue;
		if (keys_find(keys, key.kid) != NULL) {
			key_release(&key);
			return false;
		}
		keys->keys[keys->count++] = key;
	}
	return true;
}

struct token_keys *
token_keys_parse(const char *json, size_t length, const char **ret_why)
{
	struct json_object *object = json_read(json, length, ret_why), *array = NULL;
	struct token_keys *keys = NULL;

	if (object == NULL)
		return NULL;
	json_object_object_get_ex(object, "keys", &array);
	if (!json_object_is_type(array, json_type_array) || json_object_array_length(array) > KEYS_MAX) {
		*ret_why = "it is no set of keys";
	} else {
		keys = keys_new(json_object_array_length(array));
		*ret_why = NULL;
		if (!keys_add_all(keys, array))
			*ret_why = "it has two keys of one name";
		else if (keys->count == 0)
			*ret_why = "it has no key for ES256";
	}
	if (*ret_why != NULL) {
		token_keys_unref(keys);
		keys = NULL;
	}
	json_object_put(object);
	return keys;
}

void
token_keys_write(struct buf *b, const struct token_keys *keys)
{
	buf_add_text(b, "{\"keys\":[");
	for (size_t i = 0; i < keys->count; i++)
		buf_addf(b,
		    "%s{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"%s\","
		    "\"x\":\"%s\",\"y\":\"%s\"}",
		    i > 0 ? "," : "", keys->keys[i].kid, keys->keys[i].x, keys->keys[i].y);
	buf_add_text(b, "]}");
}
