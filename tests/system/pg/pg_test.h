/* pg_test.h - what the tests of lib/pg share.  They run with a server of their own: tests/lib/with-postgres. */
#ifndef PG_TEST_H
#define PG_TEST_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define STATEMENT_TIMEOUT_MS 1000
#define CONNECT_TIMEOUT_MS 400

/* A row of table thing, and whatever else a statement of a test gives. */
struct thing {
	const char *id;
	const char *name;
	int64_t count;
	struct field_bytes payload;
	struct instant at;
	const char *day;
	bool flag;
	struct money amount;
	const char *currency;
	const char *text;
	int64_t number;
};

extern const struct field thing_fields[];

/* Statements that several tests use. */
extern const struct pg_stmt insert_thing; /* id, name */
extern const struct pg_stmt count_things; /* -> number */
extern const struct pg_stmt backend_pid;  /* -> number */
extern const struct pg_stmt sleep_long;

/* Of each test: an empty table thing, and two connections with a context each. */
extern struct ctx cx, other;
void setup(void);
void teardown(void);

/* A new request on the context: nothing went wrong, a new id. */
void next_request(struct ctx *c);

/* What "$PGSERVER" can: kill, start, pause, … */
void server(const char *action);

/* Ends the backend of c's connection from outside. */
void terminate(struct ctx *c);

enum rc insert(struct ctx *c, const char *name);
int64_t number(struct ctx *c, const struct pg_stmt *stmt); /* the statement's number; the test fails where it fails */

int64_t now_ms(void);

Suite *errors_suite(void);
Suite *lost_suite(void);
Suite *transaction_suite(void);
Suite *values_suite(void);
Suite *session_suite(void);
Suite *stream_suite(void);
Suite *lookup_suite(void);
Suite *pool_suite(void);

#endif
