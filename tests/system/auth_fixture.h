/* auth_fixture.h - accounts and logins on a real PostgreSQL, with tokens that only this test can read. */
#ifndef TESTS_AUTH_FIXTURE_H
#define TESTS_AUTH_FIXTURE_H

#include <check.h>

#include "domain/auth/auth.h"

#define PASSWORD "correct horse battery"

extern struct ctx rest, operator, relay, super; /* each as the program that would do it */
extern const struct auth_ports tokens;

void auth_setup(void);
void auth_teardown(void);

/* As the server's superuser. */
void run(const char *sql, ...) __attribute__((format(printf, 1, 2)));
int64_t number(const char *sql, ...) __attribute__((format(printf, 1, 2)));

/* An account whose password is PASSWORD; its id. */
const char *account(const char *email, const char *role);

/* A login from address; its tokens where it is good. */
enum rc log_in(struct ctx *cx, const char *address, const char *email, const char *password, struct token_pair *ret_pair);

/* Runs fn(closure, connection, n) in as many threads at once, each with a connection of its own as medicore_auth_rest. */
void at_once(size_t threads, void (*fn)(void *closure, struct ctx *cx, size_t n), void *closure);

Suite *accounts_suite(void);
Suite *attempts_suite(void);

#endif
