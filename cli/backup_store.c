/* backup_store.c - what backup and restore ask PostgreSQL itself; pg_dump and pg_restore do the rest. */
#include "cli/backup.h"
#include "cli/migrate.h"
#include "lib/pg/pg.h"

/* --- one moment --- */

static const struct field moment_fields[] = {
	{ .name = "snapshot", .type = F_TEXT, .at = offsetof(struct backup_moment, snapshot) },
	{ .name = "server", .type = F_TEXT, .at = offsetof(struct backup_moment, server) },
	{ .name = "moment", .type = F_INSTANT, .at = offsetof(struct backup_moment, moment) },
	{ .name = "schema", .type = F_INT, .at = offsetof(struct backup_moment, schema) },
	{ .name = "auditSeq", .type = F_INT, .at = offsetof(struct backup_moment, audit_seq) },
	{ .name = "tableBytes", .type = F_INT, .at = offsetof(struct backup_moment, table_bytes) },
	FIELD_END,
};

/* now() is when the transaction began, before its snapshot was taken: what was committed by then is seen. */
static const struct pg_stmt moment = {
	.name = "backup_moment",
	.kind = PG_READ,
	.sql = "select pg_export_snapshot() as snapshot, current_setting('server_version') as server, now() as moment,"
	       " (select max(number) from schema_migration)::bigint as schema,"
	       " (select coalesce(max(seq), 0) from audit) as audit_seq,"
	       " (select coalesce(sum(pg_table_size(oid)), 0)::bigint from pg_class where relkind = 'r' and oid >= 16384) as table_bytes",
	.out = moment_fields,
};

enum rc
backup_store_moment(struct ctx *cx, struct backup_moment *ret)
{
	enum rc rc = backup_store_patient(cx);

	if (rc == RC_OK)
		rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_script(cx, "set transaction isolation level repeatable read, read only;"
			   " set local idle_in_transaction_session_timeout = 0; set local lock_timeout = '60s'");
	if (rc == RC_OK)
		rc = pg_fetch_one(cx, &moment, NULL, ret);
	return rc == RC_OK ? rc : pg_end(cx, rc);
}

enum rc
backup_store_patient(struct ctx *cx)
{
	return pg_script(cx, "set statement_timeout = 0");
}

/* --- what is there --- */

struct names {
	const char *names;
};

static const struct field names_fields[] = {
	{ .name = "names", .type = F_TEXT, .at = offsetof(struct names, names) },
	FIELD_END,
};

static const struct field session_fields[] = {
	{ .name = "database", .type = F_TEXT, .at = offsetof(struct backup_session, database) },
	{ .name = "role", .type = F_TEXT, .at = offsetof(struct backup_session, role) },
	{ .name = "count", .type = F_INT, .at = offsetof(struct backup_session, count) },
	FIELD_END,
};

/* The server's own workers have no role. */
static const struct pg_stmt sessions = {
	.name = "backup_sessions",
	.kind = PG_READ,
	.sql = "select datname::text as database, usename::text as role, count(*) as count"
	       " from pg_stat_activity where datname = any($1::text[]) and usename is not null and pid <> pg_backend_pid()"
	       " group by 1, 2 order by 1, 2",
	.takes = "names",
	.in = names_fields,
	.out = session_fields,
};

enum rc
backup_store_sessions(struct ctx *cx, const char *databases, struct backup_session **ret_sessions, size_t *ret_count)
{
	struct names arg = { databases };

	return pg_fetch_all(cx, &sessions, &arg, sizeof(**ret_sessions), ret_sessions, ret_count);
}

struct filled {
	bool filled;
};

static const struct field filled_fields[] = {
	{ .name = "filled", .type = F_BOOL, .at = offsetof(struct filled, filled) },
	FIELD_END,
};

/* A table that never had a row has no page. */
static const struct pg_stmt find_filled = {
	.name = "backup_filled",
	.kind = PG_READ,
	.sql = "select exists (select from pg_class where relkind = 'r' and relname <> 'schema_migration'"
	       " and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
	       " and pg_relation_size(oid) > 0) as filled",
	.out = filled_fields,
};

enum rc
backup_store_filled(struct ctx *cx, bool *ret_filled)
{
	struct filled found;
	enum rc rc = pg_fetch_one(cx, &find_filled, NULL, &found);

	if (rc == RC_OK)
		*ret_filled = found.filled;
	return rc;
}

static const struct field left_fields[] = {
	{ .name = "name", .type = F_TEXT, .at = offsetof(struct backup_left, name) },
	FIELD_END,
};

static const struct pg_stmt left_behind = {
	.name = "backup_left",
	.kind = PG_READ,
	.sql = "select datname::text as name from pg_database d, unnest($1::text[]) as n (name)"
	       " where starts_with(datname::text, n.name || '_restore_')"
	       " and substring(datname::text from length(n.name || '_restore_') + 1) ~ '^[0-9]{8}T[0-9]{6}Z$' order by 1",
	.takes = "names",
	.in = names_fields,
	.out = left_fields,
};

enum rc
backup_store_left(struct ctx *cx, const char *databases, struct backup_left **ret_left, size_t *ret_count)
{
	struct names arg = { databases };

	return pg_fetch_all(cx, &left_behind, &arg, sizeof(**ret_left), ret_left, ret_count);
}

/* --- what is done --- */

enum rc
backup_store_forget_migrations(struct ctx *cx)
{
	return pg_script(cx, "drop table schema_migration");
}

enum rc
backup_store_analyze(struct ctx *cx)
{
	return pg_script(cx, "analyze");
}

enum rc
backup_store_rename(struct ctx *cx, const char *from, const char *to)
{
	struct buf sql = { .arena = cx->arena };

	buf_add_text(&sql, "alter database ");
	database_identifier(&sql, from);
	buf_add_text(&sql, " rename to ");
	database_identifier(&sql, to);
	return pg_script(cx, sql.bytes);
}

enum rc
backup_store_drop(struct ctx *cx, const char *database)
{
	struct buf sql = { .arena = cx->arena };

	buf_add_text(&sql, "drop database if exists ");
	database_identifier(&sql, database);
	return pg_script(cx, sql.bytes);
}
