/* handlers.c - logins and accounts: read what is asked, call the domain, write the answer. */
#include "fcgi/auth/handlers.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/metrics/metrics.h"

#define JWKS_KEPT_S 10 /* a new key is published this long before it signs, at least */

enum rc
authenticate(struct ctx *cx, const char *token)
{
	return login_check(cx, &auth_ports, token);
}

static enum rc
no_token(struct ctx *cx)
{
	return err_set(cx, RC_UNAUTHENTICATED, "Missing or invalid Authorization header");
}

/* POST /auth */
enum rc
accounts_create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct registration asked = { 0 };
	struct account saved;
	enum rc rc;

	rc = request_read(cx, rq, registration_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = account_register(cx, &asked, &saved);
	if (rc != RC_OK)
		return rc;
	return reply_created_at(cx, rp, account_summary_fields, &saved,
	    arena_printf(cx->arena, "/auth/accounts/%s", saved.id), saved.version);
}

static void
count_login(enum rc rc)
{
	if (rc == RC_OK)
		metrics_add(M_LOGINS, 0, 1);
	else
		metrics_add(M_LOGINS_REFUSED,
		    rc == RC_UNAUTHENTICATED ? LOGIN_CREDENTIALS
		    : rc == RC_THROTTLED     ? LOGIN_THROTTLED
		    : rc == RC_INVALID	     ? LOGIN_MALFORMED
					     : LOGIN_UNAVAILABLE,
		    1);
}

/* POST /auth/login */
enum rc
login_post(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct credentials asked = { 0 };
	struct token_pair pair;
	enum rc rc;

	rc = request_read(cx, rq, credentials_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = login(cx, &auth_ports, &asked, &pair);
	count_login(rc);
	reply_about(rp, asked.email);
	return rc == RC_OK ? reply_one(cx, rp, token_pair_fields, &pair, 0) : rc;
}

/* GET /auth/validate */
enum rc
validate_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	const char *token = request_bearer(rq);
	enum rc rc = token == NULL ? RC_UNAUTHENTICATED : authenticate(cx, token);

	if (rc == RC_OK || rc == RC_UNAUTHENTICATED)
		return reply_status(cx, rp, rc == RC_OK ? 200 : 401);
	return rc;
}

/* POST /auth/refresh */
enum rc
refresh_post(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct refresh asked = { 0 };
	struct token_pair pair;
	enum rc rc;

	rc = request_read(cx, rq, refresh_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = login_refresh(cx, &auth_ports, asked.token, &pair);
	return rc == RC_OK ? reply_one(cx, rp, token_pair_fields, &pair, 0) : rc;
}

/* POST /auth/logout */
enum rc
logout_post(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	const char *token = request_bearer(rq);
	enum rc rc = token == NULL ? no_token(cx) : logout(cx, &auth_ports, token);

	return rc == RC_OK ? reply_nothing(cx, rp) : rc;
}

/* GET /auth/me */
enum rc
me_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct account me;
	enum rc rc = account_find(cx, cx->account, &me);

	(void)rq;
	return rc == RC_OK ? reply_one(cx, rp, account_summary_fields, &me, 0) : rc;
}

/* POST /auth/password */
enum rc
password_post(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct password_change asked = { 0 };
	const char *whose;
	enum rc rc;

	rc = request_read(cx, rq, password_fields, CREATE, &asked);
	if (rc == RC_OK)
		rc = password_change(cx, &asked, &whose);
	if (rc == RC_OK)
		rc = reply_nothing(cx, rp);
	if (rc == RC_OK)
		reply_about(rp, whose);
	return rc;
}

/* GET /auth/accounts */
enum rc
accounts_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct account *found;
	struct page page;
	size_t count;
	bool more;
	enum rc rc;

	rc = request_page(cx, rq, &page);
	if (rc == RC_OK)
		rc = account_list(cx, &page, &found, &count, &more);
	if (rc != RC_OK)
		return rc;
	return reply_list(
	    cx, rp, account_fields, found, count, sizeof(*found), more ? found[count - 1].id : NULL);
}

/* GET /auth/accounts/{id} */
enum rc
accounts_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct account found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = account_find(cx, id, &found);
	return rc == RC_OK ? reply_one(cx, rp, account_fields, &found, found.version) : rc;
}

/* PATCH /auth/accounts/{id} */
enum rc
accounts_change(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct account changes = { 0 }, saved;
	const char *id;
	int64_t version;
	enum rc rc;

	rc = request_id(cx, rq, "id", &id);
	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = request_read(cx, rq, account_fields, UPDATE, &changes);
	if (rc == RC_OK)
		rc = account_change(cx, id, version, &changes, &saved);
	return rc == RC_OK ? reply_one(cx, rp, account_fields, &saved, saved.version) : rc;
}

/* --- for those who verify tokens themselves --- */

/* Only the names: in OpenAPI they say what signing_publish writes. */
static const struct field jwk_fields[] = {
	{ "kid", F_TEXT, 0, .use = REPLY },
	{ "kty", F_TEXT, 0, .use = REPLY },
	{ "crv", F_TEXT, 0, .use = REPLY },
	{ "x", F_TEXT, 0, .use = REPLY },
	{ "y", F_TEXT, 0, .use = REPLY },
	FIELD_END,
};

const struct field jwks_fields[] = {
	{ "keys", F_LIST, 0, .use = REPLY, .items = jwk_fields },
	FIELD_END,
};

/* GET /.well-known/jwks.json */
enum rc
jwks_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct buf jwks = { .arena = cx->arena };
	enum rc rc = signing_publish(cx, &jwks);

	(void)rq;
	return rc == RC_OK ? reply_json(cx, rp, &jwks, JWKS_KEPT_S) : rc;
}

struct since {
	int64_t after;
};

const struct field revocations_filters[] = {
	{ "after", F_INT, offsetof(struct since, after), .use = FILTER, .help = "The `next` of the answer before." },
	FIELD_END,
};

static const struct field ended_fields[] = {
	{ "session", F_UUID, offsetof(struct ended_session, session), .use = REPLY },
	{ "until", F_INT, offsetof(struct ended_session, until_s), .use = REPLY,
	  .help = "Seconds since 1970: when the last of its access tokens has ended." },
	FIELD_END,
};

const struct field revocations_fields[] = {
	{ "next", F_INT, 0, .use = REPLY },
	{ "sessions", F_LIST, 0, .use = REPLY, .items = ended_fields },
	FIELD_END,
};

/* Whether one of our own programs asks, told in the same time whatever it says. */
static bool
own_program(const struct request *rq)
{
	const char *given = request_bearer(rq), *secret = config->auth.programs_secret;
	unsigned char a[crypto_hash_sha256_BYTES], b[crypto_hash_sha256_BYTES];

	if (given == NULL || secret == NULL)
		return false;
	crypto_hash_sha256(a, (const unsigned char *)given, strlen(given));
	crypto_hash_sha256(b, (const unsigned char *)secret, strlen(secret));
	return sodium_memcmp(a, b, sizeof(a)) == 0;
}

/* GET /auth/revocations */
enum rc
revocations_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct buf b = { .arena = cx->arena };
	struct ended_session *ended;
	struct since since = { 0 };
	int64_t next;
	size_t count;
	enum rc rc;

	if (!own_program(rq))
		return request_bearer(rq) == NULL ? no_token(cx) :
						    err_set(cx, RC_UNAUTHENTICATED, "Invalid or expired token");
	rc = request_filters(cx, rq, revocations_filters, &since);
	if (rc == RC_OK)
		rc = ended_sessions(cx, since.after, &ended, &count, &next);
	if (rc != RC_OK)
		return rc;
	/* By hand, as the list is there also when it is empty. */
	buf_addf(&b, "{\"next\":%" PRId64 ",\"sessions\":[", next);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(&b, ',');
		field_write(&b, ended_fields, &ended[i]);
	}
	buf_add_text(&b, "]}");
	return reply_json(cx, rp, &b, 0);
}

struct trail {
	const char *name, *path;
};

const struct field trail_fields[] = {
	{ .name = "name", .type = F_TEXT, .at = offsetof(struct trail, name), .use = REPLY, .help = "Whose it is" },
	{ .name = "path", .type = F_TEXT, .at = offsetof(struct trail, path), .use = REPLY, .help = "Where to read it" },
	FIELD_END,
};

/* GET /audit: each is answered by the program that has its database. */
enum rc
trails_list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	static const struct trail trails[] = {
		{ "patient", "/audit/patient" },
		{ "scheduling", "/audit/scheduling" },
		{ "billing", "/audit/billing" },
		{ "auth", "/audit/auth" },
	};
	size_t count = sizeof(trails) / sizeof(*trails), first = 0, n;
	struct page page;
	enum rc rc = request_page(cx, rq, &page);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; page.after != NULL && i < count; i++)
		if (strcmp(trails[i].name, page.after) == 0)
			first = i + 1;
	n = count - first < (size_t)page.limit ? count - first : (size_t)page.limit;
	return reply_list(cx, rp, trail_fields, trails + first, n, sizeof(*trails),
	    first + n < count ? trails[first + n - 1].name : NULL);
}
