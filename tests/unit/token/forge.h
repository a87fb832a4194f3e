/* forge.h - tokens of any header and any claims, signed as a test wants them. */
#ifndef UNIT_TOKEN_FORGE_H
#define UNIT_TOKEN_FORGE_H

#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/token/token.h"

/* A key pair that is not made by the code under test. */
struct forger;

struct forger *forger_new(void);
void forger_free(struct forger *f);

/* Its JWK: public, with private also d. */
const char *forger_jwk(struct arena *a, const struct forger *f, const char *kid, bool private);
const char *forger_pem(struct arena *a, const struct forger *f); /* of the public half */
const void *forger_point(
    struct arena *a, const struct forger *f, size_t *ret_length); /* uncompressed, 65 bytes */

/* A set of that public key alone. */
struct token_keys *forger_keys(struct arena *a, const struct forger *f, const char *kid);

const char *base64url(struct arena *a, const void *bytes, size_t length);

/* header and claims as they stand, signed by ES256 or HS256. */
const char *forge(struct arena *a, const struct forger *f, const char *header, const char *claims);
const char *forge_hs256(
    struct arena *a, const void *key, size_t length, const char *header, const char *claims);

#endif
