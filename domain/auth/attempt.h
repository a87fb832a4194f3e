/* attempt.h - proving a password, with failures counted; for this domain's rules alone. */
#ifndef AUTH_ATTEMPT_H
#define AUTH_ATTEMPT_H

#include "domain/auth/auth_store.h"

/*
 * Whether password is that of `whom` (by id or e-mail address).  *ret_good is false for a wrong one, nobody's and a disabled
 * account's alike, which take the same time; it has been counted then.  RC_THROTTLED where it has to wait.
 */
enum rc attempt_prove(struct ctx *cx, const struct account *whom, const char *password, bool *ret_good,
    struct credential *ret_credential);

/* In the transaction of what the good password is for: forgets failures.  RC_THROTTLED where others that were under way at the
 * same time have used up the tries meanwhile. */
enum rc attempt_settle(struct ctx *cx, const struct credential *by);

#endif
