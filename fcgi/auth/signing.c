/* signing.c - the private keys, and what the domain needs of lib/token.  Keys that medicore keys rotate made are noticed. */
#include <pthread.h>
#include <string.h>

#include "fcgi/auth/handlers.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/token/token.h"

#define LOOK_NS INT64_C(1000000000) /* how often the directory is read, while somebody needs it */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct token_keys *known; /* NULL: none could be read yet */
static int64_t looked_ns;
static const char *trouble; /* what was said of it last */

/* Under the lock.  Keys that can't be read leave those that are known in use. */
static void
look(void)
{
	const char *why = NULL;
	struct token_keys *read = token_keys_read(config->auth.keys, &why);

	if (read != NULL) {
		token_keys_unref(known);
		known = read;
	}
	if (why != NULL && (trouble == NULL || strcmp(why, trouble) != 0))
		log_line(LOG_ERROR, "[auth] keys: %s", why);
	trouble = why;
	looked_ns = clock_monotonic_ns();
}

/* The caller's own share. */
static struct token_keys *
keys(void)
{
	struct token_keys *share;

	pthread_mutex_lock(&lock);
	if (looked_ns == 0 || clock_monotonic_ns() - looked_ns > LOOK_NS)
		look();
	share = known == NULL ? NULL : token_keys_ref(known);
	pthread_mutex_unlock(&lock);
	return share;
}

static enum rc
no_keys(struct ctx *cx)
{
	return err_detail(cx, RC_UNAVAILABLE, "there is no key to sign or verify with");
}

static enum rc
sign(struct ctx *cx, bool refresh, const struct claims *claims, const char **ret_token)
{
	struct token_keys *share = keys();
	char id[UUID_SIZE];
	struct token token = {
		.use = refresh ? TOKEN_REFRESH : TOKEN_ACCESS,
		.id = id,
		.account = claims->account,
		.session = claims->session,
		.role = claims->role,
		.issued_s = claims->issued_s,
		.expires_s = claims->expires_s,
	};
	enum rc rc;

	if (share == NULL)
		return no_keys(cx);
	uuid_new(id);
	rc = token_sign(cx, share, &token, ret_token);
	token_keys_unref(share);
	return rc;
}

static enum rc
verify(struct ctx *cx, bool refresh, const char *text, struct claims *ret_claims)
{
	struct token_keys *share = keys();
	struct token token;
	enum rc rc;

	if (share == NULL)
		return no_keys(cx);
	rc = token_verify(cx, share, text, strlen(text), refresh ? TOKEN_REFRESH : TOKEN_ACCESS, &token, NULL);
	token_keys_unref(share);
	if (rc != RC_OK)
		return rc;
	*ret_claims = (struct claims){
		.account = token.account,
		.session = token.session,
		.role = token.role,
		.issued_s = token.issued_s,
		.expires_s = token.expires_s,
	};
	return RC_OK;
}

const struct auth_ports auth_ports = {
	.sign = sign,
	.verify = verify,
};

enum rc
signing_publish(struct ctx *cx, struct buf *jwks)
{
	struct token_keys *share = keys();

	if (share == NULL)
		return no_keys(cx);
	token_keys_write(jwks, share);
	token_keys_unref(share);
	return RC_OK;
}

void
signing_start(void)
{
	token_keys_unref(keys());
}

void
signing_stop(void)
{
	token_keys_unref(known);
	known = NULL;
}
