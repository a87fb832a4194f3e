/*
 * seed.h - medicore import seed: the databases of the system replaced, row by row through the domains' functions and rules.
 *
 * A part is one of its tables and where its rows go; seed.c reads, batches, reports and counts.
 */
#ifndef CLI_SEED_H
#define CLI_SEED_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"
#include "lib/field/field.h"

#define SEED_COLUMNS 6
#define SEED_PARTS 3

struct pg_stmt;
struct seed;

/* A row as its database has it: texts, NULL where there is none. */
struct seed_row {
	const char *id;
	const char *cells[SEED_COLUMNS];
};

struct seed_item {
	const char *id;
	void *value;	    /* the domain's struct */
	enum rc rc;	    /* RC_OK; RC_DUPLICATE, RC_STALE: was there already, the same or otherwise; else refused */
	const char *reason; /* of a refusal */
	const char *note;   /* what somebody should look at, although it is in; NULL: nothing */
};

struct seed_part {
	const char *option;		/* that names its database */
	const char *name;		/* of what it becomes */
	const char *table;		/* there */
	const struct pg_stmt *next;	/* seed_store.h */
	size_t domain;			/* here; CLI_PATIENT, … */
	size_t batch;			/* rows taken in one transaction */
	const struct field *fields;
	const char *members[SEED_COLUMNS + 1]; /* that the cells are, then NULL */
	size_t size;			       /* of the domain's struct */

	/* What the fields' rows don't say; value has id and members.  Errors go to cx. */
	void (*check)(struct ctx *cx, struct seed_item *item);

	/* In the open transaction; sets rc, and note, of each. */
	enum rc (*take)(struct ctx *cx, struct seed *seed, struct seed_item *const *items, size_t count);
};

extern const struct seed_part *const seed_parts[SEED_PARTS];

/* By their place in seed_parts. */
enum { SEED_PATIENTS, SEED_INVOICES, SEED_ACCOUNTS };

struct seed {
	struct cli *cli;
	const char *uris[SEED_PARTS]; /* NULL: left out */
	const char *booked;	      /* the day that invoices count for; NULL: now */
	bool dry_run;
	struct ctx here[SEED_PARTS]; /* pg NULL: not needed */
	size_t rows, imported, already, refused, noted; /* of the part at hand */
};

/* medicore import seed …: argv[0] is "seed". */
int seed_import(struct cli *cli, int argc, char **argv);

#endif
