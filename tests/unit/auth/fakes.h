/* fakes.h - a store that remembers what it was asked, and tokens that need no key. */
#ifndef UNIT_AUTH_FAKES_H
#define UNIT_AUTH_FAKES_H

#include <check.h>

#include "domain/auth/auth_store.h"

#define ADA "6b29fc40-ca47-4067-b31d-00dd010662da"
#define SESSION "018f4e5c-0000-7000-8000-000000000002"
#define PASSWORD "correct horse battery"

/* What each answers, RC_OK unless a test says otherwise, and what it was told. */
extern struct fakes {
	struct {
		enum rc credential, begin_login, lock, update, set_password, wait, failed, succeeded;
		enum rc find, rotate, insert_session, end, sign, verify;
	} rc;
	/* what there is */
	struct account stored;
	const char *hash; /* of its password */
	int64_t dearest_bcrypt;
	int64_t admins, wait_s;
	bool held;
	struct session session; /* found */
	struct claims claims;	/* of a token that is verified */
	/* what was asked */
	int waits, failures, successes, updates, ended, ended_all, rehashes, admins_locked, signed_count;
	enum rc transaction; /* how the last one ended */
	struct attempt attempt;
	struct account update;
	struct session inserted, rotated;
	struct claims signed_claims[2];
	bool signed_refresh[2];
	int64_t password_version;
} fakes;

extern const struct auth_ports fake_ports;
extern struct ctx cx;

void fakes_setup(void);
void fakes_teardown(void);

Suite *account_suite(void);
Suite *bcrypt_suite(void);
Suite *login_suite(void);
Suite *password_suite(void);
Suite *take_over_suite(void);

#endif
