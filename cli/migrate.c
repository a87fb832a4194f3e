/*
 * migrate.c - medicore migrate: databases, roles, tables and topics as this version wants them.
 */
#include "cli/migrate.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/bus/bus.h"
#include "lib/pg/pg.h"

struct migrate {
	struct cli *cli;
	const char *directory;
	bool dry_run;
	bool status;
	bool looking;      /* at all of it, and saying what will be done, before anything is */
	bool wanting;      /* something is missing */
	struct ctx server; /* connection to the maintenance database */
};

static bool
only_tells(const struct migrate *m)
{
	return m->status || m->dry_run || m->looking;
}

static const char *
would(const struct migrate *m)
{
	return m->dry_run ? "would" : "will";
}

/* --- one domain --- */

static bool
edited(const struct migration *file, const struct migration *row)
{
	return strcmp(file->checksum, row->checksum) != 0 || strcmp(file->name, row->name) != 0;
}

/* What is recorded must be what the files say; *ret_known is how many of them are applied. */
static bool
compare(const struct migrate *m, const struct cli_domain *d, const struct migration *files, size_t file_count,
    const struct migration *rows, size_t row_count, size_t *ret_known)
{
	size_t i;

	for (i = 0; i < row_count; i++) {
		if (i == file_count || rows[i].number > files[file_count - 1].number) {
			cli_error(m->cli, "install the MediCore that made it, or a newer one",
			    "%s: database %s has migration %s, which is newer than this program knows",
			    d->name, d->database, rows[i].name);
			return false;
		}
		if (rows[i].number != files[i].number) {
			bool lacks = rows[i].number < files[i].number;

			cli_error(m->cli, "put the file back under its number; new ones go to the end",
			    "%s: %s %s, although later migrations of database %s are applied", d->name,
			    lacks ? rows[i].name : files[i].name, lacks ? "is missing" : "was never applied",
			    d->database);
			return false;
		}
		if (edited(&files[i], &rows[i])) {
			cli_error(m->cli, "put the file back as it was, and make the change in a new one",
			    "%s: %s is not what database %s was made with", d->name, files[i].path,
			    d->database);
			return false;
		}
	}
	*ret_known = i;
	return true;
}

static void
show(const struct migrate *m, const struct cli_domain *d, const struct migration *files, size_t file_count,
    const struct migration *rows, size_t known)
{
	for (size_t i = 0; i < file_count; i++) {
		char when[INSTANT_SIZE] = "pending";

		if (i < known)
			instant_format(rows[i].applied_at.us, when);
		if (m->status)
			printf("%-10s %-20s %-32s %s\n", d->name, d->database, files[i].name, when);
		else if (i >= known)
			printf("%s: %s apply %s\n", d->name, would(m), files[i].name);
	}
	if (m->dry_run && known == file_count)
		printf("%s: nothing to do\n", d->name);
}

static bool
apply(const struct migrate *m, const struct cli_domain *d, struct ctx *cx, const struct migration *files,
    size_t file_count, size_t known)
{
	for (size_t i = known; i < file_count; i++) {
		int64_t start = clock_monotonic_ns();
		enum rc rc = migration_apply(cx, &files[i]);

		if (rc != RC_OK)
			return cli_failed(m->cli, cx, rc, "%s: %s", d->name, files[i].path) == CLI_DONE;
		printf("%s: applied %s (%.0f ms)\n", d->name, files[i].name,
		    (double)(clock_monotonic_ns() - start) / 1e6);
		fflush(stdout);
	}
	if (known == file_count)
		printf("%s: up to date (%s)\n", d->name,
		    file_count == 0 ? "no migrations" : files[file_count - 1].name);
	return true;
}

static bool
update(struct migrate *m, const struct cli_domain *d, struct ctx *cx, struct migration *files, size_t file_count)
{
	struct cli *cli = m->cli;
	struct field_bytes roles;
	struct migration *rows;
	const char *path;
	size_t row_count, known;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < file_count; i++)
		rc = migration_checksum(cx, &files[i]);
	if (rc == RC_OK)
		rc = migration_applied(cx, &rows, &row_count);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "%s: what is applied to database %s", d->name, d->database) ==
		       CLI_DONE;
	if (!compare(m, d, files, file_count, rows, row_count, &known))
		return false;
	m->wanting = m->wanting || known < file_count;
	if (only_tells(m)) {
		show(m, d, files, file_count, rows, known);
		return true;
	}
	path = arena_printf(cli->arena, "%s/%s/roles.sql", m->directory, d->name);
	if (!migration_text(cli, path, &roles))
		return false;
	rc = migration_prepare(cx, roles.bytes);
	if (rc != RC_OK)
		return cli_failed(cli, cx, rc, "%s: %s", d->name, path) == CLI_DONE;
	return apply(m, d, cx, files, file_count, known);
}

/* The database, made where it is missing; *ret_there stays false where it is not to be made. */
static bool
provide_database(struct migrate *m, const struct cli_domain *d, bool *ret_there)
{
	enum rc rc;

	rc = database_exists(&m->server, d->database, ret_there);
	if (rc == RC_OK && !*ret_there) {
		m->wanting = true;
		if (m->status)
			printf("%-10s %-20s is not there\n", d->name, d->database);
		else if (only_tells(m))
			printf("%s: %s make database %s\n", d->name, would(m), d->database);
		if (only_tells(m))
			return true;
		rc = database_make(&m->server, d->database);
		if (rc == RC_OK)
			printf("%s: made database %s\n", d->name, d->database);
		*ret_there = true;
	}
	if (rc != RC_OK)
		cli_failed(m->cli, &m->server, rc, "%s: database %s", d->name, d->database);
	return rc == RC_OK;
}

static bool
migrate_domain(struct migrate *m, const struct cli_domain *d)
{
	const char *directory = arena_printf(m->cli->arena, "%s/%s", m->directory, d->name);
	struct migration *files;
	bool there = false, good;
	struct ctx cx;
	size_t count;

	if (!migration_files(m->cli, directory, &files, &count) || !provide_database(m, d, &there))
		return false;
	if (!there) {
		show(m, d, files, count, NULL, 0);
		return true;
	}
	if (!cli_open(m->cli, d->database, config->database.admin, &cx))
		return false;
	good = update(m, d, &cx, files, count);
	cli_close(&cx);
	return good;
}

/* --- all of it --- */

static bool
make_topics(struct migrate *m)
{
	static const char *const topics[] = { TOPIC_APPOINTMENT, TOPIC_INVOICE };

	if (m->status || strcmp(config->events.transport, "kafka") != 0)
		return true;
	for (size_t i = 0; i < sizeof(topics) / sizeof(*topics); i++) {
		enum rc rc = RC_OK;

		if (!m->dry_run)
			rc = bus_make_topic(&m->server, config->events.brokers, topics[i],
			    config->events.partitions, config->events.replication);
		if (rc != RC_OK)
			return cli_failed(m->cli, &m->server, rc, "topic %s at %s", topics[i],
				   config->events.brokers) == CLI_DONE;
		printf("kafka: topic %s %s\n", topics[i],
		    m->dry_run ? "would be made where it is missing" : "is there");
	}
	return true;
}

static bool
lock(struct migrate *m)
{
	enum rc rc;

	if (m->status || m->dry_run)
		return true;
	rc = migrate_try_lock(&m->server);
	if (rc == RC_CONFLICT) {
		printf("another medicore migrate is at work: waiting for it\n");
		fflush(stdout);
		rc = migrate_wait_lock(&m->server);
	}
	if (rc != RC_OK)
		cli_failed(m->cli, &m->server, rc, "lock against another migrate");
	return rc == RC_OK;
}

static bool
migrate_domains(struct migrate *m)
{
	struct cli_domain domains[CLI_DOMAINS];
	bool good = true;

	cli_domains(domains);
	for (size_t i = 0; good && i < CLI_DOMAINS; i++)
		good = migrate_domain(m, &domains[i]);
	return good;
}

static bool
migrate_all(struct migrate *m)
{
	bool good;

	if (!cli_open(m->cli, CLI_MAINTENANCE_DATABASE, config->database.admin, &m->server))
		return false;
	good = lock(m);
	/* What is refused anywhere is refused before anything is changed. */
	m->looking = !m->status && !m->dry_run;
	good = good && migrate_domains(m);
	fflush(stdout);
	if (m->looking) {
		m->looking = false;
		good = good && migrate_domains(m);
	}
	good = good && make_topics(m);
	cli_close(&m->server);
	return good;
}

int
verb_migrate(struct cli *cli, int argc, char **argv)
{
	struct migrate m = { .cli = cli, .directory = PKGDATADIR "/db" };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dry-run") == 0)
			m.dry_run = true;
		else if (strcmp(argv[i], "--status") == 0)
			m.status = true;
		else if (strcmp(argv[i], "--migrations") == 0 && i + 1 < argc)
			m.directory = argv[++i];
		else
			return cli_usage(cli, "%s: is not understood", argv[i]);
	}
	if (m.dry_run && m.status)
		return cli_usage(cli, "--dry-run and --status exclude each other");
	if (!migrate_all(&m))
		return CLI_FAILED;
	return m.status && m.wanting ? CLI_FAILED : CLI_DONE;
}
