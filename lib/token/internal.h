/* internal.h - what the files of lib/token share. */
#ifndef TOKEN_INTERNAL_H
#define TOKEN_INTERNAL_H

#include <stdatomic.h>

#include <cjose/jwk.h>

#include "lib/token/token.h"

#define KID_MAX 64    /* of [A-Za-z0-9._-] */
#define ROLE_MAX 32   /* likewise */
#define KEYS_MAX 64   /* in one set */
#define COORDINATE 32 /* bytes of x, y and d on P-256 */
#define COORDINATE_TEXT 43
#define SIGNATURE 64 /* RFC 7518, section 3.4 */

/* How long a new key is only published before it signs: others ask for keys they don't know at most every 10 s. */
#define KEY_LEARNT_S 15

struct token_key {
	char kid[KID_MAX + 1];
	char x[COORDINATE_TEXT + 1], y[COORDINATE_TEXT + 1]; /* as a JWK has them */
	cjose_jwk_t *public;
	cjose_jwk_t *private; /* NULL: not ours to know */
	int64_t made_s;       /* seconds since 1970; of private ones */
};

struct token_keys {
	atomic_int refs;
	size_t count;
	struct token_key keys[];
};

/* --- keys.c --- */

struct token_keys *keys_new(size_t count);
const struct token_key *keys_find(const struct token_keys *keys, const char *kid); /* NULL: none */

bool keys_same(const struct token_keys *a, const struct token_keys *b);

/* The key that signs at now_s; NULL: none. */
const struct token_key *keys_signer(const struct token_keys *keys, int64_t now_s);

/* Reads one JWK, EC on P-256 and for signatures, in canonical form; with private its d too, and that the halves belong
 * together.  NULL, or why not, a constant; then *ret holds nothing. */
struct json_object;
const char *key_read(struct json_object *jwk, bool private, struct token_key *ret);
void key_release(struct token_key *key);

/* JSON that has passed the gate of lib/field; NULL, with *ret_why, for any other. */
struct json_object *json_read(const char *json, size_t length, const char **ret_why);

/* --- gate.c --- */

/* The bytes of base64url without padding (RFC 7515, section 2), of which each has one text only; false for any other text, or
 * for more than size.  libsodium 1.0.18 refuses padding and stray bits at the end, but takes bytes from 0x80 on for
 * letters where char is signed: they are looked at first. */
bool base64url_decode(const char *text, size_t length, unsigned char *ret, size_t size, size_t *ret_length);

/* What may be believed of a token before its signature was checked: how it is built. */
struct token_parts {
	const char *kid;
	const char *claims; /* the bytes of the second part */
	size_t claims_length;
};

/* All that is checked before the library sees the text, see token_verify.  NULL, or why not, a constant. */
const char *gate_open(struct arena *a, const char *text, size_t length, struct token_parts *ret);

/* --- token.c --- */

/* token_verify at a given time. */
enum rc token_verify_at(struct ctx *cx, const struct token_keys *keys, const char *text, size_t length,
    enum token_use use, int64_t now_s, struct token *ret, bool *ret_unknown_key);

#endif
