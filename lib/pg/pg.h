/*
 * pg.h - the only way to PostgreSQL: prepared statements over one connection per thread, or a few per loop of fibers.
 *
 * Every call has a deadline (the request's, at most [database] statement_timeout) and sorts its failure by SQLSTATE:
 *   unique_violation            RC_DUPLICATE, err.constraint set
 *   exclusion_violation         RC_OVERLAP, err.constraint set
 *   connection gone, 57P0x, 53xxx, 08xxx    RC_UNAVAILABLE
 *   query_canceled, deadline    RC_TIMEOUT
 *   serialization, deadlock     a lone statement is tried up to 5 times; in a transaction RC_UNAVAILABLE,
 *                               for the caller to repeat the whole (retryable: nothing happened)
 *   anything else               RC_INTERNAL, err.detail has the SQLSTATE, constraint and table; never the server's
 *                               message, which can hold data (but of class 42, which is about the schema)
 * A connection found dead before a statement is sent is replaced first, so the first request after the server's return
 * succeeds; a read that meets a dying connection, or a migration that changed its columns, is repeated once on a new one, a
 * lookup that shares its connection up to four times; a write never is, but where it is a transaction's first statement, which
 * has no effect without its commit.
 */
#ifndef PG_PG_H
#define PG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/log.h"
#include "lib/field/field.h"

struct pg;

enum pg_kind {
	PG_READ,  /* may be repeated */
	PG_LOOKUP, /* a PG_READ that is short, by key: it may share a round trip with those of other requests */
	PG_WRITE, /* is sent once, unless the server undid it or it begins a transaction */
};

/*
 * One statement, a constant in a store file:
 *
 *   static const struct pg_stmt find_patient = {
 *           .name = "find_patient", .kind = PG_READ,
 *           .sql = "select " COLUMNS " from patient where id = $1::uuid and deleted_at is null",
 *           .takes = "id", .in = patient_fields, .out = patient_fields,
 *   };
 */
struct pg_stmt {
	const char *name; /* unique in the program */
	enum pg_kind kind;
	const char *sql;
	const char *takes;	 /* members of the argument for $1 …, as .in names them, parted by spaces; NULL: no parameters */
	const struct field *in;	 /* explains takes */
	const struct field *out; /* explains the columns, which are found by name; NULL: no rows wanted */
};

/* Connects to database as role, now if it can; else the first statement tries again.  NULL only for bad settings, said on
 * standard error.  A struct pg belongs to one thread at a time. */
struct pg *pg_open(const char *database, const char *role);

/* Somebody else's database, by libpq's connection string or URI; what that leaves out comes from libpq's environment, service and password
 * files.  Its sessions only read, and each transaction sees one moment.  Connects with the first statement, or pg_connect. */
struct pg *pg_open_foreign(const char *conninfo);
void pg_close(struct pg *pg); /* NULL is fine */

/*
 * The connections of one loop (lib/loop), used by its thread alone: at most `most`.  A handle of the pool borrows one for a statement, or from a
 * transaction's first to its end; where none is free its fiber waits, first come first served, until the request's deadline: RC_UNAVAILABLE.
 * Nothing connects before the first statement.  NULL only for bad settings, said on standard error.
 */
struct pg_pool;
struct pg_pool *pg_pool_open(const char *database, const char *role, unsigned most);
void pg_pool_close(struct pg_pool *pool); /* and its handles; NULL is fine */

/* One fiber's at a time: a request's, reset after each.  Listening and locks, which a connection keeps, are RC_INTERNAL on it. */
struct pg *pg_pool_handle(struct pg_pool *pool);

/* Connects where there is no connection: for programs that want to say early that they can't. */
enum rc pg_connect(struct ctx *cx);

/* Ends a request: rolls back what a handler left open.  Costs nothing where it left nothing; NULL is fine. */
void pg_reset(struct pg *pg);

/* RC_OK when the server answers and the database's schema is at least the one this program was built for (table
 * schema_migration's highest number is `schema`): a migration leaves what the programs of the version before need. */
enum rc pg_ready(struct ctx *cx, int schema);

/* RC_OK: *ret_number is the newest migration's, 0 where none was ever applied. */
enum rc pg_schema(struct ctx *cx, int64_t *ret_number);

/* What a program needs to find before it serves; and how it says, before it ends or while it waits, what it finds instead. */
struct pg_need {
	const char *database, *role;
	int schema;
	log_fn *say; /* an error is the program's end */
};

enum pg_fit {
	PG_FITS,
	PG_MISFITS, /* the schema is an older or a newer one: the program is to end with PG_MISFIT_STATUS */
	PG_UNKNOWN, /* nobody answers: the program may wait, and serve meanwhile what needs no database */
};
#define PG_MISFIT_STATUS 78 /* EX_CONFIG of sysexits.h */

/* Asks once; the first thing of all, where threads come later.  *n's texts must stay. */
enum pg_fit pg_schema_check(const struct pg_need *n);

/* After PG_UNKNOWN: a thread that asks until there is an answer, and ends the process where it is PG_MISFITS. */
bool pg_schema_await(void);

/* The one row that is expected.  RC_NOT_FOUND where there is none; ret_row is written only on RC_OK, its texts are in the
 * arena. */
enum rc pg_fetch_one(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, void *ret_row);

/* The same for a statement that may well fail, as an insert that a unique index decides on: inside a transaction it
 * gets a savepoint, so that the transaction goes on; alone it stays one round trip. */
enum rc pg_try_one(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, void *ret_row);

/* All rows, as an array of structs of size bytes in the arena. */
enum rc pg_fetch_all(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t size, void *ret_rows_ptr,
    size_t *ret_count);

/* Hands each row to each(), in single-row mode at flat memory: row and its texts are there until each() returns; others' fibers have their turn
 * in between.  Stops at the first rc of each() that is not RC_OK and returns it.  The deadline holds for the wait for each row. */
enum rc pg_for_each(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t size,
    enum rc (*each)(void *closure, const void *row), void *closure);

/* For statements that return nothing.  ret_affected may be NULL. */
enum rc pg_execute(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t *ret_affected);

/*
 * A transaction.  pg_end commits where rc is RC_OK, else rolls back, and returns rc, or what the commit ended in.  Nested, they are a
 * savepoint, so that a domain function works alone and inside an import's batch alike.  A commit whose answer was lost is
 * RC_UNAVAILABLE: it may have happened.
 *
 *	rc = pg_begin(cx);
 *	if (rc != RC_OK)
 *		return rc;
 *	rc = …;
 *	return pg_end(cx, rc);
 */
enum rc pg_begin(struct ctx *cx);
enum rc pg_end(struct ctx *cx, enum rc rc);

/* Whether the statement that failed last did because it waited for a lock as long as lock_timeout allows. */
bool pg_lock_timed_out(const struct pg *pg);

/* Array literals for `= any($1::uuid[])` and unnest($1::text[]): add each element (NULL is SQL null), then take .bytes as an F_TEXT
 * member.  Starts as PG_ARRAY(arena). */
struct pg_array {
	struct buf buf;
	size_t count;
};
#define PG_ARRAY(a) { .buf = { .arena = (a) } }
void pg_array_add(struct pg_array *array, const char *text);
const char *pg_array_end(struct pg_array *array); /* in its arena */

/*
 * Many rows in one `insert … on conflict do nothing`, or a question what one would do.  The statement answers each of the count that were
 * asked for, in their order: isNew (it went in), there (its id was there before), same (with the same values).  ret_each: RC_OK,
 * RC_DUPLICATE (there, and the same), RC_STALE (there, with other values), RC_CONFLICT (something else of it is taken).
 */
extern const struct field pg_each_fields[]; /* the statement's .out */
enum rc pg_insert_each(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t count, enum rc *ret_each);

/* Rows for COPY, column by column: NULL is SQL null, all else the column's text.  Starts as PG_ROWS(arena). */
struct pg_rows {
	struct buf buf;
	bool in_row;
	size_t count;
};
#define PG_ROWS(a) { .buf = { .arena = (a) } }
void pg_rows_add(struct pg_rows *rows, const char *text);
void pg_rows_end(struct pg_rows *rows);

/* Sends them by sql, "copy table (columns) from stdin": all or none, and never twice. */
enum rc pg_copy(struct ctx *cx, const char *sql, const struct pg_rows *rows);

/* LISTEN on a channel, again after each reconnect, and wait: RC_OK when notified (or, once, after a reconnect: rows
 * may have come meanwhile), RC_TIMEOUT after timeout_ms, RC_UNAVAILABLE where the server is gone.  also_fd (-1: none) becoming readable
 * ends the wait too, with RC_CANCELLED. */
enum rc pg_listen_wait(struct ctx *cx, const char *channel, int timeout_ms, int also_fd);

/* A session-level advisory lock, for "one active process per database".  RC_OK: held as long as this connection lives, so that the
 * holder asks again now and then, which costs nothing while it does.  RC_CONFLICT: someone else has it. */
enum rc pg_try_lock(struct ctx *cx, int64_t key);

/* A script of several statements outside the prepared ones: for migrations only.  text must not contain outside data. */
enum rc pg_script(struct ctx *cx, const char *sql);

#endif
