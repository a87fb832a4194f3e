/* token.c - tokens signed and checked. */
#include <string.h>

#include <cjose/header.h>
#include <cjose/jws.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/field/field.h"
#include "lib/metrics/metrics.h"
#include "lib/token/internal.h"

struct claims {
	const char *iss, *aud, *sub, *sid, *jti, *use, *role;
	int64_t iat, nbf, exp;
};

static const char *const uses[] = { [TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh", NULL };

/* All claims that a token of ours may have; an access token also has to have a role, a refresh token has none. */
#define CLAIM(name, type, ...)                                                                               \
	{                                                                                                    \
#name, type, offsetof(struct claims, name), .use = CREATE | REQUIRED, __VA_ARGS__            \
	}
static const struct field claim_fields[] = {
	CLAIM(iss, F_TEXT),
	CLAIM(aud, F_TEXT),
	CLAIM(sub, F_UUID),
	CLAIM(sid, F_UUID),
	CLAIM(jti, F_UUID),
	CLAIM(use, F_ENUM, .choices = uses),
	CLAIM(iat, F_COUNT),
	CLAIM(exp, F_COUNT),
	{ "nbf", F_COUNT, offsetof(struct claims, nbf), .use = CREATE },
	{ "role", F_CODE, offsetof(struct claims, role), .use = CREATE, .max = ROLE_MAX },
	FIELD_END,
};

/* --- signing --- */

static cjose_jws_t *
jws_sign(const struct token_key *key, const char *claims, size_t length)
{
	cjose_header_t *header = cjose_header_new(NULL);
	cjose_jws_t *jws = NULL;

	if (header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, CJOSE_HDR_ALG_ES256, NULL) &&
	    cjose_header_set(header, "typ", "JWT", NULL) &&
	    cjose_header_set(header, CJOSE_HDR_KID, key->kid, NULL))
		jws = cjose_jws_sign(key->private, header, (const uint8_t *)claims, length, NULL);
	cjose_header_release(header);
	return jws;
}

static void
write_claims(struct buf *b, const struct token *token)
{
	buf_add_text(b, "{\"iss\":");
	buf_add_json(b, config->auth.issuer);
	buf_add_text(b, ",\"aud\":");
	buf_add_json(b, config->auth.audience);
	buf_addf(b, ",\"sub\":\"%s\",\"sid\":\"%s\",\"jti\":\"%s\",\"use\":\"%s\",\"iat\":%lld,\"exp\":%lld",
	    token->account, token->session, token->id, uses[token->use], (long long)token->issued_s,
	    (long long)token->expires_s);
	if (token->role != NULL) {
		buf_add_text(b, ",\"role\":");
		buf_add_json(b, token->role);
	}
	buf_add_char(b, '}');
}

enum rc
token_sign(struct ctx *cx, const struct token_keys *keys, const struct token *token, const char **ret_text)
{
	const struct token_key *key = keys_signer(keys, clock_now_us() / 1000000);
	struct buf claims = { .arena = cx->arena };
	const char *text;
	cjose_jws_t *jws;

	if (key == NULL)
		return err_detail(cx, RC_INTERNAL, "no private key to sign a token with");
	write_claims(&claims, token);
	jws = jws_sign(key, claims.bytes, claims.length);
	if (jws == NULL || !cjose_jws_export(jws, &text, NULL)) {
		cjose_jws_release(jws);
		return err_detail(cx, RC_INTERNAL, "a token can't be signed");
	}
	*ret_text = arena_strdup(cx->arena, text);
	cjose_jws_release(jws);
	return RC_OK;
}

/* --- checking --- */

static enum rc
refuse(struct ctx *cx, enum metric_refusal refusal, const char *why)
{
	metrics_add(M_TOKENS_REFUSED, refusal, 1);
	return err_detail(cx, RC_UNAUTHENTICATED, "token refused: %s", why);
}

/* By our key alone: nothing that the token says takes part in the choice but the name that the key was found by. */
static bool
signature_good(const struct token_key *key, const char *text, size_t length)
{
	cjose_jws_t *jws = cjose_jws_import(text, length, NULL);
	bool good = jws != NULL && cjose_jws_verify(jws, key->public, NULL);

	cjose_jws_release(jws);
	return good;
}

/* NULL, or why not. */
static const char *
claims_check(const struct claims *claims, enum token_use use, int64_t now_s)
{
	if (strcmp(claims->iss, config->auth.issuer) != 0)
		return "wrong iss";
	if (strcmp(claims->aud, config->auth.audience) != 0)
		return "wrong aud";
	if (strcmp(claims->use, uses[use]) != 0)
		return "for another use";
	if ((claims->role != NULL) != (use == TOKEN_ACCESS))
		return "a role is missing, or one too many";
	/* "The current date/time MUST be before the expiration" and "after or equal to the not-before date/time", "some
	 * small leeway" aside (RFC 7519, sections 4.1.4 and 4.1.5). */
	if (now_s >= claims->exp + TOKEN_LEEWAY_S)
		return "expired";
	if (now_s < claims->iat - TOKEN_LEEWAY_S || now_s < claims->nbf - TOKEN_LEEWAY_S)
		return "not yet valid";
	return NULL;
}

enum rc
token_verify_at(struct ctx *cx, const struct token_keys *keys, const char *text, size_t length,
    enum token_use use, int64_t now_s, struct token *ret, bool *ret_unknown_key)
{
	struct ctx aside = { .arena = cx->arena };
	struct claims claims = { 0 };
	const struct token_key *key;
	struct token_parts parts;
	const char *why;

	if (ret_unknown_key != NULL)
		*ret_unknown_key = false;
	why = gate_open(cx->arena, text, length, &parts);
	if (why != NULL)
		return refuse(cx, REFUSED_MALFORMED, why);
	key = keys_find(keys, parts.kid);
	if (key == NULL) {
		if (ret_unknown_key != NULL)
			*ret_unknown_key = true;
		return refuse(cx, REFUSED_UNKNOWN_KEY, "signed by a key that is unknown");
	}
	if (!signature_good(key, text, length))
		return refuse(cx, REFUSED_SIGNATURE, "wrong signature");
	if (field_read(&aside, claim_fields, CREATE, parts.claims, parts.claims_length, &claims) != RC_OK)
		return refuse(cx, REFUSED_CLAIMS, "claims that are none of ours");
	why = claims_check(&claims, use, now_s);
	if (why != NULL)
		return refuse(cx, now_s >= claims.exp + TOKEN_LEEWAY_S ? REFUSED_EXPIRED : REFUSED_CLAIMS, why);
	*ret = (struct token){
		.use = use,
		.id = claims.jti,
		.account = claims.sub,
		.session = claims.sid,
		.role = claims.role,
		.issued_s = claims.iat,
		.expires_s = claims.exp,
	};
	return RC_OK;
}

enum rc
token_verify(struct ctx *cx, const struct token_keys *keys, const char *text, size_t length,
    enum token_use use, struct token *ret, bool *ret_unknown_key)
{
	return token_verify_at(cx, keys, text, length, use, clock_now_us() / 1000000, ret, ret_unknown_key);
}
