/* backup_manifest.c - manifest.json: what is in a backup, of which moments, and what each file's bytes are. */
#include <config.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/backup.h"
#include "lib/base/ctx.h"

#define MANIFEST_MAX ((size_t)1024 * 1024)
#define BOTH (CREATE | REPLY | REQUIRED)

#define DATABASE_AT(member) offsetof(struct backup_database, member)
static const struct field database_fields[] = {
	{ "domain", F_TEXT, DATABASE_AT(domain), .use = BOTH },
	{ "database", F_TEXT, DATABASE_AT(database), .use = BOTH },
	{ "moment", F_INSTANT, DATABASE_AT(moment), .use = BOTH },
	{ "schema", F_COUNT, DATABASE_AT(schema), .use = BOTH },
	{ "auditSeq", F_INT, DATABASE_AT(audit_seq), .use = CREATE | REPLY },
	{ "file", F_TEXT, DATABASE_AT(file), .use = BOTH },
	{ "size", F_COUNT, DATABASE_AT(size), .use = BOTH },
	{ "sha256", F_TEXT, DATABASE_AT(sha256), .use = BOTH },
	FIELD_END
};

#define FILE_AT(member) offsetof(struct backup_file, member)
static const struct field file_fields[] = {
	{ "file", F_TEXT, FILE_AT(file), .use = BOTH },
	{ "modified", F_INSTANT, FILE_AT(modified), .use = BOTH },
	{ "size", F_COUNT, FILE_AT(size), .use = BOTH },
	{ "sha256", F_TEXT, FILE_AT(sha256), .use = BOTH },
	FIELD_END
};

#define AT(member) offsetof(struct backup_manifest, member)
static const struct field manifest_fields[] = {
	{ "format", F_COUNT, AT(format), .use = BOTH },
	{ "program", F_TEXT, AT(program), .use = BOTH },
	{ "server", F_TEXT, AT(server), .use = BOTH },
	{ "made", F_INSTANT, AT(made), .use = BOTH },
	{ "databases", F_LIST, AT(databases), .use = BOTH | EVEN_EMPTY, .max = BACKUP_DOMAINS, .items = database_fields,
	  .item_size = sizeof(struct backup_database) },
	{ "files", F_LIST, AT(files), .use = CREATE | REPLY | EVEN_EMPTY, .max = BACKUP_FILES_MAX, .items = file_fields,
	  .item_size = sizeof(struct backup_file) },
	FIELD_END
};

void
backup_domains(struct cli_domain ret_domains[BACKUP_DOMAINS])
{
	struct cli_domain all[CLI_DOMAINS];

	cli_domains(all);
	ret_domains[BILLING] = all[CLI_BILLING];
	ret_domains[SCHEDULING] = all[CLI_SCHEDULING];
	ret_domains[PATIENT] = all[CLI_PATIENT];
	ret_domains[AUTH] = all[CLI_AUTH];
}

bool
backup_name_valid(const char *name)
{
	static const char form[] = "ddddddddTddddddZ";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
	return true;
}

/* --- writing --- */

bool
manifest_write(struct cli *cli, const char *directory, const struct backup_manifest *m)
{
	struct buf b = { .arena = cli->arena };

	field_write(&b, manifest_fields, m);
	buf_add_char(&b, '\n');
	return file_write(cli, arena_printf(cli->arena, "%s/" BACKUP_MANIFEST, directory), b.bytes, b.length, NULL);
}

/* --- reading --- */

static bool
sha256_valid(const char *text)
{
	return strlen(text) == SHA256_HEX_SIZE - 1 && strspn(text, "0123456789abcdef") == SHA256_HEX_SIZE - 1;
}

/* A file of the backup, and nothing else of this server's. */
static bool
path_valid(const char *path)
{
	size_t n = strlen(path);

	return n > 0 && strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/") == n && *path != '/' &&
	       *path != '.' && strstr(path, "/.") == NULL && strstr(path, "//") == NULL;
}

const struct backup_database *
manifest_find(const struct backup_manifest *m, const char *domain)
{
	const struct backup_database *rows = m->databases.rows;

	for (size_t i = 0; i < m->databases.count; i++)
		if (strcmp(rows[i].domain, domain) == 0)
			return &rows[i];
	return NULL;
}

/* What no table of fields can say. */
static const char *
wrong_with(const struct backup_manifest *m)
{
	const struct backup_database *databases = m->databases.rows;
	const struct backup_file *files = m->files.rows;
	struct cli_domain domains[BACKUP_DOMAINS];

	if (m->format != BACKUP_FORMAT)
		return "it is of another format than this program knows";
	backup_domains(domains);
	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		if (manifest_find(m, domains[i].name) == NULL)
			return "it doesn't name every domain's database";
	for (size_t i = 0; i < m->databases.count; i++)
		if (!path_valid(databases[i].file) || !sha256_valid(databases[i].sha256))
			return "a database's file or checksum is none";
	for (size_t i = 0; i < m->files.count; i++)
		if (!path_valid(files[i].file) || !sha256_valid(files[i].sha256))
			return "a file's name or checksum is none";
	return NULL;
}

bool
manifest_read(struct cli *cli, const char *directory, struct backup_manifest *ret)
{
	const char *path = arena_printf(cli->arena, "%s/" BACKUP_MANIFEST, directory), *wrong;
	struct ctx cx;
	size_t length;
	char *text = cli_read_file(cli->arena, path, &length);
	enum rc rc;

	if (text == NULL) {
		cli_error(cli, "name a backup itself, DIR/YYYYMMDDThhmmssZ; one that ends in .partial never became one", "%s: %s", path,
		    strerror(errno));
		return false;
	}
	ctx_init(&cx, cli->arena, NULL);
	*ret = (struct backup_manifest){ 0 };
	rc = length > MANIFEST_MAX ? RC_MALFORMED : field_read(&cx, manifest_fields, CREATE, text, length, ret);
	wrong = rc == RC_OK ? wrong_with(ret) : err_message(&cx, rc);
	if (wrong != NULL)
		cli_error(cli, "take another backup: this one was changed, or isn't whole", "%s: %s", path, wrong);
	return wrong == NULL;
}

/* --- verifying --- */

static bool
verify_file(struct cli *cli, const char *directory, const char *file, int64_t size, const char *sha256)
{
	const char *path = arena_printf(cli->arena, "%s/%s", directory, file);
	char found[SHA256_HEX_SIZE];
	int64_t found_size;

	if (!file_digest(cli, path, false, found, &found_size))
		return false;
	if (found_size != size)
		cli_error(cli, NULL, "%s: has %lld bytes, and had %lld", path, (long long)found_size, (long long)size);
	else if (strcmp(found, sha256) != 0)
		cli_error(cli, NULL, "%s: isn't what was written: its SHA-256 is another", path);
	return found_size == size && strcmp(found, sha256) == 0;
}

bool
manifest_verify(struct cli *cli, const char *directory, const struct backup_manifest *m)
{
	const struct backup_database *databases = m->databases.rows;
	const struct backup_file *files = m->files.rows;
	bool good = true;

	for (size_t i = 0; i < m->databases.count; i++)
		good = verify_file(cli, directory, databases[i].file, databases[i].size, databases[i].sha256) && good;
	for (size_t i = 0; i < m->files.count; i++)
		good = verify_file(cli, directory, files[i].file, files[i].size, files[i].sha256) && good;
	return good;
}
