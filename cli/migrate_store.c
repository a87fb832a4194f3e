#include "cli/migrate.h"

#include "lib/pg/pg.h"

/* Any number that nobody else uses for this. */
#define MIGRATE_LOCK 332413561155
#define TEXT_OF(number) #number
#define SELECT_LOCK(number) "set statement_timeout = 0; select pg_advisory_lock(" TEXT_OF(number) ")"

static const struct field migration_fields[] = {
	{ .name = "number", .type = F_INT, .at = offsetof(struct migration, number) },
	{ .name = "name", .type = F_TEXT, .at = offsetof(struct migration, name) },
	{ .name = "text", .type = F_BYTES, .at = offsetof(struct migration, text) },
	{ .name = "checksum", .type = F_TEXT, .at = offsetof(struct migration, checksum) },
	{ .name = "appliedAt", .type = F_INSTANT, .at = offsetof(struct migration, applied_at) },
	FIELD_END,
};

struct database {
	const char *name;
	bool there;
};

static const struct field database_fields[] = {
	{ .name = "name", .type = F_TEXT, .at = offsetof(struct database, name) },
	{ .name = "there", .type = F_BOOL, .at = offsetof(struct database, there) },
	FIELD_END,
};

static const struct pg_stmt find_database = {
	.name = "find_database",
	.kind = PG_READ,
	.sql = "select exists (select from pg_database where datname = $1::text) as there",
	.takes = "name",
	.in = database_fields,
	.out = database_fields,
};

static const struct pg_stmt find_table = {
	.name = "find_table",
	.kind = PG_READ,
	.sql = "select to_regclass('public.schema_migration') is not null as there",
	.out = database_fields,
};

static const struct pg_stmt list_migrations = {
	.name = "list_migrations",
	.kind = PG_READ,
	.sql = "select number, name, checksum, applied_at from schema_migration order by number",
	.out = migration_fields,
};

static const struct pg_stmt checksum_text = {
	.name = "checksum_text",
	.kind = PG_READ,
	.sql = "select encode(sha256($1::bytea), 'hex') as checksum",
	.takes = "text",
	.in = migration_fields,
	.out = migration_fields,
};

static const struct pg_stmt record_migration = {
	.name = "record_migration",
	.kind = PG_WRITE,
	.sql =
	    "insert into schema_migration (number, name, checksum) values ($1::integer, $2::text, $3::text)",
	.takes = "number name checksum",
	.in = migration_fields,
};

enum rc
migrate_try_lock(struct ctx *cx)
{
	return pg_try_lock(cx, MIGRATE_LOCK);
}

enum rc
migrate_wait_lock(struct ctx *cx)
{
	return pg_script(cx, SELECT_LOCK(MIGRATE_LOCK));
}

enum rc
database_exists(struct ctx *cx, const char *name, bool *ret_exists)
{
	struct database asked = { .name = name }, found;
	enum rc rc;

	rc = pg_fetch_one(cx, &find_database, &asked, &found);
	if (rc == RC_OK)
		*ret_exists = found.there;
	return rc;
}

void
database_identifier(struct buf *b, const char *name)
{
	buf_add_char(b, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_add_char(b, '"');
		buf_add_char(b, *name);
	}
	buf_add_char(b, '"');
}

/* CREATE DATABASE takes no parameters and no transaction.  The C locale sorts by code point, on any version of the system's library. */
enum rc
database_make(struct ctx *cx, const char *name)
{
	struct buf sql = { .arena = cx->arena };

	buf_add_text(&sql, "create database ");
	database_identifier(&sql, name);
	buf_add_text(&sql, " template template0 encoding 'UTF8' locale 'C.UTF-8'");
	return pg_script(cx, sql.bytes);
}

enum rc
migration_applied(struct ctx *cx, struct migration **ret_rows, size_t *ret_count)
{
	struct database table;
	enum rc rc;

	rc = pg_fetch_one(cx, &find_table, NULL, &table);
	if (rc == RC_OK && table.there)
		return pg_fetch_all(cx, &list_migrations, NULL, sizeof(**ret_rows), ret_rows, ret_count);
	*ret_count = 0;
	return rc;
}

enum rc
migration_checksum(struct ctx *cx, struct migration *file)
{
	struct migration sum;
	enum rc rc;

	rc = pg_fetch_one(cx, &checksum_text, file, &sum);
	if (rc == RC_OK)
		file->checksum = sum.checksum;
	return rc;
}

enum rc
migration_prepare(struct ctx *cx, const char *roles_sql)
{
	enum rc rc;

	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_script(cx, "create table if not exists schema_migration ("
			   "    number     integer primary key,"
			   "    name       text not null,"
			   "    checksum   text not null,"
			   "    applied_at timestamptz not null default now()"
			   ")");
	if (rc == RC_OK)
		rc = pg_script(cx, roles_sql);
	return pg_end(cx, rc);
}

/* A migration that waits for a lock makes all who come later wait for it, so it rather gives up soon. */
enum rc
migration_apply(struct ctx *cx, const struct migration *file)
{
	enum rc rc;

	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_script(cx, "set local statement_timeout = 0; set local lock_timeout = '10s'");
	if (rc == RC_OK)
		rc = pg_script(cx, file->text.bytes);
	if (rc == RC_OK)
		rc = pg_execute(cx, &record_migration, file, NULL);
	/* What is deferred to the commit may take as long as the rest, and a commit is not waited for that long. */
	if (rc == RC_OK)
		rc = pg_script(cx, "set constraints all immediate");
	return pg_end(cx, rc);
}
