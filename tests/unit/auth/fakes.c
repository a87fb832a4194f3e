#include "tests/unit/auth/fakes.h"

#include <string.h>

#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "tests/lib/run_suites.h"

struct fakes fakes;
struct ctx cx;

/* --- transactions --- */

enum rc
pg_begin(struct ctx *c)
{
	(void)c;
	fakes.transaction = RC_COUNT;
	return RC_OK;
}

enum rc
pg_end(struct ctx *c, enum rc rc)
{
	(void)c;
	ck_assert_int_eq(fakes.transaction, RC_COUNT); /* it had begun */
	fakes.transaction = rc;
	return rc;
}

/* --- accounts --- */

enum rc
account_store_insert(struct ctx *c, const struct account *a, const char *password, struct account *ret_saved)
{
	(void)c;
	fakes.hash = password;
	*ret_saved = *a;
	return RC_OK;
}

enum rc
account_store_find(struct ctx *c, const struct account *whom, struct account *ret_account)
{
	(void)c;
	(void)whom;
	*ret_account = fakes.stored;
	return fakes.rc.find;
}

enum rc
account_store_list(
    struct ctx *c, const char *after, int64_t limit, struct account **ret_accounts, size_t *ret_count)
{
	(void)after;
	*ret_count = (size_t)limit;
	*ret_accounts = arena_zalloc_n(c->arena, *ret_count, sizeof(**ret_accounts));
	return RC_OK;
}

enum rc
account_store_credential(struct ctx *c, const struct account *whom, struct credential *ret_credential)
{
	(void)c;
	(void)whom;
	if (fakes.rc.credential == RC_OK)
		*ret_credential = (struct credential){ .id = ADA,
			.email = fakes.stored.email,
			.password = fakes.hash,
			.password_version = 7,
			.enabled = fakes.stored.enabled,
			.dearest_bcrypt = fakes.dearest_bcrypt };
	return fakes.rc.credential;
}

enum rc
account_store_lock(struct ctx *c, const char *id, struct account *ret_account)
{
	(void)c;
	(void)id;
	*ret_account = fakes.stored;
	return fakes.rc.lock;
}

enum rc
account_store_lock_admins(struct ctx *c)
{
	(void)c;
	fakes.admins_locked++;
	return RC_OK;
}

enum rc
account_store_enabled_admins(struct ctx *c, int64_t *ret_count)
{
	(void)c;
	*ret_count = fakes.admins;
	return RC_OK;
}

enum rc
account_store_update(struct ctx *c, const struct account *a, struct account *ret_saved)
{
	(void)c;
	fakes.updates++;
	fakes.update = *a;
	*ret_saved = fakes.stored;
	if (a->role != NULL)
		ret_saved->role = a->role;
	if (a->enabled != SWITCH_ABSENT)
		ret_saved->enabled = a->enabled;
	return fakes.rc.update;
}

enum rc
account_store_set_password(struct ctx *c, const char *id, int64_t password_version, const char *password)
{
	(void)c;
	(void)id;
	fakes.password_version = password_version;
	if (fakes.rc.set_password == RC_OK)
		fakes.hash = password;
	return fakes.rc.set_password;
}

enum rc
account_store_rehash(struct ctx *c, const struct credential *before, const char *password)
{
	(void)c;
	(void)before;
	fakes.rehashes++;
	fakes.hash = password;
	return RC_OK;
}

enum rc
account_store_begin_login(struct ctx *c, const struct credential *by, struct account *ret_account)
{
	(void)c;
	fakes.password_version = by->password_version;
	*ret_account = fakes.stored;
	return fakes.rc.begin_login;
}

/* --- sessions --- */

enum rc
session_store_insert(struct ctx *c, const struct session *s)
{
	(void)c;
	fakes.inserted = *s;
	return fakes.rc.insert_session;
}

enum rc
session_store_find(struct ctx *c, const char *id, const char *account_id, struct session *ret_session)
{
	(void)c;
	ck_assert_str_eq(id, SESSION);
	ck_assert_str_eq(account_id, ADA);
	*ret_session = fakes.session;
	return fakes.rc.find;
}

enum rc
session_store_rotate(struct ctx *c, const struct session *s)
{
	(void)c;
	fakes.rotated = *s;
	return fakes.rc.rotate;
}

enum rc
session_store_end(struct ctx *c, const char *id)
{
	(void)c;
	ck_assert_str_eq(id, SESSION);
	fakes.ended++;
	return fakes.rc.end;
}

enum rc
session_store_end_all(struct ctx *c, const char *account_id)
{
	(void)c;
	ck_assert_str_eq(account_id, ADA);
	fakes.ended_all++;
	return fakes.rc.end;
}

enum rc
session_store_end_everybodys(struct ctx *c, int64_t *ret_ended)
{
	(void)c;
	*ret_ended = 0;
	return RC_OK;
}

enum rc
session_store_ended(
    struct ctx *c, int64_t after, int64_t limit, struct ended_session **ret_sessions, size_t *ret_count)
{
	(void)c;
	(void)after;
	(void)limit;
	*ret_sessions = NULL;
	*ret_count = 0;
	return RC_OK;
}

enum rc
session_store_next_ended(struct ctx *c, int64_t after, int64_t *ret_next)
{
	(void)c;
	*ret_next = after;
	return RC_OK;
}

/* --- failures --- */

enum rc
attempt_store_wait(struct ctx *c, const struct attempt *a, int64_t *ret_wait_s)
{
	(void)c;
	fakes.waits++;
	fakes.attempt = *a;
	*ret_wait_s = fakes.wait_s;
	return fakes.rc.wait;
}

enum rc
attempt_store_failed(struct ctx *c, const struct attempt *a, bool *ret_held)
{
	(void)c;
	fakes.failures++;
	fakes.attempt = *a;
	*ret_held = fakes.held;
	return fakes.rc.failed;
}

enum rc
attempt_store_succeeded(struct ctx *c, const struct attempt *a)
{
	(void)c;
	(void)a;
	fakes.successes++;
	/* Others that were wrong have come to the limit meanwhile. */
	return fakes.rc.succeeded;
}

enum rc
auth_store_purge(struct ctx *c)
{
	(void)c;
	return RC_OK;
}

/* --- tokens --- */

static enum rc
sign(struct ctx *c, bool refresh, const struct claims *claims, const char **ret_token)
{
	(void)c;
	fakes.signed_claims[fakes.signed_count] = *claims;
	fakes.signed_refresh[fakes.signed_count++] = refresh;
	*ret_token = refresh ? "a new refresh token" : "a new access token";
	return fakes.rc.sign;
}

static enum rc
verify(struct ctx *c, bool refresh, const char *token, struct claims *ret_claims)
{
	(void)c;
	if (strcmp(token, refresh ? "refresh" : "access") != 0)
		return RC_UNAUTHENTICATED;
	*ret_claims = fakes.claims;
	return fakes.rc.verify;
}

const struct auth_ports fake_ports = { sign, verify };

/* --- before and after --- */

void
fakes_setup(void)
{
	ck_assert(config_load("/dev/null"));
	memset(&fakes, 0, sizeof(fakes));
	ctx_init(&cx, arena_new(), NULL);
	cx.account = cx.role = cx.session = "";
	cx.address = "192.0.2.1";
	fakes.stored = (struct account){ .id = ADA, .email = "ada@example.org", .name = "Ada", .role = "STAFF",
		.enabled = SWITCH_ON, .version = 3 };
	fakes.session = (struct session){ .id = SESSION, .account_id = ADA, .role = "STAFF" };
	fakes.claims = (struct claims){ .account = ADA, .session = SESSION, .role = "STAFF" };
	fakes.admins = 1;
}

void
fakes_teardown(void)
{
	arena_free(cx.arena);
}

int
main(void)
{
	return run_suites((Suite *[]){ account_suite(), bcrypt_suite(), login_suite(), password_suite(), take_over_suite(), NULL });
}
