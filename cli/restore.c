/*
 * restore.c - medicore restore: a backup's databases, made beside those that are there and put in their places all at once, so that
 * whatever fails before leaves everything as it was; then what lives outside of them.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/backup.h"
#include "cli/check_books_store.h"
#include "cli/migrate.h"
#include "domain/auth/auth.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

#define NAME_MAX_BYTES 63

struct restore {
	struct cli *cli;
	const char *directory;
	const char *migrations;
	const char *only; /* a domain; NULL: all of them */
	bool replace, dry_run;
	struct backup_manifest manifest;
	struct cli_domain domains[BACKUP_DOMAINS];
	const char *names;             /* of the databases, an array literal */
	char at[BACKUP_NAME_SIZE];     /* when this runs: part of the names of what it makes and puts aside */
	bool there[BACKUP_DOMAINS];    /* there is a database of that name */
	bool filled[BACKUP_DOMAINS];   /* with something in it */
	bool made[BACKUP_DOMAINS];     /* its new one is there */
	struct ctx server;
};

static const char *
new_name(const struct restore *r, size_t i)
{
	return arena_printf(r->cli->arena, "%s_restore_%s", r->domains[i].database, r->at);
}

static const char *
old_name(const struct restore *r, size_t i)
{
	return arena_printf(r->cli->arena, "%s_before_%s", r->domains[i].database, r->at);
}

static bool
is_wanted(const struct restore *r, size_t i)
{
	return r->only == NULL || strcmp(r->only, r->domains[i].name) == 0;
}

static const struct backup_database *
saved(const struct restore *r, size_t i)
{
	return manifest_find(&r->manifest, r->domains[i].name);
}

/* --- may it be done? --- */

static bool
check_schemas(const struct restore *r)
{
	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		if (!is_wanted(r, i))
			continue;
		if (saved(r, i)->schema > r->domains[i].schema) {
			cli_error(r->cli, "install the MediCore that made the backup, or a newer one",
			    "%s: the backup has schema %" PRId64 ", which is newer than this program's %d; MediCore %s made it",
			    r->domains[i].name, saved(r, i)->schema, r->domains[i].schema, r->manifest.program);
			return false;
		}
		if (strlen(old_name(r, i)) > NAME_MAX_BYTES || strlen(new_name(r, i)) > NAME_MAX_BYTES) {
			cli_error(r->cli, NULL, "%s: the database's name is too long to have another beside it", r->domains[i].database);
			return false;
		}
	}
	return true;
}

/* A dry run is for backups as well, of which somebody wants to know whether they are whole: it may come at any time. */
static bool
check_sessions(struct restore *r)
{
	FILE *to = r->dry_run ? stdout : stderr;
	struct backup_session *sessions;
	size_t count;
	enum rc rc = backup_store_sessions(&r->server, r->names, &sessions, &count);

	if (rc != RC_OK)
		return cli_failed(r->cli, &r->server, rc, "who is connected") == CLI_DONE;
	if (count == 0)
		return true;
	if (r->dry_run)
		puts("programs are connected to the databases, which would have to be stopped first");
	else
		cli_error(r->cli, "stop them first: systemctl stop medicore.target", "programs are connected to the databases");
	for (size_t i = 0; i < count; i++)
		fprintf(to, "  %s: %" PRId64 " of %s\n", sessions[i].database, sessions[i].count, sessions[i].role);
	return r->dry_run;
}

static bool
look_into(struct restore *r, size_t i)
{
	struct ctx cx;
	enum rc rc = database_exists(&r->server, r->domains[i].database, &r->there[i]);

	if (rc != RC_OK)
		return cli_failed(r->cli, &r->server, rc, "%s: database %s", r->domains[i].name, r->domains[i].database) == CLI_DONE;
	if (!r->there[i])
		return true;
	if (!cli_open(r->cli, r->domains[i].database, config->database.admin, &cx))
		return false;
	rc = backup_store_filled(&cx, &r->filled[i]);
	if (rc != RC_OK)
		cli_failed(r->cli, &cx, rc, "%s: database %s", r->domains[i].name, r->domains[i].database);
	cli_close(&cx);
	return rc == RC_OK;
}

static bool
check_databases(struct restore *r)
{
	bool good = true;

	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		if (!is_wanted(r, i))
			continue;
		if (!look_into(r, i))
			return false;
		if (r->filled[i] && !r->replace) {
			cli_error(r->cli, NULL, "%s: database %s is not empty", r->domains[i].name, r->domains[i].database);
			good = false;
		}
	}
	if (!good)
		fputs("  --replace puts the backup in their place, and keeps them beside it under other names\n", stderr);
	return good;
}

static bool
lock(struct restore *r)
{
	enum rc rc = migrate_try_lock(&r->server);

	if (rc == RC_CONFLICT)
		return cli_error(r->cli, "wait for it", "a medicore migrate or restore is at work on this server") == CLI_DONE;
	return rc == RC_OK || cli_failed(r->cli, &r->server, rc, "lock against a migrate") == CLI_DONE;
}

/* --- saying what --- */

static void
tell_plan(const struct restore *r)
{
	char when[INSTANT_SIZE];

	instant_format(r->manifest.made.us, when);
	printf("backup of %s by MediCore %s, from PostgreSQL %s: %zu databases, %zu files, all whole\n", when, r->manifest.program,
	    r->manifest.server, r->manifest.databases.count, r->manifest.files.count);
	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		if (!is_wanted(r, i))
			continue;
		instant_format(saved(r, i)->moment.us, when);
		printf("%s: database %s will be as of %s, schema %" PRId64, r->domains[i].name, r->domains[i].database, when,
		    saved(r, i)->schema);
		if (r->filled[i])
			printf("; what is there now is kept as %s", old_name(r, i));
		else if (r->there[i])
			printf("; the empty one goes");
		putchar('\n');
	}
	fflush(stdout);
}

/* --- databases --- */

static bool
drop_left_behind(struct restore *r)
{
	struct backup_left *left;
	size_t count;
	enum rc rc = backup_store_left(&r->server, r->names, &left, &count);

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		rc = backup_store_drop(&r->server, left[i].name);
		if (rc == RC_OK)
			printf("dropped database %s, which an earlier run left unfinished\n", left[i].name);
	}
	return rc == RC_OK || cli_failed(r->cli, &r->server, rc, "what an earlier run left") == CLI_DONE;
}

/* The roles must be there before pg_restore grants them anything; roles.sql makes them, and wants the table that says which migrations there
 * are, which pg_restore brings itself. */
static enum rc
make_roles(struct ctx *cx, const char *roles_sql)
{
	enum rc rc = migration_prepare(cx, roles_sql);

	return rc == RC_OK ? backup_store_forget_migrations(cx) : rc;
}

/* What roles.sql grants on the database itself isn't in its dump. */
static enum rc
finish(struct ctx *cx, const char *roles_sql)
{
	enum rc rc = migration_prepare(cx, roles_sql);

	if (rc == RC_OK)
		rc = backup_store_patient(cx);
	return rc == RC_OK ? backup_store_analyze(cx) : rc;
}

static enum rc
finish_auth(struct ctx *cx, const char *roles_sql)
{
	int64_t ended = 0;
	enum rc rc = finish(cx, roles_sql);

	if (rc == RC_OK)
		rc = logins_end(cx, &ended);
	if (rc == RC_OK && ended > 0)
		printf("  %" PRId64 " logins ended: everybody logs in again\n", ended);
	return rc;
}

static bool
with_roles(struct restore *r, size_t i, enum rc (*does)(struct ctx *cx, const char *roles_sql))
{
	const char *path = arena_printf(r->cli->arena, "%s/%s/roles.sql", r->migrations, r->domains[i].name);
	struct field_bytes roles;
	struct ctx cx;
	enum rc rc;

	if (!migration_text(r->cli, path, &roles) || !cli_open(r->cli, new_name(r, i), config->database.admin, &cx))
		return false;
	rc = does(&cx, roles.bytes);
	if (rc != RC_OK)
		cli_failed(r->cli, &cx, rc, "%s: %s", r->domains[i].name, path);
	cli_close(&cx);
	return rc == RC_OK;
}

static bool
make_new(struct restore *r, size_t i)
{
	struct arena *a = r->cli->arena;
	const struct backup_database *from = saved(r, i);
	const char *const argv[] = { "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-password", "--dbname",
		tool_database(a, new_name(r, i)), arena_printf(a, "%s/%s", r->directory, from->file), NULL };
	int64_t start = clock_monotonic_ns();
	enum rc rc;

	if (tool_stopped())
		return false;
	printf("%s: restoring %.1f MiB\n", r->domains[i].name, (double)from->size / 1048576);
	fflush(stdout);
	rc = database_make(&r->server, new_name(r, i));
	if (rc != RC_OK)
		return cli_failed(r->cli, &r->server, rc, "%s: database %s", r->domains[i].name, new_name(r, i)) == CLI_DONE;
	r->made[i] = true;
	if (!with_roles(r, i, make_roles) || !tool_run(r->cli, argv, NULL) || !with_roles(r, i, i == AUTH ? finish_auth : finish))
		return false;
	printf("  in %.1f s\n", (double)(clock_monotonic_ns() - start) / 1e9);
	return true;
}

/* All of them in one transaction, which fails where somebody is connected. */
static enum rc
rename_all(struct restore *r)
{
	enum rc rc = pg_begin(&r->server);

	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < BACKUP_DOMAINS; i++) {
		if (!is_wanted(r, i))
			continue;
		if (r->there[i])
			rc = backup_store_rename(&r->server, r->domains[i].database, old_name(r, i));
		if (rc == RC_OK)
			rc = backup_store_rename(&r->server, new_name(r, i), r->domains[i].database);
	}
	return pg_end(&r->server, rc);
}

static void
drop_new(struct restore *r)
{
	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		if (r->made[i] && backup_store_drop(&r->server, new_name(r, i)) != RC_OK)
			cli_error(r->cli, "drop it by hand; the next restore does, too", "database %s is left", new_name(r, i));
}

static bool
put_in_place(struct restore *r)
{
	enum rc rc = rename_all(r);

	if (rc != RC_OK)
		return cli_failed(r->cli, &r->server, rc, "the new databases can't take their places: is a program connected again?") ==
		       CLI_DONE;
	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		r->made[i] = false;
		if (r->there[i] && !r->filled[i] && backup_store_drop(&r->server, old_name(r, i)) != RC_OK)
			cli_error(r->cli, NULL, "database %s, which is empty, is left", old_name(r, i));
		else if (r->filled[i])
			printf("%s: what was there before is database %s; drop it once you are sure\n", r->domains[i].name,
			    old_name(r, i));
	}
	return true;
}

/* --- what lives outside of them --- */

static const struct backup_file *
find_file(const struct restore *r, const char *name)
{
	const struct backup_file *files = r->manifest.files.rows;

	for (size_t i = 0; i < r->manifest.files.count; i++)
		if (strcmp(files[i].file, name) == 0)
			return &files[i];
	return NULL;
}

static char *
read_saved(const struct restore *r, const char *file, size_t *ret_length)
{
	char *bytes = cli_read_file(r->cli->arena, arena_printf(r->cli->arena, "%s/%s", r->directory, file), ret_length);

	if (bytes == NULL)
		cli_error(r->cli, NULL, "%s/%s: %s", r->directory, file, strerror(errno));
	return bytes;
}

/* The seal that goes with the restored trail.  The one in its place tells of rows that are lost now, so it is kept. */
static bool
restore_seal(const struct restore *r, const char *domain)
{
	struct arena *a = r->cli->arena;
	const char *file = arena_printf(a, "seal/%s", domain), *path = arena_printf(a, "%s/%s", config->audit.seal, domain);
	const char *aside = arena_printf(a, "%s.before-%s", path, r->at);
	bool was_there;
	size_t length;
	char *bytes;

	if (find_file(r, file) == NULL) {
		printf("audit of %s: the backup has no seal; `medicore audit verify %s` says what to do\n", domain, domain);
		return true;
	}
	bytes = read_saved(r, file, &length);
	if (bytes == NULL)
		return false;
	was_there = link(path, aside) == 0;
	if (!was_there && errno != ENOENT)
		return cli_error(r->cli, NULL, "%s: %s", aside, strerror(errno)) == CLI_DONE;
	if (was_there)
		printf("audit of %s: the seal that was there is %s: it proves that rows were lost, if any were\n", domain, aside);
	return file_write(r->cli, path, bytes, length, NULL);
}

static bool
restore_seals(const struct restore *r)
{
	bool good = true;

	if (access(config->audit.seal, F_OK) != 0) {
		printf("audit: there is no %s; before a relay starts, make it and copy the seals there from %s/seal\n", config->audit.seal,
		    r->directory);
		return true;
	}
	for (size_t i = 0; good && i < BACKUP_DOMAINS; i++)
		good = !is_wanted(r, i) || restore_seal(r, r->domains[i].name);
	return good && directory_sync(r->cli, config->audit.seal);
}

static bool
has_keys(const char *directory)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, cli_is_key, alphasort);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return n > 0;
}

/* With its age, which says since when it signs. */
static bool
restore_key(const struct restore *r, const struct backup_file *f)
{
	const char *path = arena_printf(r->cli->arena, "%s/%s", config->auth.keys, f->file + strlen("keys/"));
	const struct timespec modified = { .tv_sec = f->modified.us / 1000000, .tv_nsec = f->modified.us % 1000000 * 1000 };
	size_t length;
	char *bytes = read_saved(r, f->file, &length);

	return bytes != NULL && file_write(r->cli, path, bytes, length, &modified);
}

/* Only where there is none: those that sign now are newer. */
static bool
restore_keys(const struct restore *r)
{
	const struct backup_file *files = r->manifest.files.rows;
	size_t count = 0;

	if (access(config->auth.keys, F_OK) != 0 || has_keys(config->auth.keys)) {
		printf("signing keys: %s %s\n", config->auth.keys, access(config->auth.keys, F_OK) != 0 ? "isn't there" : "keeps those that it has");
		return true;
	}
	for (size_t i = 0; i < r->manifest.files.count; i++) {
		if (strncmp(files[i].file, "keys/", strlen("keys/")) != 0)
			continue;
		if (!restore_key(r, &files[i]))
			return false;
		count++;
	}
	if (count == 0)
		printf("signing keys: the backup has none; `medicore keys rotate` makes one, and everybody logs in again\n");
	else
		printf("signing keys: %zu put into %s\n", count, config->auth.keys);
	return count == 0 || directory_sync(r->cli, config->auth.keys);
}

/* Where secrets are kept is said in the settings, by the administrator: here they are only compared. */
static void
compare_secret(const struct restore *r, const char *value, const char *name, const char *what)
{
	const char *file = arena_printf(r->cli->arena, "secrets/%s", name);
	size_t length;
	char *bytes;

	if (find_file(r, file) == NULL || (bytes = read_saved(r, file, &length)) == NULL)
		return;
	if (value == NULL || strcmp(value, bytes) != 0)
		printf("%s\n  the backup's is %s/%s\n", what, r->directory, file);
}

static bool
restore_files(const struct restore *r)
{
	bool good = restore_seals(r) && (!is_wanted(r, AUTH) || restore_keys(r));

	compare_secret(r, config->audit.key, "audit",
	    "[audit] key is not the backup's, without which its audit trails can't be verified: put it back before a relay starts");
	compare_secret(r, config->auth.programs_secret, "programs", "[auth] programs_secret is not the backup's: any will do");
	return good;
}

/* --- all of it --- */

static void
tell_numbers(const struct restore *r)
{
	struct books_series *series;
	size_t count = 0;
	struct ctx cx;

	if (!is_wanted(r, BILLING) || !cli_open(r->cli, r->domains[BILLING].database, config->database.admin, &cx))
		return;
	if (books_store_series(&cx, &series, &count) == RC_OK)
		for (size_t i = 0; i < count; i++)
			printf("invoices go on behind number %s%" PRId64 "-%06" PRId64 ": higher ones that were handed out are given again\n",
			    series[i].series, series[i].year, series[i].last);
	cli_close(&cx);
}

static void
tell_next(const struct restore *r)
{
	bool older = false;

	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		older = older || (is_wanted(r, i) && saved(r, i)->schema < r->domains[i].schema);
	puts("restored.  Next:");
	if (older)
		puts("  medicore migrate                   the backup's schema is older than this program's");
	puts("  systemctl start medicore.target    or however the programs are started here\n"
	     "  medicore check --mend              sends again, or voids, what the domains disagree on\n"
	     "  medicore audit verify");
}

static bool
restore_databases(struct restore *r)
{
	bool good = drop_left_behind(r);

	for (size_t i = 0; good && i < BACKUP_DOMAINS; i++)
		good = !is_wanted(r, i) || make_new(r, i);
	good = good && !tool_stopped() && put_in_place(r);
	if (!good) {
		drop_new(r);
		cli_error(r->cli, NULL, "the databases are as they were");
	}
	return good;
}

static bool
restore_on(struct restore *r)
{
	bool good = lock(r) && check_sessions(r) && check_databases(r);
	enum rc rc;

	if (good)
		tell_plan(r);
	if (!good || r->dry_run)
		return good;
	rc = backup_store_patient(&r->server);
	if (rc != RC_OK)
		return cli_failed(r->cli, &r->server, rc, "the server can't be told to take its time") == CLI_DONE;
	if (!restore_databases(r))
		return false;
	if (!restore_files(r))
		return cli_error(r->cli, "the databases are restored; copy what is missing by hand", "not all files could be put back") ==
		       CLI_DONE;
	tell_numbers(r);
	tell_next(r);
	return true;
}

static bool
restore_all(struct restore *r)
{
	struct pg_array names = PG_ARRAY(r->cli->arena);
	time_t now = time(NULL);
	bool good;

	strftime(r->at, sizeof(r->at), "%Y%m%dT%H%M%SZ", gmtime(&now));
	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		if (is_wanted(r, i))
			pg_array_add(&names, r->domains[i].database);
	r->names = pg_array_end(&names);
	if (!manifest_read(r->cli, r->directory, &r->manifest) || !manifest_verify(r->cli, r->directory, &r->manifest) ||
	    !check_schemas(r))
		return false;
	if (!cli_open(r->cli, CLI_MAINTENANCE_DATABASE, config->database.admin, &r->server))
		return false;
	tool_signals();
	good = restore_on(r);
	cli_close(&r->server);
	return good;
}

int
verb_restore(struct cli *cli, int argc, char **argv)
{
	struct restore *r = arena_zalloc(cli->arena, sizeof(*r));
	bool known = false;

	r->cli = cli;
	r->migrations = PKGDATADIR "/db";
	backup_domains(r->domains);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--replace") == 0)
			r->replace = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			r->dry_run = true;
		else if (strcmp(argv[i], "--migrations") == 0 && i + 1 < argc)
			r->migrations = argv[++i];
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			r->only = argv[++i];
		else if (argv[i][0] == '-' || argv[i][0] == '\0' || r->directory != NULL)
			return cli_usage(cli, "%s: is not understood", argv[i]);
		else
			r->directory = argv[i];
	}
	if (r->directory == NULL)
		return cli_usage(cli, "name the backup, DIR/YYYYMMDDThhmmssZ");
	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		known = known || is_wanted(r, i);
	if (!known)
		return cli_usage(cli, "--only takes patient, scheduling, billing or auth");
	umask(077);
	return restore_all(r) ? CLI_DONE : CLI_FAILED;
}
