/*
 * cli.h - the operator's command: one function per verb, one row of the table in main.c.
 *
 * Exit status: 0 done; 1 it failed, or found something wrong; 2 it was asked for wrongly.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

#define CLI_DONE 0
#define CLI_FAILED 1
#define CLI_USAGE 2

/* Role that the verbs of everyday connect as; migrate alone is config->database.admin. */
#define CLI_OPERATOR "medicore_operator"

/* Where new databases are made from, and where the lock of all migrates and restores is: it is there on every server. */
#define CLI_MAINTENANCE_DATABASE "postgres"

struct cli {
	struct arena *arena; /* of the whole run */
	const char *verb;    /* name of the one that runs */
	const char *args;    /* what it takes, as its row says */
	const char *settings; /* --config's; NULL: the usual */
};

struct verb {
	const char *name;
	const char *args; /* after the name, in the usage line; "" none */
	const char *help; /* one line */
	const char *more; /* what `medicore VERB --help` adds; NULL: nothing */
	/* argv[0] is the verb; the result is the exit status. */
	int (*run)(struct cli *cli, int argc, char **argv);
};

int verb_migrate(struct cli *cli, int argc, char **argv);      /* migrate.c */
int verb_import(struct cli *cli, int argc, char **argv);       /* import.c */
int verb_dead_letters(struct cli *cli, int argc, char **argv); /* dead_letters.c */
int verb_audit(struct cli *cli, int argc, char **argv);	       /* audit.c */
int verb_certs(struct cli *cli, int argc, char **argv);	       /* certs.c */
int verb_backup(struct cli *cli, int argc, char **argv);       /* backup.c */
int verb_restore(struct cli *cli, int argc, char **argv);      /* restore.c */
int verb_check(struct cli *cli, int argc, char **argv);	       /* check_main.c */
int verb_user(struct cli *cli, int argc, char **argv);	       /* user.c */
int verb_sweep_overdue(struct cli *cli, int argc, char **argv); /* sweep_main.c */
int verb_metrics(struct cli *cli, int argc, char **argv);      /* metrics.c */
int verb_config(struct cli *cli, int argc, char **argv);	       /* config.c */
int verb_keys(struct cli *cli, int argc, char **argv);	       /* keys.c */

/* What each domain's database is called, and which schema this program is for; the order is migrate's. */
enum { CLI_PATIENT, CLI_SCHEDULING, CLI_BILLING, CLI_AUTH, CLI_DOMAINS };

struct cli_domain {
	const char *name;
	const char *database;
	int schema;
};

void cli_domains(struct cli_domain ret_domains[CLI_DOMAINS]);

/* Opens a database as role and makes a context without deadline in cli's arena; false, said on standard error,
 * where the server can't be reached, or the database has another schema and the role isn't the administrator's.  cli_close ends both. */
bool cli_open(struct cli *cli, const char *database, const char *role, struct ctx *ret_cx);
void cli_close(struct ctx *cx);

/* A whole file, with a NUL behind it that isn't counted, in the arena; NULL, with errno set, where it can't be read. */
char *cli_read_file(struct arena *a, const char *path, size_t *ret_length);

/* Whether that is the name of a file with a signing key, for scandir (keys.c). */
int cli_is_key(const struct dirent *entry);

/* The number from 0 to max that text is, and nothing else. */
bool cli_number(const char *text, int64_t max, int64_t *ret_number);

/* Progress is a line of standard error that the next one overwrites, where somebody looks. */
bool cli_on_terminal(void);
void cli_hide_progress(void);

/*
 * Says on standard error what went wrong and what mends it, and returns the exit status to end with:
 *
 *	medicore migrate: db/patient/0002_x.sql: the database has another version of it
 *	  put the file back as it was, and make the change in a new one
 */
int cli_error(const struct cli *cli, const char *mend /* NULL: nothing to say */, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a function that ended in rc: fmt says what was tried, cx->err and rc why it failed. */
int cli_failed(const struct cli *cli, struct ctx *cx, enum rc rc, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for wrong arguments, with the usage line; CLI_USAGE. */
int cli_usage(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
