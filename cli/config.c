/* config.c - `medicore config check`: all that is wrong with the settings, and with what they refer to. */
#include <config.h> /* _GNU_SOURCE: initgroups */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/base/config.h"
#include "lib/base/text.h"

#define GROUP "medicore"
#define REST "medicore-patient medicore-scheduling medicore-billing medicore-documents medicore-auth"
#define ALL REST " medicore-relay"

enum kind {
	DIRECTORY,
	PUBLIC_FILE,
	PRIVATE_FILE,
	SECRET, /* a private file that the setting is the content of, where it was read from one */
};

/* What a setting refers to, and who has to be able to use it how; the users are those of sysusers.d, and where there are none of them nobody is
 * asked. */
struct place {
	const char *section, *key;
	const char *below; /* the rest of the path */
	enum kind kind;
	int use; /* R_OK, W_OK, X_OK */
	const char *users;
};

/* clang-format off */
static const struct place places[] = {
	{ "web", "state", "", DIRECTORY, W_OK | X_OK, REST },
	{ "auth", "keys", "", DIRECTORY, R_OK | X_OK, "medicore-auth" },
	{ "audit", "spool", "/patient", DIRECTORY, W_OK | X_OK, "medicore-patient medicore-relay" },
	{ "audit", "spool", "/scheduling", DIRECTORY, W_OK | X_OK, "medicore-scheduling medicore-relay" },
	{ "audit", "spool", "/billing", DIRECTORY, W_OK | X_OK, "medicore-billing medicore-documents medicore-relay" },
	{ "audit", "spool", "/auth", DIRECTORY, W_OK | X_OK, "medicore-auth medicore-relay" },
	{ "audit", "seal", "", DIRECTORY, W_OK | X_OK, "medicore-relay" },
	{ "metrics", "directory", "", DIRECTORY, W_OK | X_OK, ALL },
	{ "tls", "certificate", "", PUBLIC_FILE, R_OK, "" },
	{ "tls", "key", "", PRIVATE_FILE, R_OK, "" },
	{ "tls", "ca", "", PUBLIC_FILE, R_OK, "" },
	{ "database", "password", "", SECRET, R_OK, ALL },
	{ "auth", "programs_secret", "", SECRET, R_OK, REST },
	{ "audit", "key", "", SECRET, R_OK, "medicore-relay" },
};
/* clang-format on */

static void complain(size_t *wrong, const struct place *p, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
complain(size_t *wrong, const struct place *p, const char *path, const char *fmt, ...)
{
	const char *where = config_where(p->section, p->key);
	va_list ap;

	fprintf(stderr, "%s: [%s] %s: %s: ", where != NULL ? where : "by default", p->section, p->key, path);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	(*wrong)++;
}

/* Whether user, as its unit runs it, may use path so: asked of the kernel, by a child that becomes that user.  True where that can't be asked. */
static bool
may(const char *user, const char *path, int use)
{
	const struct group *group = getgrnam(GROUP);
	const struct passwd *entry = getpwnam(user);
	int status;
	pid_t pid;

	if (geteuid() != 0 || group == NULL || entry == NULL)
		return true;
	pid = fork();
	if (pid == 0) {
		if (initgroups(user, group->gr_gid) != 0 || setgid(group->gr_gid) != 0 || setuid(entry->pw_uid) != 0)
			_exit(0);
		_exit(access(path, use) == 0 ? 0 : 1);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 0;
}

static const char *
use_name(int use)
{
	return (use & W_OK) != 0 ? "write there" : "read it";
}

static void
check_users(size_t *wrong, const struct place *p, const char *path)
{
	char user[64];
	size_t n;

	for (const char *at = p->users; *at != '\0'; at += n + strspn(at + n, " ")) {
		n = strcspn(at, " ");
		snprintf(user, sizeof(user), "%.*s", (int)n, at);
		if (!may(user, path, p->use))
			complain(wrong, p, path, "%s may not %s", user, use_name(p->use));
	}
}

static void
check_place(size_t *wrong, const struct place *p, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		complain(wrong, p, path, "%s", strerror(errno));
	else if (p->kind == DIRECTORY && !S_ISDIR(st.st_mode))
		complain(wrong, p, path, "it is no directory");
	else if (p->kind != DIRECTORY && S_ISDIR(st.st_mode))
		complain(wrong, p, path, "it is a directory");
	else if ((p->kind == PRIVATE_FILE || p->kind == SECRET) && (st.st_mode & S_IRWXO) != 0)
		complain(wrong, p, path, "anybody may read it; `chmod o= %s`", path);
	else
		check_users(wrong, p, path);
}

static void
check_places(struct arena *a, size_t *wrong)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *p = &places[i];
		const char *path = p->kind == SECRET ? config_secret_file(p->section, p->key) : config_text(p->section, p->key);

		if (path != NULL && *path != '\0')
			check_place(wrong, p, arena_printf(a, "%s%s", path, p->below));
	}
}

/* Sockets, of which only the directory has to be there: whoever listens makes them. */
static void
check_sockets(struct arena *a, size_t *wrong)
{
	static const struct place host = { "database", "host", "", DIRECTORY, X_OK, ALL };
	static const struct place worker = { "events", "socket", "", DIRECTORY, W_OK | X_OK, "medicore-billing" };
	const char *slash = strrchr(config->events.socket, '/');

	if (*config->database.host == '/' && strchr(config->database.host, ',') == NULL)
		check_place(wrong, &host, config->database.host);
	if (strcmp(config->events.transport, "direct") == 0 && slash != NULL && slash != config->events.socket)
		check_place(wrong, &worker, arena_strndup(a, config->events.socket, (size_t)(slash - config->events.socket)));
}

int
verb_config(struct cli *cli, int argc, char **argv)
{
	size_t wrong = 0;

	if (argc < 2 || argc > 3 || strcmp(argv[1], "check") != 0)
		return cli_usage(cli, "`check` is all it can do");
	if (!config_load(argc == 3 ? argv[2] : cli->settings))
		return CLI_FAILED;
	check_places(cli->arena, &wrong);
	check_sockets(cli->arena, &wrong);
	if (wrong > 0)
		return CLI_FAILED;
	puts("nothing is wrong with the settings, nor with what they refer to");
	return CLI_DONE;
}
