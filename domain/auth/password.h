/* password.h - what may be a password, and its argon2id; for this domain's files alone. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"

/* RC_INVALID, blaming member, for one that is too short, too long or among the commonest. */
enum rc password_check(struct ctx *cx, const char *member, const char *password);

/* As libsodium writes it, with its parameters, in the arena. */
enum rc password_hash(struct ctx *cx, const char *password, const char **ret_hash);

/* All of them, as many at once as [auth] hashes_at_once says; for programs that do nothing else meanwhile. */
enum rc password_hash_all(struct ctx *cx, const char *const *passwords, size_t count, const char **ret_hashes);

/*
 * hash is argon2id or bcrypt; NULL: nobody's, which is never good.  Whatever isn't good takes the same time: where any account has a bcrypt
 * hash, which takes longer or shorter, dearest_bcrypt is the highest cost of one (0: none has), and each costs as much as both kinds do.
 * *ret_outdated: it was made otherwise than is configured now.
 */
enum rc password_verify(struct ctx *cx, const char *hash, int dearest_bcrypt, const char *password, bool *ret_good,
    bool *ret_outdated);

#endif
