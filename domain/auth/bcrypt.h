/* bcrypt.h - passwords as the system replaced hashed them: verified until their owner's next login, never made; for this domain's files alone. */
#ifndef AUTH_BCRYPT_H
#define AUTH_BCRYPT_H

#include <stdbool.h>

#define BCRYPT_COST_MIN 4
/* About a second.  Each more takes twice as long, and a login of 31 would take a day (also checked by db/auth/0004_foreign_passwords.sql). */
#define BCRYPT_COST_MAX 14

/* The cost of a whole hash by bcrypt: "$2a$10$", "$2b$", "$2y$", and 53 characters of salt and hash.  0: it is none, or none of such a cost. */
int bcrypt_cost(const char *hash);

/* hash is one.  False: no memory. */
bool bcrypt_verify(const char *hash, const char *password, bool *ret_good);

/* Takes as long as a verification of that cost.  False: no memory. */
bool bcrypt_spend(int cost);

#endif
