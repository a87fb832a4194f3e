/* login.c - logins: how they begin, go on and end. */
#include <sodium.h>
#include <string.h>

#include "domain/auth/attempt.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

/* How long after its end somebody whose clock is late may still take a token. */
#define LATE_CLOCKS_S 60

static struct field_bytes
hash(struct ctx *cx, const char *token)
{
	unsigned char *bytes = arena_alloc(cx->arena, crypto_hash_sha256_BYTES);

	crypto_hash_sha256(bytes, (const unsigned char *)token, strlen(token));
	return (struct field_bytes){ .bytes = bytes, .length = crypto_hash_sha256_BYTES };
}

static struct instant
after(int64_t seconds)
{
	return (struct instant){ .us = seconds * 1000000, .known = true };
}

/* s says whose it is; gets what is kept of the pair. */
static enum rc
make_pair(struct ctx *cx, const struct auth_ports *ports, struct session *s, struct token_pair *ret_pair)
{
	int64_t now_s = clock_now_us() / 1000000;
	struct claims claims = { .account = s->account_id,
		.session = s->id,
		.role = s->role,
		.issued_s = now_s,
		.expires_s = now_s + config->auth.access_lifetime_s };
	enum rc rc = ports->sign(cx, false, &claims, &ret_pair->access_token);

	s->access_until = after(claims.expires_s + LATE_CLOCKS_S);
	claims.role = NULL;
	claims.expires_s = now_s + config->auth.refresh_lifetime_s;
	if (rc == RC_OK)
		rc = ports->sign(cx, true, &claims, &ret_pair->refresh_token);
	if (rc != RC_OK)
		return rc;
	s->expires_at = after(claims.expires_s);
	s->token_hash = hash(cx, ret_pair->refresh_token);
	return RC_OK;
}

static void
be(struct ctx *cx, const struct session *s)
{
	cx->account = s->account_id;
	cx->session = s->id;
	cx->role = s->role;
}

/* --- login --- */

static enum rc
wrong(struct ctx *cx)
{
	return err_set(cx, RC_UNAUTHENTICATED, "Email or Password is wrong");
}

/* The account may have been disabled, or its password changed, since it was read: then no row is locked. */
static enum rc
begin(struct ctx *cx, const struct auth_ports *ports, const struct credential *by, struct session *s,
    struct token_pair *ret_pair)
{
	struct account account;
	char id[UUID_SIZE];
	enum rc rc = account_store_begin_login(cx, by, &account);

	if (rc == RC_NOT_FOUND)
		return wrong(cx);
	if (rc == RC_OK)
		rc = attempt_settle(cx, by);
	if (rc != RC_OK)
		return rc;
	uuid_new(id);
	*s = (struct session){ .id = arena_strdup(cx->arena, id), .account_id = account.id, .role = account.role };
	rc = make_pair(cx, ports, s, ret_pair);
	return rc == RC_OK ? session_store_insert(cx, s) : rc;
}

enum rc
login(struct ctx *cx, const struct auth_ports *ports, const struct credentials *asked, struct token_pair *ret_pair)
{
	struct credential by;
	struct token_pair pair;
	struct session s;
	bool good;
	enum rc rc;

	rc = attempt_prove(cx, &(struct account){ .email = asked->email }, asked->password, &good, &by);
	if (rc == RC_OK && !good)
		rc = wrong(cx);
	if (rc == RC_OK)
		rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_end(cx, begin(cx, ports, &by, &s, &pair));
	if (rc != RC_OK)
		return rc;
	be(cx, &s);
	*ret_pair = pair;
	return RC_OK;
}

/* --- refresh --- */

static enum rc
rotated(struct ctx *cx)
{
	return err_set(cx, RC_UNAUTHENTICATED, "Invalid or Rotated refresh token");
}

/* The token was good once: whoever brings it again, or whoever used it first, has stolen it.  So both are out.  A client that
 * refreshes twice at once looks the same, and has to log in again. */
static enum rc
reused(struct ctx *cx, const char *session)
{
	enum rc rc = session_store_end(cx, session);

	return rc == RC_OK ? rotated(cx) : rc;
}

enum rc
login_refresh(
    struct ctx *cx, const struct auth_ports *ports, const char *refresh_token, struct token_pair *ret_pair)
{
	struct claims claims;
	struct token_pair pair;
	struct session s;
	enum rc rc;

	rc = ports->verify(cx, true, refresh_token, &claims);
	if (rc == RC_UNAUTHENTICATED)
		return err_set(cx, rc, "Invalid JWT");
	if (rc == RC_OK)
		rc = session_store_find(cx, claims.session, claims.account, &s);
	if (rc == RC_NOT_FOUND)
		return rotated(cx);
	if (rc == RC_OK)
		rc = make_pair(cx, ports, &s, &pair);
	if (rc != RC_OK)
		return rc;
	s.used_hash = hash(cx, refresh_token);
	rc = session_store_rotate(cx, &s);
	if (rc == RC_NOT_FOUND)
		return reused(cx, s.id);
	if (rc != RC_OK)
		return rc;
	be(cx, &s);
	*ret_pair = pair;
	return RC_OK;
}

/* --- and the rest of its life --- */

static enum rc
invalid(struct ctx *cx)
{
	return err_set(cx, RC_UNAUTHENTICATED, "Invalid or expired token");
}

enum rc
login_check(struct ctx *cx, const struct auth_ports *ports, const char *access_token)
{
	struct claims claims;
	struct session s;
	enum rc rc;

	rc = ports->verify(cx, false, access_token, &claims);
	if (rc == RC_UNAUTHENTICATED)
		return invalid(cx);
	if (rc == RC_OK)
		rc = session_store_find(cx, claims.session, claims.account, &s);
	if (rc == RC_NOT_FOUND || (rc == RC_OK && strcmp(s.role, claims.role) != 0))
		return invalid(cx);
	if (rc == RC_OK)
		be(cx, &s);
	return rc;
}

enum rc
logout(struct ctx *cx, const struct auth_ports *ports, const char *access_token)
{
	struct claims claims;
	enum rc rc = ports->verify(cx, false, access_token, &claims);

	if (rc == RC_UNAUTHENTICATED)
		return invalid(cx);
	if (rc == RC_OK)
		rc = session_store_end(cx, claims.session);
	if (rc == RC_OK)
		be(cx, &(struct session){ .id = claims.session, .account_id = claims.account, .role = claims.role });
	return rc;
}

enum rc
logins_end(struct ctx *cx, int64_t *ret_ended)
{
	return session_store_end_everybodys(cx, ret_ended);
}

enum rc
ended_sessions(
    struct ctx *cx, int64_t after_seq, struct ended_session **ret_sessions, size_t *ret_count, int64_t *ret_next)
{
	enum rc rc = session_store_ended(cx, after_seq, ENDED_SESSIONS_MAX, ret_sessions, ret_count);

	if (rc != RC_OK || *ret_count == 0)
		return rc == RC_OK ? session_store_next_ended(cx, after_seq, ret_next) : rc;
	*ret_next = (*ret_sessions)[*ret_count - 1].seq;
	return RC_OK;
}
