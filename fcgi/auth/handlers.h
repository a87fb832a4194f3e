/* handlers.h - a function for each row of routes.c, and what main.c gives them. */
#ifndef FCGI_AUTH_HANDLERS_H
#define FCGI_AUTH_HANDLERS_H

#include "domain/auth/auth.h"
#include "lib/web/web.h"

extern const struct web_route auth_routes[];

/* Tables that only say in OpenAPI what an answer looks like. */
extern const struct field jwks_fields[];
extern const struct field revocations_fields[];
extern const struct field revocations_filters[];
extern const struct field trail_fields[];

/* signing.c: lib/token with the private keys of [auth] keys. */
extern const struct auth_ports auth_ports;
void signing_start(void);
void signing_stop(void);
enum rc signing_publish(struct ctx *cx, struct buf *jwks);

/* The program's own way to tell who asks: by its keys and its database, at once. */
enum rc authenticate(struct ctx *cx, const char *token);

web_handler accounts_create, accounts_list, accounts_get, accounts_change;
web_handler login_post, validate_get, refresh_post, logout_post, me_get, password_post;
web_handler jwks_get, revocations_get, trails_list;

#endif
