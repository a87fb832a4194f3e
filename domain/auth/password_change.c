/* password_change.c - one's own password, or by an ADMIN another's. */
#include <string.h>

#include "domain/auth/attempt.h"
#include "domain/auth/password.h"
#include "lib/pg/pg.h"

static enum rc
wrong(struct ctx *cx)
{
	return err_field(cx, RC_INVALID, "oldPassword", "The old password is wrong");
}

/* by NULL: no old one was asked for.  It may have been changed since it was proved: then no row is met. */
static enum rc
put(struct ctx *cx, const char *account_id, const struct credential *by, const char *hash)
{
	enum rc rc = account_store_set_password(cx, account_id, by == NULL ? 0 : by->password_version, hash);

	if (rc == RC_NOT_FOUND && by != NULL)
		return wrong(cx);
	if (rc == RC_OK && by != NULL)
		rc = attempt_settle(cx, by);
	return rc == RC_OK ? session_store_end_all(cx, account_id) : rc;
}

static enum rc
replace(struct ctx *cx, const char *account_id, const struct credential *by, const char *password)
{
	const char *hash;
	enum rc rc = password_hash(cx, password, &hash);

	if (rc == RC_OK)
		rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	return pg_end(cx, put(cx, account_id, by, hash));
}

enum rc
password_reset(struct ctx *cx, const char *account_id, const char *password)
{
	enum rc rc = password_check(cx, "newPassword", password);

	return rc == RC_OK ? replace(cx, account_id, NULL, password) : rc;
}

static enum rc
change_own(struct ctx *cx, const struct password_change *asked, const char **ret_account)
{
	struct credential by;
	bool good;
	enum rc rc = RC_OK;

	if (asked->old_password == NULL)
		rc = err_field(cx, RC_INVALID, "oldPassword", "Old password is required");
	if (password_check(cx, "newPassword", asked->new_password) != RC_OK)
		rc = RC_INVALID;
	if (rc == RC_OK)
		rc = attempt_prove(cx, &(struct account){ .id = cx->account }, asked->old_password, &good, &by);
	if (rc == RC_OK && !good)
		rc = wrong(cx);
	if (rc == RC_OK)
		rc = replace(cx, cx->account, &by, asked->new_password);
	if (rc == RC_OK)
		*ret_account = cx->account;
	return rc;
}

enum rc
password_change(struct ctx *cx, const struct password_change *asked, const char **ret_account)
{
	struct account whose = { .id = asked->account_id, .email = asked->email }, found;
	enum rc rc = RC_OK;

	if (whose.id != NULL && whose.email != NULL)
		return err_field(cx, RC_INVALID, "email", "Give accountId or email, not both");
	if (whose.id == NULL && whose.email == NULL)
		return change_own(cx, asked, ret_account);
	rc = account_store_find(cx, &whose, &found);
	if (rc == RC_OK && strcmp(found.id, cx->account) == 0)
		return change_own(cx, asked, ret_account);
	if ((rc == RC_OK || rc == RC_NOT_FOUND) && strcmp(cx->role, "ADMIN") != 0)
		return err_set(cx, RC_FORBIDDEN, "Only an ADMIN may reset another's password");
	if (rc == RC_NOT_FOUND)
		return err_field(cx, rc, whose.id != NULL ? "accountId" : "email", "No account has it");
	if (rc == RC_OK)
		rc = password_reset(cx, found.id, asked->new_password);
	if (rc == RC_OK)
		*ret_account = found.id;
	return rc;
}
