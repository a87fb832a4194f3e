/* backup.h - what the files of `medicore backup` and `medicore restore` share. */
#ifndef CLI_BACKUP_H
#define CLI_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "cli/cli.h"
#include "lib/base/dates.h"
#include "lib/field/field.h"

#define BACKUP_FORMAT 1
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_NAME_SIZE 17 /* 20261127T084118Z */
#define SHA256_HEX_SIZE 65

/*
 * In the order of their moments: who refers to others comes first, so that what it refers to is in the backup as well.  An appointment
 * younger than billing's moment lacks its invoice, which its event mends; an invoice without its appointment could only be voided.
 */
enum backup_order { BILLING, SCHEDULING, PATIENT, AUTH, BACKUP_DOMAINS };

void backup_domains(struct cli_domain ret_domains[BACKUP_DOMAINS]);

/* --- what a backup says of itself (backup_manifest.c) --- */

struct backup_database {
	const char *domain;
	const char *database; /* as it was called there */
	struct instant moment; /* all that was committed before is in it */
	int64_t schema;
	int64_t audit_seq; /* last row of its audit trail; 0: none */
	const char *file;
	int64_t size;
	const char *sha256;
};

/* What lives outside the databases. */
struct backup_file {
	const char *file; /* "keys/KID.jwk", "seal/patient", "secrets/audit", "medicore.conf" */
	struct instant modified; /* a signing key's age is its file's */
	int64_t size;
	const char *sha256;
};

struct backup_manifest {
	int64_t format;
	const char *program; /* version that made it */
	const char *server;  /* PostgreSQL's */
	struct instant made;
	struct field_list databases; /* of struct backup_database */
	struct field_list files;     /* of struct backup_file */
};

#define BACKUP_FILES_MAX 200

/* True for YYYYMMDDThhmmssZ and nothing else. */
bool backup_name_valid(const char *name);

/* Writes it as directory's last file, so that a directory that has one is whole.  False, said on standard error. */
bool manifest_write(struct cli *cli, const char *directory, const struct backup_manifest *m);

/* False, said on standard error, for what manifest_write can't have written. */
bool manifest_read(struct cli *cli, const char *directory, struct backup_manifest *ret);

/* Is every file there, with the bytes that it had?  All that isn't is said on standard error. */
bool manifest_verify(struct cli *cli, const char *directory, const struct backup_manifest *m);

const struct backup_database *manifest_find(const struct backup_manifest *m, const char *domain); /* NULL: it has none */

/* --- files (backup_files.c): each says on standard error what is wrong and returns false --- */

/* SHA-256 in hexadecimal and size of a file that is written; with sync set it is on the disk afterwards. */
bool file_digest(struct cli *cli, const char *path, bool sync, char ret_sha256[SHA256_HEX_SIZE], int64_t *ret_size);

bool file_write(struct cli *cli, const char *path, const void *bytes, size_t length, const struct timespec *modified); /* whole_file.h */

bool directory_make(struct cli *cli, const char *path, bool may_be_there); /* mode 0700 */
bool directory_sync(struct cli *cli, const char *path);
bool directory_remove(struct cli *cli, const char *path); /* with all that is in it */

/* --- PostgreSQL's tools (backup_tool.c) --- */

/*
 * Runs tool with its arguments (argv[0] is its name, the last one NULL), no shell between, connected as [database] admin; shows its complaints
 * but what they quote of rows.  On a terminal the growth of the file `watched` (NULL: none) is shown.  False, said on standard error, where it
 * can't be run or failed, also by a signal that came for us.
 */
bool tool_run(struct cli *cli, const char *const *argv, const char *watched);

/* From here on SIGINT and the like end the tool that runs, and tool_stopped says so, rather than us: there is something to tidy up. */
void tool_signals(void);
bool tool_stopped(void);

/* What a tool takes as --dbname: libpq would read a name with "=" in it as more than a name. */
const char *tool_database(struct arena *a, const char *name);

/* --- SQL (backup_store.c) --- */

/* Begins cx's transaction, which sees one moment of its database until it ends; *ret_snapshot is for pg_dump. */
struct backup_moment {
	const char *snapshot;
	const char *server; /* version */
	struct instant moment;
	int64_t schema;
	int64_t audit_seq;
	int64_t table_bytes; /* without indexes */
};
enum rc backup_store_moment(struct ctx *cx, struct backup_moment *ret);

/* Who else is connected to the databases of an array literal of names. */
struct backup_session {
	const char *database, *role;
	int64_t count;
};
enum rc backup_store_sessions(struct ctx *cx, const char *databases, struct backup_session **ret_sessions, size_t *ret_count);

/* Whether any table has, or had since it was vacuumed, a row: schema_migration doesn't count. */
enum rc backup_store_filled(struct ctx *cx, bool *ret_filled);

/* Names of databases that a restore which was killed left behind: NAME_restore_<backup's name>. */
struct backup_left {
	const char *name;
};
enum rc backup_store_left(struct ctx *cx, const char *databases, struct backup_left **ret_left, size_t *ret_count);

/* Lets statements of this connection take as long as they need. */
enum rc backup_store_patient(struct ctx *cx);
enum rc backup_store_forget_migrations(struct ctx *cx); /* drops the table that pg_restore brings */
enum rc backup_store_analyze(struct ctx *cx);

enum rc backup_store_rename(struct ctx *cx, const char *from, const char *to);
enum rc backup_store_drop(struct ctx *cx, const char *database);

#endif
