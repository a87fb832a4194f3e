/*
 * import.h - rows of CSV files, through the domain's functions and rules.
 *
 * A kind of thing says which columns it takes and what becomes of them; import.c reads, batches, reports and counts.
 */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"
#include "cli/csv.h"
#include "lib/field/field.h"

#define IMPORT_COLUMNS_MAX 16

struct scheduling_ports;
struct import;

struct import_column {
	const char *name;   /* in the file's first line */
	const char *member; /* that it is, checked by its field's row; NULL: map() puts it together */
	bool optional;	    /* may be missing, or left out by --without */
};

struct import_row {
	size_t line;   /* in the file */
	size_t number; /* of the data row, from 1 */
	struct csv_cell *cells;
	void *value; /* the domain's struct */
	enum rc rc;
	bool already;	    /* was there before */
	const char *reason; /* where rc is not RC_OK */
};

struct import_kind {
	const char *name;
	const char *(*database)(void);
	const struct field *fields;
	const struct import_column *columns; /* ends with a NULL name */
	size_t size;			     /* of the domain's struct */
	size_t batch;			     /* lines taken in one transaction */

	/* Members that no single column is; may be NULL.  Errors go to cx. */
	void (*map)(struct ctx *cx, const struct import *im, const struct import_row *row, void *into);

	/* Once per batch, before its transaction; may be NULL. */
	enum rc (*prepare)(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t count);

	/* Through the domain's function, one by one in the open transaction. */
	enum rc (*write)(struct ctx *cx, const struct import *im, const void *value, bool *ret_already);

	/* In its place: all of a batch at once.  Says of each row whether it was there already, or refuses it by import_refuse. */
	enum rc (*write_all)(struct ctx *cx, const struct import *im, struct import_row *const *rows, size_t count);
};

extern const struct import_kind import_patients, import_services, import_appointments;

struct import {
	struct cli *cli;
	const struct import_kind *kind;
	const struct scheduling_ports *ports; /* appointments */
	const char *path;
	const char *without;	/* NULL: every column counts */
	const char *registered; /* patients: the day for those without a visit */
	const struct visits *visits; /* patients: who came when first (import_visits_read); NULL: nobody knows */
	bool dry_run;
	struct csv csv;
	int at[IMPORT_COLUMNS_MAX]; /* which of the file's columns; -1: none */
	size_t width;		    /* columns that the file has */
	size_t lines, imported, already, refused;
};

/* Runs it; what is counted is kept, except in a dry run.  On other than RC_OK it could not go on, and has said why. */
enum rc import_run(struct import *im, struct ctx *cx);

/* The first line.  False, said on standard error, where a column is missing that must be there, or is there twice. */
bool import_read_header(struct import *im);

/* Checks one row and fills in value; row->rc and row->reason say how it went. */
void import_map(struct ctx *cx, const struct import *im, const struct csv_record *record, struct import_row *row);

/* The cell of a column in a row; empty where the file has no such column. */
struct csv_cell import_cell(const struct import *im, const struct import_row *row, const char *column);

/* Stores text in a member, checked by its row. */
void import_set(struct ctx *cx, const struct import *im, const char *member, const struct buf *text, void *into);

/* The row isn't taken, for what cx's error says. */
void import_refuse(struct ctx *cx, const struct import *im, struct import_row *row, enum rc rc);

/* True where a domain function refused with RC_CONFLICT because the id itself is taken: the row is there already. */
bool import_id_taken(const struct ctx *cx, enum rc rc);

/* The file whose PATIENT and START columns say when each patient came first, for im->visits; false, said on standard error. */
bool import_visits_read(struct import *im, const char *path);

#endif
