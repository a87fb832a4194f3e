#include "lib/token/watched.h"

#include <string.h>

static struct token_watch *watch;

bool
watched_open(bool thread, token_watch_tell *tell)
{
	watch = token_watch_open(thread, tell);
	return watch != NULL;
}

void
watched_close(void)
{
	token_watch_close(watch);
	watch = NULL;
}

enum rc
watched_authenticate(struct ctx *cx, const char *token)
{
	struct token claims;
	enum rc rc = token_watch_verify(cx, watch, token, strlen(token), &claims);

	if (rc != RC_OK)
		return rc;
	cx->account = claims.account;
	cx->session = claims.session;
	cx->role = claims.role;
	return RC_OK;
}
