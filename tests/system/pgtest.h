/* pgtest.h - for tests in C on tests/lib/with-postgres: a database with a domain's roles and tables. */
#ifndef TESTS_PGTEST_H
#define TESTS_PGTEST_H

#include <check.h>

#include "lib/base/ctx.h"

/* Makes the database from db/DOMAIN, runs the suites (up to a NULL) and drops it; the exit status. */
int pgtest_main(const char *domain, Suite *const suites[]);

/* A connection to it as role, with a context of its own. */
void pgtest_connect(struct ctx *cx, const char *role);
void pgtest_disconnect(struct ctx *cx);

#endif
