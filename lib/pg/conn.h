/*
 * conn.h - what the files of lib/pg share: connections, what is known of their statements, and the handles that use them.
 */
#ifndef PG_CONN_H
#define PG_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/pg/pg.h"

/* A statement's members and columns, looked up by name once instead of at every use. */
struct binding {
	struct binding *next; /* of the same hash */
	struct arena *arena;  /* the connection's */
	const struct pg_stmt *stmt;
	bool prepared;	/* on the present connection */
	bool preparing; /* on its way to being so */
	int param_count;
	const struct field **params;
	int column_count; /* -1: no result was seen yet since it was prepared */
	const struct field **columns;
	int column_room; /* in .columns */
	int absent_count; /* members of .out that no column fills in */
	const struct field **absent;
};

#define BINDING_SLOTS 64

/* Why a statement failed, as far as it matters for repeating it. */
enum pg_failure {
	PG_FAILED,     /* it would fail again */
	PG_LOST,       /* the connection went away: it may have had its effect */
	PG_LOCKED,     /* lock_timeout */
	PG_SERIALIZED, /* the server undid it in favour of another transaction */
};

/* Whose database, and as whom. */
struct target {
	const char *database;
	const char *role;
	const char *options;
	const char *foreign; /* a connection string, in place of those three; NULL: it is ours */
};

/* A connection, and what the server keeps for it. */
struct link {
	PGconn *conn;	     /* NULL: none at the moment */
	struct arena *arena; /* its owner's */
	const struct target *to;
	struct binding *bindings[BINDING_SLOTS];
	bool dying; /* the server said that it is about to end the connection */
	bool lock_held;
	const char *listening;	/* channel the present connection listens on; NULL: none */
	int64_t answered_at_ns; /* when the server last was heard of */
	struct link *next;	/* idle, too, in its pool */
};

/* What its user knows of statements and transactions. */
struct pg {
	struct arena *arena;  /* lives as long as this struct; NULL: the pool's does */
	struct link *link;    /* NULL: none is borrowed at the moment */
	struct pg *next;      /* of the pool's closed ones */
	struct pg_pool *pool; /* where it is borrowed; NULL: it is this handle's own, for good */

	unsigned depth; /* of pg_begin; 0: outside transactions */
	bool begun;	/* the server was told of the outermost one */
	bool lost;	/* the connection died inside the transaction, which is thereby rolled back */
	bool streaming; /* inside pg_for_each */
	enum pg_failure failure; /* of the last statement that failed */

	/* The last attempt to connect that failed: a request makes only one. */
	char failed_request[REQUEST_ID_MAX + 1];
	int64_t failed_at_ns;
};

/* NULL: there is none at the moment. */
static inline PGconn *
pg_conn(const struct pg *pg)
{
	return pg->link == NULL ? NULL : pg->link->conn;
}

/* --- pg.c --- */

/* As pg_open, but the first statement connects. */
struct pg *pg_new(const char *database, const char *role);

/* NULL for names that are none, said on standard error. */
const struct target *pg_target(struct arena *a, const char *database, const char *role);

/* --- connect.c --- */

/* Connects link, which has no connection, until deadline_ns. */
enum rc pg_establish(struct ctx *cx, struct link *link, int64_t deadline_ns);

/* --- link.c --- */

/* One to be, in a. */
struct link *pg_link(struct arena *a, const struct target *to);

/* Ends the connection and what the server kept for it. */
void pg_link_drop(struct link *link);

/* Whether it answered a moment ago, and nothing is known against it since. */
bool pg_heard_lately(const struct link *link);

/* When a statement that starts now has to be answered; the server's own statement_timeout comes a bit earlier. */
int64_t pg_deadline(const struct ctx *cx);

/* A connection that works as far as one can tell, made anew or borrowed where needed. */
enum rc pg_connected(struct ctx *cx, int64_t deadline_ns);

/* Gives back what was borrowed, unless a transaction still needs it.  After each statement. */
void pg_done(struct pg *pg);

/* Whether this request has tried to connect in vain a moment ago; and that it tries, which counts until failed_at_ns is 0 again. */
bool pg_tried_already(const struct ctx *cx);
void pg_note_attempt(const struct ctx *cx);

/* pg_link_drop for the handle's connection, and the transaction in it. */
void pg_drop(struct pg *pg);

/* Waits until PQgetResult wouldn't block.  On any failure the connection is dropped: half an answer is of no use. */
enum rc pg_wait(struct ctx *cx, const char *where, int64_t deadline_ns);

/* Somebody who has waited since then got no answer.  Whether the server is mute: what wasn't heard of since is to be made anew. */
bool pg_waited_in_vain(int64_t started_ns);

/* --- pool.c --- */

/* Takes one of the pool's for pg, as soon as there is one. */
enum rc pg_borrow(struct ctx *cx, int64_t deadline_ns);
void pg_give_back(struct pg *pg);

/* The server is mute: those who wait needn't find out by themselves. */
void pg_pool_refuse(struct pg_pool *pool);

/* pg isn't used any more. */
void pg_pool_take_back(struct pg *pg);

struct pg_lookups *pg_pool_lookups(struct pg_pool *pool);

/* --- lookup.c --- */

/* What a pool has for lookups, in a. */
struct pg_lookups *pg_lookups(struct arena *a, const struct target *to);
void pg_lookups_end(struct pg_lookups *all);

/* Asks together with others of this loop.  False: it isn't a statement for that, or takes too long, and is to be asked alone. */
bool pg_look_up(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t deadline_ns, struct binding **ret_binding,
    PGresult **ret_result, enum rc *ret_rc);

/* --- error.c --- */

/* Sorts a failed result by its SQLSTATE; where names the statement. */
enum rc pg_sort(struct ctx *cx, const char *where, const PGresult *result);

/* What pg_sort would say of it. */
enum pg_failure pg_failure_of(const PGresult *result);

/* The connection failed without the server saying why. */
enum rc pg_lost(struct ctx *cx, const char *where);

/* --- query.c --- */

/* Takes all results of what was sent; *ret_result, which may be NULL, is the last one, to be cleared by the caller. */
enum rc pg_collect(struct ctx *cx, const char *where, int64_t deadline_ns, PGresult **ret_result);

/* A command without parameters or rows by the simple protocol: begin, commit, listen, set. */
enum rc pg_command(struct ctx *cx, const char *sql, int64_t deadline_ns);

/* Prepares stmt where this connection hasn't, inside the transaction where one is open. */
enum rc pg_prepared(struct ctx *cx, const struct pg_stmt *stmt, int64_t deadline_ns,
    struct binding **ret_binding);

/* The server has prepared it. */
void pg_prepared_now(struct binding *b);

/* The members of arg that it takes, as text. */
const char **pg_values(struct ctx *cx, const struct binding *b, const void *arg);

/* Sends stmt with the members of arg that it takes.  False: the connection is gone. */
bool pg_send(struct ctx *cx, const struct binding *b, const void *arg);

/* Fills in row from the result's row n; members without a column become absent. */
enum rc pg_load(struct ctx *cx, struct arena *a, struct binding *b, const PGresult *result, int n, void *row);

/* The same for a row that is used no longer than the result: its texts are the result's own. */
enum rc pg_load_in_place(struct ctx *cx, struct arena *a, struct binding *b, const PGresult *result, int n, void *row);

/* Whether a statement that failed may be sent again, for the tries-th time so far; clears the way for it. */
bool pg_may_repeat(struct pg *pg, const struct pg_stmt *stmt, int tries);

/* --- binding.c --- */

enum rc pg_binding(struct ctx *cx, struct link *link, const struct pg_stmt *stmt, struct binding **ret_binding);
enum rc pg_bind_columns(struct ctx *cx, struct binding *b, const PGresult *result);

/* --- transaction.c --- */

/* Tells the server of a transaction that pg_begin has noted. */
enum rc pg_begun(struct ctx *cx, int64_t deadline_ns);

/* A command that puts the connection in order again, or drops it.  What went wrong before is what the caller is told. */
void pg_tidy(struct ctx *cx, const char *command);

#endif
