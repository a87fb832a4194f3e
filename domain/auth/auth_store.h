/* auth_store.h - the SQL of accounts and logins, for this domain's rules alone. */
#ifndef AUTH_AUTH_STORE_H
#define AUTH_AUTH_STORE_H

#include "domain/auth/auth.h"

/* --- accounts --- */

/* What a login is checked against. */
struct credential {
	const char *id, *email, *password; /* the hash */
	int64_t password_version;
	enum field_switch enabled;
	int64_t dearest_bcrypt; /* the highest cost of the bcrypt hashes that accounts have; 0: none has one */
};

/* RC_CONFLICT where the address is taken. */
enum rc account_store_insert(
    struct ctx *cx, const struct account *a, const char *password, struct account *ret_saved);
/* For each: RC_OK, RC_DUPLICATE (the id), RC_STALE (the id, with other values), RC_CONFLICT (the address).  as.password is the hash. */
enum rc account_store_insert_all(struct ctx *cx, const struct foreign_account *all, size_t count, enum rc *ret_each);
/* The same of what would become of them. */
enum rc account_store_foresee(struct ctx *cx, const struct foreign_account *all, size_t count, enum rc *ret_each);
/* RC_NOT_FOUND, here and below, without blame.  By id, or, where that is NULL, by e-mail address. */
enum rc account_store_find(struct ctx *cx, const struct account *whom, struct account *ret_account);
enum rc account_store_list(struct ctx *cx, const char *after, int64_t limit, struct account **ret_accounts, size_t *ret_count);
/* Where nobody is found, ret_credential has the address as it was asked for, and dearest_bcrypt. */
enum rc account_store_credential(struct ctx *cx, const struct account *whom, struct credential *ret_credential);

/* In a transaction: nobody else changes it, or logs in by it, until the end. */
enum rc account_store_lock(struct ctx *cx, const char *id, struct account *ret_account);
/* In a transaction: nobody else changes which ADMINs there are until the end.  Goes before account_store_lock. */
enum rc account_store_lock_admins(struct ctx *cx);
enum rc account_store_enabled_admins(struct ctx *cx, int64_t *ret_count);
/* a->id says whom; NULL and absent members stay. */
enum rc account_store_update(struct ctx *cx, const struct account *a, struct account *ret_saved);
/* RC_NOT_FOUND too where its password isn't that version any more; 0: whatever it is. */
enum rc account_store_set_password(
    struct ctx *cx, const char *id, int64_t password_version, const char *password);
/* Another hash of the same password; nothing happens where it isn't `before` any more. */
enum rc account_store_rehash(struct ctx *cx, const struct credential *before, const char *password);

/* In a transaction, locking the account: notes a login where it is enabled and its password still that. */
enum rc account_store_begin_login(struct ctx *cx, const struct credential *by, struct account *ret_account);

/* --- logins --- */

struct session {
	const char *id, *account_id;
	const char *role;		      /* of the account */
	struct field_bytes token_hash;	      /* SHA-256 of the refresh token that is good now */
	struct field_bytes used_hash;	      /* … of the one that it replaces */
	struct instant access_until, expires_at;
};

enum rc session_store_insert(struct ctx *cx, const struct session *s);
/* One that goes on, of an account that is enabled. */
enum rc session_store_find(struct ctx *cx, const char *id, const char *account_id, struct session *ret_session);
/* Puts token_hash in the place of used_hash.  RC_NOT_FOUND where it has ended, or its token is another. */
enum rc session_store_rotate(struct ctx *cx, const struct session *s);
enum rc session_store_end(struct ctx *cx, const char *id);
enum rc session_store_end_all(struct ctx *cx, const char *account_id);
enum rc session_store_end_everybodys(struct ctx *cx, int64_t *ret_ended);
enum rc session_store_ended(
    struct ctx *cx, int64_t after, int64_t limit, struct ended_session **ret_sessions, size_t *ret_count);

/* What to ask for next where none came after `after`. */
enum rc session_store_next_ended(struct ctx *cx, int64_t after, int64_t *ret_next);

/* --- failed logins --- */

struct attempt {
	const char *email;   /* as it was tried */
	const char *address; /* "": unknown */
	const char *crowd;   /* the same, where all who come from there are counted together; else "" */
	int64_t limit;	     /* failures in a row before the next have to wait */
};

/* How long this one has to wait, in seconds; 0: not at all. */
enum rc attempt_store_wait(struct ctx *cx, const struct attempt *a, int64_t *ret_wait_s);
/* *ret_held: it had to wait by now, and didn't count. */
enum rc attempt_store_failed(struct ctx *cx, const struct attempt *a, bool *ret_held);
enum rc attempt_store_succeeded(struct ctx *cx, const struct attempt *a);

enum rc auth_store_purge(struct ctx *cx);

#endif
