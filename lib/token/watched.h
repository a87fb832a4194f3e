/* watched.h - whose token it is, for a process that auth's keys and its list of ended logins are enough for: its one watch. */
#ifndef TOKEN_WATCHED_H
#define TOKEN_WATCHED_H

#include "lib/token/watch.h"

/* As token_watch_open.  Call before threads start. */
bool watched_open(bool thread, token_watch_tell *tell);
void watched_close(void); /* also where it was not opened */

/* Fills in cx's account, role and session by token_watch_verify. */
enum rc watched_authenticate(struct ctx *cx, const char *token);

#endif
