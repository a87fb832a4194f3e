/*
 * watch.h - what a program knows of auth's keys and of ended logins, learnt over HTTP from [auth] url, and the tokens
 * that it has verified.
 *
 * One thread of the process asks GET /auth/revocations?after=N each second, and GET /.well-known/jwks.json at the start,
 * each minute, and when a token names a key that isn't known (every 10 s at most).  While auth can't be reached, what is
 * known goes on being used.  Nothing is kept over a restart.
 */
#ifndef TOKEN_WATCH_H
#define TOKEN_WATCH_H

#include "lib/token/token.h"

struct token_watch;

/* Called by the thread when auth stops answering, with why, and when it answers again, with NULL; failed is how many times
 * in a row it did not.  The text holds no secret. */
typedef void token_watch_tell(const char *why, unsigned failed);

/* With thread false nothing is asked before the first token comes, and then once: for a program of one request.
 * NULL: out of memory or threads. */
struct token_watch *token_watch_open(bool thread, token_watch_tell *tell);
void token_watch_close(struct token_watch *w); /* no token_watch_verify may be running; NULL is fine */

/*
 * As token_verify for an access token, and its login has not been ended as far as is known: else RC_UNAUTHENTICATED.
 * RC_UNAVAILABLE while keys or ended logins were never learnt, or the token's key is unknown and auth can't be asked for
 * it: "I don't know" is not "no".  May wait for a second, by offload.
 */
enum rc token_watch_verify(
    struct ctx *cx, struct token_watch *w, const char *text, size_t length, struct token *ret);

#endif
