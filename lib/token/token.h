/*
 * token.h - JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518, section 3.4), and the keys they are signed with.
 *
 * Nothing is taken on trust from a token but what the gate (gate.c) let through before the library saw it.
 */
#ifndef TOKEN_TOKEN_H
#define TOKEN_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/text.h"

#define TOKEN_MAX 8192	/* bytes of a token's text */
#define TOKEN_LEEWAY_S 30 /* by which clocks may differ */

enum token_use {
	TOKEN_ACCESS,
	TOKEN_REFRESH,
};

/* The claims of ours.  Ids are UUIDs in lower case. */
struct token {
	enum token_use use;
	const char *id;		/* jti */
	const char *account;	/* sub */
	const char *session;	/* sid: the login that it belongs to */
	const char *role;	/* "ADMIN"; NULL in a refresh token */
	int64_t issued_s;	/* iat, seconds since 1970 */
	int64_t expires_s;	/* exp */
};

/* --- keys: a set of them, constant once made, shared by counting --- */

struct token_keys;

/* The public keys of a JWK Set (RFC 7517, section 5) as auth publishes it.  NULL, with *ret_why, for a text that is
 * none, or has no key of ours (EC, P-256, with a kid). */
struct token_keys *token_keys_parse(const char *json, size_t length, const char **ret_why);

/* All private keys of a directory, files KID.jwk; the newest that is old enough for others to have learnt it signs.
 * NULL, with *ret_why, where one can't be read or there is none. */
struct token_keys *token_keys_read(const char *directory, const char **ret_why);

struct token_keys *token_keys_ref(struct token_keys *keys);
void token_keys_unref(struct token_keys *keys); /* NULL is fine */

/* The public halves as a JWK Set. */
void token_keys_write(struct buf *b, const struct token_keys *keys);

/* Makes a key in directory (mode 0700, the file 0600), and removes those that no token can need any more.
 * *ret_kid is the new one's name, in a. */
bool token_key_make(struct arena *a, const char *directory, const char **ret_kid, const char **ret_why);

/* --- tokens --- */

/* The text of a token, in the arena; keys must be read from a directory. */
enum rc token_sign(struct ctx *cx, const struct token_keys *keys, const struct token *token, const char **ret_text);

/*
 * RC_OK only for a token of ours: at most TOKEN_MAX bytes, canonical base64url without padding, a strict header (alg
 * exactly ES256, a known kid, no crit, jwk, jku, x5u …), a good signature, strict claims (iss, aud, exp, iat, nbf
 * with leeway), of that use.  Else RC_UNAUTHENTICATED, err.detail saying why (nothing of the token's text), and
 * *ret_unknown_key (may be NULL) whether it was only that no key has its kid.  *ret is in the arena.
 */
enum rc token_verify(struct ctx *cx, const struct token_keys *keys, const char *text, size_t length, enum token_use use,
    struct token *ret, bool *ret_unknown_key);

#endif
