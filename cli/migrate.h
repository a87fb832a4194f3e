/* migrate.h - what the files of `medicore migrate` share. */
#ifndef CLI_MIGRATE_H
#define CLI_MIGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "lib/base/text.h"
#include "lib/field/field.h"

/* One SQL file, or one row of schema_migration; members that only the other one has are absent. */
struct migration {
	int64_t number;
	const char *name; /* "0001_patients.sql" */
	const char *path;
	struct field_bytes text;
	const char *checksum; /* SHA-256 of the text, in hexadecimal */
	struct instant applied_at;
};

/* --- migrate_files.c --- */

/* The migrations below directory, in order of their numbers; false, said on standard error, where they can't be read or two have the
 * same number. */
bool migration_files(struct cli *cli, const char *directory, struct migration **ret_files, size_t *ret_count);

/* A whole file, with a NUL behind it that isn't counted. */
bool migration_text(struct cli *cli, const char *path, struct field_bytes *ret_text);

/* --- migrate_store.c --- */

/* One migrate at a time on a server, whatever its databases: try tells at once (RC_CONFLICT), wait waits. */
enum rc migrate_try_lock(struct ctx *cx);
enum rc migrate_wait_lock(struct ctx *cx);

enum rc database_exists(struct ctx *cx, const char *name, bool *ret_exists);
enum rc database_make(struct ctx *cx, const char *name);

/* Appends a database's name, which comes from the configuration, as an identifier of SQL. */
void database_identifier(struct buf *b, const char *name);

/* What schema_migration says; nothing at all in a new database. */
enum rc migration_applied(struct ctx *cx, struct migration **ret_rows, size_t *ret_count);

/* Fills in the file's checksum. */
enum rc migration_checksum(struct ctx *cx, struct migration *file);

/* Makes schema_migration and runs the domain's roles.sql; changes nothing where all is there. */
enum rc migration_prepare(struct ctx *cx, const char *roles_sql);

/* Runs the file and records it, in one transaction. */
enum rc migration_apply(struct ctx *cx, const struct migration *file);

#endif
