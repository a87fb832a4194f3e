/* routes.c - who may ask what of logins, and where it is answered. */
#include "fcgi/auth/handlers.h"
#include "lib/web/audit_route.h"

#define EVERYBODY (ROLE_ADMIN | ROLE_STAFF | ROLE_DOCTOR | ROLE_BILLING | ROLE_AUDITOR)

#define ERR(rc) (1u << (rc))

const struct web_route auth_routes[] = {
	{ .method = "POST", .pattern = "/auth", .roles = ROLE_ADMIN, .handler = accounts_create,
	  .summary = "Make an account", .body = registration_fields, .body_use = CREATE,
	  .answer = account_summary_fields, .status = 201, .errors = ERR(RC_CONFLICT), .once = true },
	{ .method = "POST", .pattern = "/auth/login", .roles = ROLE_ANYONE, .audited = true, .handler = login_post,
	  .summary = "Log in: a pair of tokens for an e-mail address and its password",
	  .body = credentials_fields, .body_use = CREATE, .answer = token_pair_fields, .status = 200,
	  .errors = ERR(RC_UNAUTHENTICATED) | ERR(RC_THROTTLED) },
	{ .method = "GET", .pattern = "/auth/validate", .roles = ROLE_ANYONE, .handler = validate_get,
	  .summary = "Whether the access token is good; the answer has no body", .status = 200,
	  .errors = ERR(RC_UNAUTHENTICATED) },
	{ .method = "POST", .pattern = "/auth/refresh", .roles = ROLE_ANYONE, .handler = refresh_post,
	  .summary = "A new pair for a refresh token, which is dead then; one that was used before ends its login",
	  .body = refresh_fields, .body_use = CREATE, .answer = token_pair_fields, .status = 200,
	  .errors = ERR(RC_UNAUTHENTICATED) },
	{ .method = "POST", .pattern = "/auth/logout", .roles = ROLE_ANYONE, .audited = true, .handler = logout_post,
	  .summary = "End the login that the access token belongs to, also one that was ended", .status = 204,
	  .errors = ERR(RC_UNAUTHENTICATED) },
	{ .method = "GET", .pattern = "/auth/me", .roles = EVERYBODY, .handler = me_get, .summary = "Who asks",
	  .answer = account_summary_fields, .status = 200 },
	{ .method = "POST", .pattern = "/auth/password", .roles = EVERYBODY, .handler = password_post,
	  .summary = "Change one's own password, or, for ADMIN, reset another's; ends all logins of the account",
	  .body = password_fields, .body_use = CREATE, .status = 204,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_FORBIDDEN) | ERR(RC_THROTTLED) },
	{ .method = "GET", .pattern = "/auth/accounts", .roles = ROLE_ADMIN, .handler = accounts_list,
	  .summary = "Accounts, oldest first", .answer = account_fields, .list = true, .status = 200 },
	{ .method = "GET", .pattern = "/auth/accounts/{id}", .roles = ROLE_ADMIN, .handler = accounts_get,
	  .summary = "One account", .answer = account_fields, .status = 200, .errors = ERR(RC_NOT_FOUND) },
	{ .method = "PATCH", .pattern = "/auth/accounts/{id}", .roles = ROLE_ADMIN, .handler = accounts_change,
	  .summary = "Change what is given of an account; the last enabled ADMIN stays one", .body = account_fields,
	  .body_use = UPDATE, .answer = account_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "GET", .pattern = "/.well-known/jwks.json", .roles = ROLE_ANYONE, .handler = jwks_get,
	  .summary = "The public keys by which tokens are verified (RFC 7517)", .answer = jwks_fields, .status = 200 },
	{ .method = "GET", .pattern = "/auth/revocations", .roles = ROLE_ANYONE, .handler = revocations_get,
	  .summary = "For our own programs, with their secret: logins that were ended after the one numbered `after`",
	  .filters = revocations_filters, .answer = revocations_fields, .status = 200,
	  .errors = ERR(RC_UNAUTHENTICATED), .quiet = true },
	AUDIT_ROUTE("auth"),
	{ .method = "GET", .pattern = "/audit", .roles = ROLE_ADMIN | ROLE_AUDITOR, .handler = trails_list,
	  .summary = "The audit trails there are", .answer = trail_fields, .list = true, .status = 200 },
	WEB_END
};
