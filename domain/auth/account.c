/* account.c - accounts: rules. */
#include <string.h>

#include "domain/auth/auth_store.h"
#include "domain/auth/password.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

static enum rc
not_found(struct ctx *cx, enum rc rc, const char *what, const char *which)
{
	return rc == RC_NOT_FOUND ? err_set(cx, rc, "Account with the %s %s doesn't exist", what, which) : rc;
}

enum rc
account_register(struct ctx *cx, const struct registration *asked, struct account *ret_saved)
{
	struct account a = { .email = asked->email, .name = asked->name, .role = asked->role };
	const char *hash;
	char id[UUID_SIZE];
	enum rc rc;

	rc = password_check(cx, "password", asked->password);
	if (rc == RC_OK)
		rc = password_hash(cx, asked->password, &hash);
	if (rc != RC_OK)
		return rc;
	uuid_new(id);
	a.id = id;
	return account_store_insert(cx, &a, hash, ret_saved);
}

enum rc
account_find(struct ctx *cx, const char *id, struct account *ret_account)
{
	return not_found(cx, account_store_find(cx, &(struct account){ .id = id }, ret_account), "id", id);
}

enum rc
account_find_email(struct ctx *cx, const char *email, struct account *ret_account)
{
	return not_found(
	    cx, account_store_find(cx, &(struct account){ .email = email }, ret_account), "email", email);
}

enum rc
account_list(
    struct ctx *cx, const struct page *page, struct account **ret_accounts, size_t *ret_count, bool *ret_more)
{
	const char *after = page->after;
	char id[UUID_SIZE];
	size_t count;
	enum rc rc;

	if (after != NULL && !uuid_parse(after, strlen(after), id))
		return err_field(cx, RC_INVALID, "cursor", "No cursor of this list");
	/* One more than asked for tells whether others follow. */
	rc = account_store_list(cx, after == NULL ? NULL : id, page->limit + 1, ret_accounts, &count);
	if (rc != RC_OK)
		return rc;
	*ret_more = count > (size_t)page->limit;
	*ret_count = *ret_more ? (size_t)page->limit : count;
	return RC_OK;
}

/* --- changing one --- */

static bool
rules(const struct account *a)
{
	return a->enabled == SWITCH_ON && strcmp(a->role, "ADMIN") == 0;
}

static bool
same(const struct account *old, const struct account *c)
{
	return (c->name == NULL || strcmp(c->name, old->name) == 0) &&
	       (c->role == NULL || strcmp(c->role, old->role) == 0) &&
	       (c->enabled == SWITCH_ABSENT || c->enabled == old->enabled);
}

/* Tokens say their account's role, so those with the old one have to go. */
static enum rc
settle(struct ctx *cx, const struct account *old, const struct account *new)
{
	int64_t admins = 1;
	enum rc rc = RC_OK;

	if (new->enabled == SWITCH_OFF || strcmp(old->role, new->role) != 0)
		rc = session_store_end_all(cx, new->id);
	if (rc == RC_OK && rules(old) && !rules(new))
		rc = account_store_enabled_admins(cx, &admins);
	if (rc == RC_OK && admins == 0)
		rc = err_set(cx, RC_CONFLICT, "The last enabled ADMIN can't be disabled, or get another role");
	return rc;
}

static enum rc
change(struct ctx *cx, const struct account *asked, struct account *ret_saved)
{
	struct account old;
	enum rc rc = RC_OK;

	if (asked->role != NULL || asked->enabled != SWITCH_ABSENT)
		rc = account_store_lock_admins(cx);
	if (rc == RC_OK)
		rc = not_found(cx, account_store_lock(cx, asked->id, &old), "id", asked->id);
	if (rc == RC_OK && asked->version != 0 && asked->version != old.version)
		rc = err_set(cx, RC_STALE, "The account was changed meanwhile");
	if (rc != RC_OK)
		return rc;
	if (same(&old, asked)) {
		*ret_saved = old;
		return RC_OK;
	}
	rc = account_store_update(cx, asked, ret_saved);
	return rc == RC_OK ? settle(cx, &old, ret_saved) : rc;
}

enum rc
account_change(struct ctx *cx, const char *id, int64_t if_version, const struct account *changes,
    struct account *ret_saved)
{
	struct account asked = *changes;
	enum rc rc;

	if (asked.name == NULL && asked.role == NULL && asked.enabled == SWITCH_ABSENT)
		return err_field(cx, RC_INVALID, "body", "You must provide at least one field to update");
	asked.id = id;
	asked.version = if_version;
	rc = pg_begin(cx);
	if (rc == RC_OK)
		rc = pg_end(cx, change(cx, &asked, ret_saved));
	return rc;
}

enum rc
auth_purge(struct ctx *cx)
{
	return auth_store_purge(cx);
}
