/*
 * backup.c - medicore backup: each domain's database as of one moment, and what lives outside of them, in a directory that gets its name
 * when all of it is on the disk.
 *
 * The four moments are some milliseconds apart: each database's snapshot is taken first, then they are dumped one after the other.
 */
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "cli/backup.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

#define KEEP_MAX 100000
#define PARTIAL ".partial"
#define REMOVING ".removing"
#define SPARE_BYTES ((int64_t)16 * 1024 * 1024)

/* What tables come to, compressed, is seldom less than this part of them. */
#define COMPRESSED_PART 8

#define LEAVE_OUT "run it as root, or leave keys and secrets out by --without-secrets"

struct backup {
	struct cli *cli;
	const char *directory; /* of all backups */
	bool secrets;
	int64_t keep; /* 0: all of them */
	char name[BACKUP_NAME_SIZE];
	const char *partial; /* where it is made */
	struct cli_domain domains[BACKUP_DOMAINS];
	struct ctx open[BACKUP_DOMAINS]; /* each in a transaction that holds its moment */
	size_t open_count;
	struct backup_moment moments[BACKUP_DOMAINS];
	struct backup_database databases[BACKUP_DOMAINS];
	struct backup_file files[BACKUP_FILES_MAX];
	struct backup_manifest manifest;
};

/* --- the directory --- */

/* Made where it is missing.  Whoever else could write there could put another backup in the place of ours. */
static bool
check_directory(const struct backup *b)
{
	struct stat st;

	if (!directory_make(b->cli, b->directory, true))
		return false;
	if (stat(b->directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
		cli_error(b->cli, NULL, "%s: is no directory", b->directory);
		return false;
	}
	if ((st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0) {
		cli_error(b->cli, "chmod go-w it, or name another", "%s: others may write there", b->directory);
		return false;
	}
	return true;
}

/* One backup at a time in a directory, so that what is unfinished there is nobody's.  Held until the process ends. */
static bool
lock_directory(const struct backup *b)
{
	const char *path = arena_printf(b->cli->arena, "%s/.lock", b->directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (fd >= 0 && errno == EWOULDBLOCK)
		cli_error(b->cli, "wait for it", "another medicore backup is at work in %s", b->directory);
	else
		cli_error(b->cli, NULL, "%s: %s", path, strerror(errno));
	return false;
}

static int
is_backup(const struct dirent *entry)
{
	return backup_name_valid(entry->d_name);
}

static int
is_left_over(const struct dirent *entry)
{
	const char *end = strchr(entry->d_name, '.');
	char name[BACKUP_NAME_SIZE];

	if (end == NULL || end - entry->d_name != BACKUP_NAME_SIZE - 1 || (strcmp(end, PARTIAL) != 0 && strcmp(end, REMOVING) != 0))
		return 0;
	snprintf(name, sizeof(name), "%.*s", BACKUP_NAME_SIZE - 1, entry->d_name);
	return backup_name_valid(name);
}

/* Of a backup that was killed. */
static bool
remove_left_over(const struct backup *b)
{
	struct dirent **entries;
	bool good = true;
	int n = scandir(b->directory, &entries, is_left_over, alphasort);

	for (int i = 0; i < n; i++) {
		good = good && directory_remove(b->cli, arena_printf(b->cli->arena, "%s/%s", b->directory, entries[i]->d_name));
		if (good)
			printf("removed %s, which an earlier run left unfinished\n", entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return good;
}

/* Those that are whole, the oldest first, in the arena. */
static size_t
list_backups(const struct backup *b, const char ***ret_names)
{
	struct dirent **entries;
	size_t count = 0;
	int n = scandir(b->directory, &entries, is_backup, alphasort);
	const char **names = arena_zalloc_n(b->cli->arena, n < 0 ? 1 : (size_t)n + 1, sizeof(*names));

	for (int i = 0; i < n; i++) {
		const char *name = arena_strdup(b->cli->arena, entries[i]->d_name);

		if (access(arena_printf(b->cli->arena, "%s/%s/" BACKUP_MANIFEST, b->directory, name), F_OK) == 0)
			names[count++] = name;
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	*ret_names = names;
	return count;
}

/* --- room --- */

static int64_t
size_of(const struct backup *b, const char *name)
{
	int64_t size = 0;

	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		struct stat st;

		if (stat(arena_printf(b->cli->arena, "%s/%s/%s.dump", b->directory, name, b->domains[i].name), &st) == 0)
			size += st.st_size;
	}
	return size;
}

/* What surely can't fit isn't begun; what the last one took is the best guess. */
static bool
check_room(const struct backup *b)
{
	int64_t need = 0, room;
	const char **names;
	struct statvfs fs;
	size_t count = list_backups(b, &names);

	for (size_t i = 0; i < BACKUP_DOMAINS; i++)
		need += b->moments[i].table_bytes / COMPRESSED_PART;
	if (count > 0)
		need = size_of(b, names[count - 1]);
	need += SPARE_BYTES;
	if (statvfs(b->directory, &fs) != 0)
		return cli_error(b->cli, NULL, "%s: %s", b->directory, strerror(errno)) == CLI_DONE;
	room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	if (room >= need)
		return true;
	cli_error(b->cli, "make room there, or name another disk's directory", "%s: %.1f MiB are free, and about %.1f MiB are needed",
	    b->directory, (double)room / 1048576, (double)need / 1048576);
	return false;
}

/* --- databases --- */

static void
close_moments(struct backup *b)
{
	while (b->open_count > 0)
		cli_close(&b->open[--b->open_count]);
}

/* Connected first, so that the moments are close together. */
static bool
take_moments(struct backup *b)
{
	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		if (!cli_open(b->cli, b->domains[i].database, config->database.admin, &b->open[i]))
			return false;
		b->open_count++;
	}
	for (size_t i = 0; i < BACKUP_DOMAINS; i++) {
		enum rc rc = backup_store_moment(&b->open[i], &b->moments[i]);

		if (rc != RC_OK) {
			cli_failed(b->cli, &b->open[i], rc, "%s: no moment of database %s can be held", b->domains[i].name,
			    b->domains[i].database);
			return false;
		}
		if (b->moments[i].schema > b->domains[i].schema) {
			cli_error(b->cli, "install the MediCore that made it: its migrations belong to a restore",
			    "%s: database %s has schema %" PRId64 ", which is newer than this program's %d", b->domains[i].name,
			    b->domains[i].database, b->moments[i].schema, b->domains[i].schema);
			return false;
		}
	}
	return true;
}

static bool
dump(struct backup *b, size_t i)
{
	struct arena *a = b->cli->arena;
	const struct cli_domain *d = &b->domains[i];
	const char *file = arena_printf(a, "%s.dump", d->name), *path = arena_printf(a, "%s/%s", b->partial, file);
	const char *const argv[] = { "pg_dump", "--format=custom", "--no-password", "--lock-wait-timeout=60s", "--no-sync",
		arena_printf(a, "--snapshot=%s", b->moments[i].snapshot), arena_printf(a, "--file=%s", path), "--dbname",
		tool_database(a, d->database), NULL };
	int64_t start = clock_monotonic_ns();
	char when[INSTANT_SIZE], sha256[SHA256_HEX_SIZE];

	instant_format(b->moments[i].moment.us, when);
	printf("%s: database %s as of %s, schema %" PRId64 "\n", d->name, d->database, when, b->moments[i].schema);
	b->databases[i] = (struct backup_database){ .domain = d->name, .database = d->database, .moment = b->moments[i].moment,
		.schema = b->moments[i].schema, .audit_seq = b->moments[i].audit_seq, .file = file };
	if (!tool_run(b->cli, argv, path) || !file_digest(b->cli, path, true, sha256, &b->databases[i].size))
		return false;
	b->databases[i].sha256 = arena_strdup(a, sha256);
	printf("  %s, %.1f MiB, %.1f s\n", file, (double)b->databases[i].size / 1048576,
	    (double)(clock_monotonic_ns() - start) / 1e9);
	return true;
}

/* --- what lives outside of them --- */

static bool
keep_bytes(struct backup *b, const char *file, const void *bytes, size_t length, const struct timespec *modified)
{
	const char *path = arena_printf(b->cli->arena, "%s/%s", b->partial, file);
	struct backup_file *f = &b->files[b->manifest.files.count];
	char sha256[SHA256_HEX_SIZE];

	if (b->manifest.files.count == BACKUP_FILES_MAX)
		return cli_error(b->cli, NULL, "%s: there are more than %d files", file, BACKUP_FILES_MAX) == CLI_DONE;
	if (!file_write(b->cli, path, bytes, length, NULL) || !file_digest(b->cli, path, false, sha256, &f->size))
		return false;
	f->file = arena_strdup(b->cli->arena, file);
	f->sha256 = arena_strdup(b->cli->arena, sha256);
	f->modified = (struct instant){ .us = clock_now_us(), .known = true };
	if (modified != NULL)
		f->modified.us = (int64_t)modified->tv_sec * 1000000 + modified->tv_nsec / 1000;
	b->manifest.files.count++;
	return true;
}

/* One that isn't there is no failure: another host may have it. */
static bool
keep_file(struct backup *b, const char *from, const char *file, const char *mend)
{
	struct stat st;
	size_t length;
	char *bytes;

	if (stat(from, &st) != 0 && errno == ENOENT) {
		printf("there is no %s: not in the backup\n", from);
		return true;
	}
	bytes = cli_read_file(b->cli->arena, from, &length);
	if (bytes == NULL)
		return cli_error(b->cli, mend, "%s: %s", from, strerror(errno)) == CLI_DONE;
	return length == 0 || keep_bytes(b, file, bytes, length, &st.st_mtim);
}

static bool
keep_secret(struct backup *b, const char *value, const char *file)
{
	return value == NULL || keep_bytes(b, file, value, strlen(value), NULL);
}

static bool
keep_keys(struct backup *b)
{
	struct arena *a = b->cli->arena;
	struct dirent **entries;
	bool good = true;
	int n = scandir(config->auth.keys, &entries, cli_is_key, alphasort);

	if (n < 0 && errno == ENOENT) {
		printf("there is no %s: no signing keys in the backup\n", config->auth.keys);
		return true;
	}
	if (n < 0)
		return cli_error(b->cli, LEAVE_OUT, "%s: %s", config->auth.keys, strerror(errno)) == CLI_DONE;
	for (int i = 0; i < n; i++) {
		good = good && keep_file(b, arena_printf(a, "%s/%s", config->auth.keys, entries[i]->d_name),
				   arena_printf(a, "keys/%s", entries[i]->d_name), LEAVE_OUT);
		free(entries[i]);
	}
	free(entries);
	return good;
}

static bool
keep_settings(struct backup *b)
{
	size_t length = 0;
	char *bytes = NULL;
	FILE *text = open_memstream(&bytes, &length);
	bool good;

	if (text == NULL)
		return cli_error(b->cli, NULL, "the settings: %s", strerror(errno)) == CLI_DONE;
	config_print(text);
	good = fclose(text) == 0 && keep_bytes(b, "medicore.conf", bytes, length, NULL);
	free(bytes);
	return good;
}

/* Before the moments: what a seal covers is then in the dump as well, so that a restored trail verifies. */
static bool
keep_seals(struct backup *b)
{
	struct arena *a = b->cli->arena;
	bool good = directory_make(b->cli, arena_printf(a, "%s/seal", b->partial), false);

	for (size_t i = 0; good && i < BACKUP_DOMAINS; i++)
		good = keep_file(b, arena_printf(a, "%s/%s", config->audit.seal, b->domains[i].name),
		    arena_printf(a, "seal/%s", b->domains[i].name), "run it as root: seals are in every backup");
	return good && directory_sync(b->cli, arena_printf(a, "%s/seal", b->partial));
}

static bool
keep_secrets(struct backup *b)
{
	struct arena *a = b->cli->arena;
	const char *keys = arena_printf(a, "%s/keys", b->partial), *secrets = arena_printf(a, "%s/secrets", b->partial);

	return directory_make(b->cli, keys, false) && directory_make(b->cli, secrets, false) && keep_keys(b) &&
	       keep_secret(b, config->auth.programs_secret, "secrets/programs") &&
	       keep_secret(b, config->audit.key, "secrets/audit") &&
	       keep_secret(b, config->database.password, "secrets/database") && directory_sync(b->cli, keys) &&
	       directory_sync(b->cli, secrets);
}

/* --- all of it --- */

static bool
fill(struct backup *b)
{
	bool good = keep_seals(b) && take_moments(b) && check_room(b);

	for (size_t i = 0; good && i < BACKUP_DOMAINS; i++)
		good = dump(b, i);
	close_moments(b);
	good = good && keep_settings(b) && (!b->secrets || keep_secrets(b));
	if (!good || tool_stopped())
		return false;
	b->manifest.format = BACKUP_FORMAT;
	b->manifest.program = PACKAGE_VERSION;
	b->manifest.server = b->moments[0].server;
	b->manifest.made = (struct instant){ .us = clock_now_us(), .known = true };
	b->manifest.databases = (struct field_list){ b->databases, BACKUP_DOMAINS };
	b->manifest.files.rows = b->files;
	return manifest_write(b->cli, b->partial, &b->manifest) && directory_sync(b->cli, b->partial);
}

/* From here on it is one. */
static bool
give_name(const struct backup *b)
{
	const char *path = arena_printf(b->cli->arena, "%s/%s", b->directory, b->name);

	if (access(path, F_OK) == 0)
		return cli_error(b->cli, "run it again", "%s: is there already", path) == CLI_DONE;
	if (rename(b->partial, path) != 0)
		return cli_error(b->cli, NULL, "%s: %s", path, strerror(errno)) == CLI_DONE;
	return directory_sync(b->cli, b->directory);
}

/* The oldest of those that are whole go; this one is the last of them and stays. */
static bool
prune(const struct backup *b)
{
	const char **names;
	size_t count = list_backups(b, &names);

	for (size_t i = 0; b->keep > 0 && i + (size_t)b->keep < count; i++) {
		const char *old = arena_printf(b->cli->arena, "%s/%s", b->directory, names[i]);
		const char *removing = arena_printf(b->cli->arena, "%s" REMOVING, old);

		if (rename(old, removing) != 0)
			return cli_error(b->cli, NULL, "%s: %s", old, strerror(errno)) == CLI_DONE;
		if (!directory_remove(b->cli, removing))
			return false;
		printf("removed %s: the last %" PRId64 " are kept\n", names[i], b->keep);
	}
	return true;
}

static bool
back_up(struct backup *b)
{
	time_t now = time(NULL);
	bool whole;

	if (!check_directory(b) || !lock_directory(b) || !remove_left_over(b))
		return false;
	strftime(b->name, sizeof(b->name), "%Y%m%dT%H%M%SZ", gmtime(&now));
	b->partial = arena_printf(b->cli->arena, "%s/%s" PARTIAL, b->directory, b->name);
	backup_domains(b->domains);
	if (!directory_make(b->cli, b->partial, false))
		return false;
	tool_signals();
	whole = fill(b) && give_name(b);
	close_moments(b);
	if (!whole) {
		directory_remove(b->cli, b->partial);
		cli_error(b->cli, NULL, "nothing was kept of this one");
		return false;
	}
	printf("%s/%s is whole\n", b->directory, b->name);
	if (b->secrets)
		printf("  it holds the signing keys and the secrets: whoever reads it can log in as anybody\n");
	return prune(b);
}

int
verb_backup(struct cli *cli, int argc, char **argv)
{
	struct backup *b = arena_zalloc(cli->arena, sizeof(*b));

	b->cli = cli;
	b->secrets = true;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc) {
			if (!cli_number(argv[++i], KEEP_MAX, &b->keep) || b->keep == 0)
				return cli_usage(cli, "--keep takes a number from 1 on");
		} else if (strcmp(argv[i], "--without-secrets") == 0) {
			b->secrets = false;
		} else if (argv[i][0] == '-' || argv[i][0] == '\0' || b->directory != NULL) {
			return cli_usage(cli, "%s: is not understood", argv[i]);
		} else {
			b->directory = argv[i];
		}
	}
	if (b->directory == NULL)
		return cli_usage(cli, "name the directory that backups are in");
	umask(077);
	return back_up(b) ? CLI_DONE : CLI_FAILED;
}
