/*
 * field.h - one table per resource says what each member is: its JSON name, type, limits, messages, column and
 * use.  Parsing, checking, SQL binding, replies and the OpenAPI schemas walk it.
 *
 * In C a member is
 *   text of any kind        const char *, NULL where absent; checked and in canonical form (UUIDs and currencies in
 *                           their canonical case, dates YYYY-MM-DD)
 *   F_INSTANT               struct instant
 *   F_MONEY                 struct money, in the currency that .currency's member holds
 *   F_COUNT                 int64_t, 0 where absent
 *   F_INT                   int64_t, always there
 *   F_BOOL                  bool; false is left out of replies
 *   F_SWITCH                enum field_switch: true and false both mean something, and absent is neither
 *   F_LIST                  struct field_list: rows of another table
 *   F_GROUP                 a struct inside, an object of its own; replies only
 *   F_RATE                  int64_t, of 10,000 parts of a percent ("8.25" is 82500); -1 where absent
 * so a zeroed struct has nothing in it but a rate of 0: field_read makes those -1 that the body doesn't name,
 * field_load those that are null; whoever fills a struct otherwise says which they mean.
 */
#ifndef FIELD_FIELD_H
#define FIELD_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/base/dates.h"
#include "lib/base/money.h"
#include "lib/base/text.h"

enum field_type {
	F_TEXT,
	F_EMAIL,
	F_UUID,
	F_DATE,
	F_ENUM, /* one of .choices */
	F_CODE, /* [A-Za-z0-9._-]{1,max}: a service's code, a currency's is F_CURRENCY */
	F_CURRENCY,
	F_ZONE, /* a name of the IANA time zone database */
	F_INSTANT,
	F_MONEY,
	F_COUNT,
	F_INT,
	F_BOOL,
	F_SWITCH,
	F_LIST,
	F_GROUP, /* its members are .items, from there on */
	F_RATE, /* 0 to 100 percent, at most 4 decimals */
	F_BYTES, /* struct field_bytes; SQL only (bytea) */
};

enum field_switch {
	SWITCH_ABSENT,
	SWITCH_OFF,
	SWITCH_ON,
};

struct field_list {
	const void *rows;
	size_t count;
};

struct field_bytes {
	const void *bytes; /* NULL: SQL null */
	size_t length;
};

/* What a member is used for.  A member of the body whose row lacks the use at hand is unknown: 400. */
enum field_use {
	CREATE = 1 << 0,   /* read from the body on create */
	UPDATE = 1 << 1,   /* read from the body on update; null means unchanged */
	REPLY = 1 << 2,	   /* written in replies */
	REQUIRED = 1 << 3, /* on create, or in a PUT's body, it must be there; text that is blank is not, on update neither */
	FILTER = 1 << 4,   /* read from the query string */
	KEYS = 1 << 5,	   /* part of a PUT's body */
	NULLABLE = 1 << 6, /* with REPLY: it may have no value, which replies show as null; OpenAPI says so */
	EVEN_EMPTY = 1 << 7, /* with REPLY, of an F_LIST: written where it is empty, too */
	SIGNED = 1 << 8,   /* with REPLY, of an F_MONEY: it may be negative; OpenAPI says so */
};

struct field {
	const char *name; /* JSON member and query parameter; the column is its snake_case (patientId, patient_id) */
	enum field_type type;
	size_t at;	     /* offset in the struct */
	unsigned use;	     /* of enum field_use */
	unsigned max;	     /* most code points (F_TEXT, F_EMAIL, F_CODE), or most of F_COUNT; 0: 255, or no limit for a count;
			      * most elements of an F_LIST, 0: 200 */
	const char *const *choices; /* F_ENUM, ends with NULL */
	const char *currency; /* F_MONEY: name of the member with its currency; NULL: "currency" */
	const struct field *items; /* F_LIST: what its elements are.  In any body they are read as on CREATE, since
				    * they replace what was there; REQUIRED means at least one.  An F_CURRENCY row
				    * without CREATE holds the currency of the object around it. */
	size_t item_size;
	/* Messages that clients rely on; NULL: a plain one is made. */
	const char *missing, *malformed, *too_long, *too_long_update;
	const char *help; /* OpenAPI description */
};

/* Tables end with a row whose name is NULL. */
#define FIELD_END { .name = NULL }

/*
 * Reads a JSON object of length bytes into into (zeroed by the caller), collecting every field error in cx;
 * use is CREATE, UPDATE or KEYS.  RC_INVALID for any: malformed JSON (RFC 8259 to the letter), a duplicate member, an unknown one, a wrong type, NUL or bad UTF-8, a value
 * outside its row's limits.  Members of a list's elements are blamed as "lines[2].quantity".
 *
 * A currency that the caller put into the struct before is the one meant where the body names none: amounts of
 * what exists already are in its own.
 */
enum rc field_read(struct ctx *cx, const struct field *table, enum field_use use, const char *json, size_t length,
    void *into);

/* Checks one text value (percent-decoded query parameter, CSV cell, gRPC string) by its row and stores it.
 * On a bad one blames row->name and returns RC_INVALID.  An F_MONEY member holds no amount until
 * field_finish, which knows the currency. */
enum rc field_set(struct ctx *cx, const struct field *row, enum field_use use, const char *text, size_t length,
    void *into);

/* After the last field_set, once: amounts, which need their currency (where none was named it becomes
 * [billing] currency), and members that are REQUIRED.  RC_INVALID where any field is to blame.  field_read
 * calls it. */
enum rc field_finish(struct ctx *cx, const struct field *table, enum field_use use, void *into);

/* from's members with REPLY, as a JSON object: null where they are absent, but a false F_BOOL and an empty
 * F_LIST are left out, unless EVEN_EMPTY. */
void field_write(struct buf *b, const struct field *table, const void *from);

/*
 * The names of the table's members with REPLY as a line of CSV (RFC 4180, CR LF), and one row: cells are empty where a
 * member is absent; lists have no column.  Text that a spreadsheet would run as a formula gets an apostrophe before it.
 */
void field_csv_head(struct buf *b, const struct field *table);
void field_csv(struct buf *b, const struct field *table, const void *from);

const struct field *field_find(const struct field *table, const char *name); /* NULL: none */

/* --- for lib/pg (field_sql.c) --- */

/* The column of a member: its name in snake_case, "dateOfBirth" to "date_of_birth"; cut at size. */
void field_column(const char *name, char *ret, size_t size);

/*
 * Stores a column into the struct at into; texts and bytes are copied to a.  sql_text is trusted: what
 * PostgreSQL prints with DateStyle ISO and TimeZone UTC (bool t or f, timestamptz "2026-11-01
 * 04:58:59.5+00", amounts as bigint of smallest units, bytea as \x and hex), NULL for SQL null.
 * RC_INTERNAL, and nothing stored, for what can't be read so: the column's type is not the row's.
 */
enum rc field_load(struct arena *a, const struct field *row, const char *sql_text, size_t length, void *into);

/* The same, but a text isn't copied: sql_text, which ends in a NUL, stays as long as the struct is used. */
enum rc field_load_in_place(struct arena *a, const struct field *row, const char *sql_text, size_t length, void *into);

/* A member of the struct at from as the text of a parameter, in the forms above (instants as RFC 3339);
 * NULL where it is absent: SQL null.  Lives as long as the struct's texts and a do. */
const char *field_text(struct arena *a, const struct field *row, const void *from);

/* The table as an OpenAPI 3.1 schema object (JSON Schema 2020-12) for one use. */
void field_schema(struct buf *b, const struct field *table, enum field_use use);
void field_schema_row(struct buf *b, const struct field *row, enum field_use use); /* one member's */

#endif
