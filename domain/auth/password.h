/* password.h - what may be a password, and its argon2id; for this domain's files alone. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>

#include "lib/base/ctx.h"

/* RC_INVALID, blaming member, for one that is too short, too long or among the commonest. */
enum rc password_check(struct ctx *cx, const char *member, const char *password);

/* As libsodium writes it, with its parameters, in the arena. */
enum rc password_hash(struct ctx *cx, const char *password, const char **ret_hash);

/* hash NULL: nobody's, which takes the same time and is never good.  *ret_outdated: it was made with other parameters than
 * are configured now. */
enum rc password_verify(
    struct ctx *cx, const char *hash, const char *password, bool *ret_good, bool *ret_outdated);

#endif
