/*
 * auth.h - accounts, their passwords, and logins.
 *
 * A login (session) begins with a password and goes on as long as its refresh token is used: each use replaces it.  It ends
 * by logout, by a refresh token that was used before, and, with all others of the account, when the password or the role
 * changes or the account is disabled.  Rules: the contract's "Auth" and its "Better" list.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/field/field.h"
#include "lib/field/page.h"

#define AUTH_SCHEMA 4 /* newest file of db/auth */

#define PASSWORD_MIN 8 /* code points */
#define PASSWORD_MAX 128

/* --- accounts --- */

struct account {
	const char *id;
	const char *email; /* unique whatever its case */
	const char *name;
	const char *role; /* ADMIN, STAFF, DOCTOR, BILLING, AUDITOR */
	enum field_switch enabled;
	struct instant created_at;
	struct instant last_login_at;
	int64_t version;
};

struct registration {
	const char *name, *email, *password, *role;
};

extern const struct field registration_fields[];
extern const struct field account_fields[];	    /* as administrators see it, and may change it */
extern const struct field account_summary_fields[]; /* contract: email, name, role */

/* RC_CONFLICT where the address is taken. */
enum rc account_register(struct ctx *cx, const struct registration *asked, struct account *ret_saved);
enum rc account_find(struct ctx *cx, const char *id, struct account *ret_account);
enum rc account_find_email(struct ctx *cx, const char *email, struct account *ret_account);

/* One page in order of id, at most page->limit; *ret_more where others follow. */
enum rc account_list(
    struct ctx *cx, const struct page *page, struct account **ret_accounts, size_t *ret_count, bool *ret_more);

/* Name, role, enabled: what is NULL or absent stays.  Another role, or none of its rights any more, ends its logins.
 * RC_CONFLICT where no enabled ADMIN would be left.  if_version as elsewhere. */
enum rc account_change(struct ctx *cx, const char *id, int64_t if_version, const struct account *changes,
    struct account *ret_saved);

/* --- accounts of the system replaced --- */

struct foreign_account {
	const char *id;
	struct registration as; /* its password in clear, or hashed by bcrypt */
};

/* Of what can be said without asking the database: RC_INVALID, blaming password, where it is hashed in a way that nobody here can verify;
 * *ret_weak says what is wrong with one in clear that may not be chosen here, NULL where nothing is. */
enum rc account_check_foreign(struct ctx *cx, const struct foreign_account *asked, const char **ret_weak);

/* In the open transaction.  RC_OK; RC_DUPLICATE where its id was there already, RC_STALE where it was there with another e-mail, name or
 * role: both are left as they are; RC_CONFLICT where its e-mail is another's.  A password in clear is hashed, unless it is but a rehearsal: then nobody can log in by it. */
enum rc account_take_over(
    struct ctx *cx, const struct foreign_account *asked, size_t count, bool rehearsal, enum rc *ret_each);

/* --- passwords --- */

struct password_change {
	const char *old_password; /* for one's own */
	const char *new_password;
	const char *account_id, *email; /* whose, where it is another's; one of them or none */
};

extern const struct field password_fields[];

/* By cx->account, of cx->role.  Ends all logins of *ret_account, whose it is. */
enum rc password_change(struct ctx *cx, const struct password_change *asked, const char **ret_account);

/* By the operator. */
enum rc password_reset(struct ctx *cx, const char *account_id, const char *password);

/* --- logins --- */

struct credentials {
	const char *email, *password;
};

struct refresh {
	const char *token;
};

struct token_pair {
	const char *access_token, *refresh_token;
};

extern const struct field credentials_fields[];
extern const struct field refresh_fields[];
extern const struct field token_pair_fields[];

/* What a token says, as far as the rules care. */
struct claims {
	const char *account, *session, *role; /* role: of access tokens only */
	int64_t issued_s, expires_s;	      /* seconds since 1970 */
};

/* What logins need from outside; fcgi/auth fills it in. */
struct auth_ports {
	/* The text of a token, in the arena. */
	enum rc (*sign)(struct ctx *cx, bool refresh, const struct claims *claims, const char **ret_token);
	/* RC_UNAUTHENTICATED for what is no token of ours of that use, or is past its time. */
	enum rc (*verify)(struct ctx *cx, bool refresh, const char *token, struct claims *ret_claims);
};

/* RC_UNAUTHENTICATED for an unknown account, a wrong password, a disabled account alike; RC_THROTTLED after too many
 * failures.  Sets cx->account, role and session on success. */
enum rc login(struct ctx *cx, const struct auth_ports *ports, const struct credentials *asked,
    struct token_pair *ret_pair);

/* A new pair for a refresh token, which is dead then.  One that was used before ends its login. */
enum rc login_refresh(
    struct ctx *cx, const struct auth_ports *ports, const char *refresh_token, struct token_pair *ret_pair);

/* Ends the login of an access token, which may have been ended before. */
enum rc logout(struct ctx *cx, const struct auth_ports *ports, const char *access_token);

/* Ends everybody's, as after a restore: those that were ended since the backup would go on, and refresh tokens that were used up since would be
 * good again. */
enum rc logins_end(struct ctx *cx, int64_t *ret_ended);

/* Who asks: fills in cx->account, role and session.  RC_UNAUTHENTICATED where the token is none, or its login has ended. */
enum rc login_check(struct ctx *cx, const struct auth_ports *ports, const char *access_token);

/* --- what other programs ask for --- */

struct ended_session {
	const char *session;
	int64_t until_s; /* until then a token of it may be about, seconds since 1970 */
	int64_t seq;
};

#define ENDED_SESSIONS_MAX 1000 /* at once */

/* Logins ended after the one that had `after`, in the order in which they were ended; those none of whose tokens is good
 * any more are left out.  *ret_next is what to ask for next: less than after where the database was restored from before that. */
enum rc ended_sessions(struct ctx *cx, int64_t after, struct ended_session **ret_sessions, size_t *ret_count,
    int64_t *ret_next);

/* Removes what nothing needs any more: logins whose tokens have all ended, failures and addresses of long ago. */
enum rc auth_purge(struct ctx *cx);

#endif
