/* take_over.c - accounts of the system replaced, with the ids and passwords that they have there. */
#include <string.h>

#include "domain/auth/auth_store.h"
#include "domain/auth/bcrypt.h"
#include "domain/auth/password.h"

/* In a rehearsal, which ends in a rollback, nothing but the column's check has to like it. */
#define REHEARSED "$argon2id$rehearsed"

#define BCRYPT_MARK "{bcrypt}"
#define CLEAR_MARK "{noop}"

/* Where Spring's DelegatingPasswordEncoder wrote it, what it is stands before it. */
static const char *
without_mark(const char *password)
{
	if (strncmp(password, BCRYPT_MARK, strlen(BCRYPT_MARK)) == 0)
		return password + strlen(BCRYPT_MARK);
	if (strncmp(password, CLEAR_MARK, strlen(CLEAR_MARK)) == 0)
		return password + strlen(CLEAR_MARK);
	return password;
}

/* "$6$…" or "{pbkdf2}…": whoever stored it so meant another password than this text. */
static bool
looks_hashed(const char *password)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-";
	size_t length = strspn(password + 1, name);

	return length > 0 && ((password[0] == '$' && password[length + 1] == '$') ||
				 (password[0] == '{' && password[length + 1] == '}'));
}

static bool
in_clear(const char *password)
{
	return strncmp(password, CLEAR_MARK, strlen(CLEAR_MARK)) == 0 || bcrypt_cost(without_mark(password)) == 0;
}

enum rc
account_check_foreign(struct ctx *cx, const struct foreign_account *asked, const char **ret_weak)
{
	const char *password = asked->as.password;
	bool marked = strncmp(password, CLEAR_MARK, strlen(CLEAR_MARK)) == 0;

	*ret_weak = NULL;
	if (!in_clear(password))
		return RC_OK;
	if (!marked && looks_hashed(password))
		return err_field(cx, RC_INVALID, "password",
		    "hashed otherwise than by bcrypt of cost %d to %d: nobody here can verify it", BCRYPT_COST_MIN,
		    BCRYPT_COST_MAX);
	password = without_mark(password);
	if (*password == '\0')
		return err_field(cx, RC_INVALID, "password", "Password is required");
	if (password_check(cx, "password", password) != RC_OK) {
		*ret_weak = err_message(cx, RC_INVALID);
		err_clear(cx);
	}
	return RC_OK;
}

/* Those that come in clear, of accounts that are new. */
static enum rc
hash_new(struct ctx *cx, struct foreign_account *all, size_t count, bool rehearsal, const enum rc *foreseen)
{
	const char **passwords = arena_zalloc_n(cx->arena, count, sizeof(*passwords));
	const char **hashes = arena_zalloc_n(cx->arena, count, sizeof(*hashes));
	size_t *which = arena_zalloc_n(cx->arena, count, sizeof(*which)), n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count; i++) {
		const char *password = all[i].as.password;
		bool clear = in_clear(password);

		all[i].as.password = clear ? REHEARSED : without_mark(password);
		if (!clear || foreseen[i] != RC_OK)
			continue;
		passwords[n] = without_mark(password);
		which[n++] = i;
	}
	if (!rehearsal && n > 0)
		rc = password_hash_all(cx, passwords, n, hashes);
	for (size_t i = 0; rc == RC_OK && !rehearsal && i < n; i++)
		all[which[i]].as.password = hashes[i];
	return rc;
}

/* Those that are left out would only be refused again. */
static enum rc
insert_new(struct ctx *cx, const struct foreign_account *all, size_t count, enum rc *each)
{
	struct foreign_account *new = arena_zalloc_n(cx->arena, count, sizeof(*new));
	enum rc *became = arena_zalloc_n(cx->arena, count, sizeof(*became)), rc = RC_OK;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (each[i] == RC_OK)
			new[n++] = all[i];
	if (n > 0)
		rc = account_store_insert_all(cx, new, n, became);
	n = 0;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (each[i] == RC_OK)
			each[i] = became[n++];
	return rc;
}

enum rc
account_take_over(
    struct ctx *cx, const struct foreign_account *asked, size_t count, bool rehearsal, enum rc *ret_each)
{
	struct foreign_account *all = arena_zalloc_n(cx->arena, count + 1, sizeof(*all));
	enum rc rc;

	if (count == 0)
		return RC_OK;
	memcpy(all, asked, count * sizeof(*all));
	rc = account_store_foresee(cx, all, count, ret_each);
	if (rc == RC_OK)
		rc = hash_new(cx, all, count, rehearsal, ret_each);
	return rc == RC_OK ? insert_new(cx, all, count, ret_each) : rc;
}
