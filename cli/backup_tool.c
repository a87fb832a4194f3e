/* backup_tool.c - pg_dump and pg_restore, run as they are, without a shell. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/backup.h"
#include "lib/base/config.h"

#define LINE_MAX_BYTES 4096

extern char **environ;

/* --- signals --- */

static volatile sig_atomic_t stopped;
static volatile pid_t running; /* 0: none */

static void
on_signal(int number)
{
	stopped = number;
	if (running > 0)
		kill(running, SIGTERM);
}

void
tool_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool
tool_stopped(void)
{
	return stopped != 0;
}

/* --- environment --- */

static bool
is_set_here(const char *entry, const char *const *ours, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = strcspn(ours[i], "=");

		if (strncmp(entry, ours[i], n) == 0 && entry[n] == '=')
			return true;
	}
	return false;
}

/* Ours with the connection of our settings, where what libpq has in PGSSLMODE and the like goes on to count. */
static char **
environment(struct arena *a)
{
	const char *password = config->database.password == NULL ? "" : config->database.password;
	const char *const ours[] = {
		arena_printf(a, "PGHOST=%s", config->database.host),
		arena_printf(a, "PGPORT=%d", config->database.port),
		arena_printf(a, "PGUSER=%s", config->database.admin),
		arena_printf(a, "PGPASSWORD=%s", password), /* of an environment only its user and root can see */
		"PGAPPNAME=medicore",
		"PGTARGETSESSIONATTRS=primary", /* of several hosts, as our own connections do */
		"LC_ALL=C.UTF-8",
	};
	size_t count = sizeof(ours) / sizeof(*ours), n = 0, kept = 0;
	char **all;

	while (environ[n] != NULL)
		n++;
	all = arena_zalloc_n(a, n + count + 1, sizeof(*all));
	for (size_t i = 0; i < n; i++)
		if (!is_set_here(environ[i], ours, count))
			all[kept++] = environ[i];
	for (size_t i = 0; i < count; i++)
		if (i != 3 || *password != '\0')
			all[kept++] = arena_strdup(a, ours[i]);
	return all;
}

const char *
tool_database(struct arena *a, const char *name)
{
	struct buf b = { .arena = a };

	buf_add_text(&b, "dbname='");
	for (; *name != '\0'; name++) {
		if (*name == '\'' || *name == '\\')
			buf_add_char(&b, '\\');
		buf_add_char(&b, *name);
	}
	buf_add_char(&b, '\'');
	return b.bytes;
}

/* --- what it says --- */

/* A failed COPY quotes the row, which is somebody's. */
static void
show_line(const char *tool, const char *line)
{
	if (strncmp(line, "CONTEXT:", 8) == 0 || strncmp(line, "DETAIL:", 7) == 0 || *line == '\0')
		return;
	fprintf(stderr, "  %s%s%s\n", strncmp(line, tool, strlen(tool)) == 0 ? "" : tool,
	    strncmp(line, tool, strlen(tool)) == 0 ? "" : ": ", line);
}

struct words {
	char line[LINE_MAX_BYTES];
	size_t length;
};

static void
take_words(struct words *w, const char *tool, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n' || w->length == sizeof(w->line) - 1) {
			w->line[w->length] = '\0';
			show_line(tool, w->line);
			w->length = 0;
		}
		if (bytes[i] != '\n')
			w->line[w->length++] = bytes[i];
	}
}

/* On a terminal, over and over on one line. */
static void
show_progress(const char *watched)
{
	struct stat st;

	if (watched == NULL || !isatty(STDOUT_FILENO) || stat(watched, &st) != 0)
		return;
	printf("  %.1f MiB\r", (double)st.st_size / 1048576);
	fflush(stdout);
}

/* Until it closes its standard error. */
static void
listen_to(int fd, const char *tool, const char *watched)
{
	struct words w = { .length = 0 };
	char bytes[1024];
	ssize_t n = 1;

	while (n > 0 || (n < 0 && errno == EINTR)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready = poll(&p, 1, 1000);

		show_progress(watched);
		n = 1;
		if (ready > 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
			take_words(&w, tool, bytes, (size_t)n);
	}
	take_words(&w, tool, "\n", 1);
}

/* --- running --- */

static int
start(struct arena *a, const char *const *argv, int words_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t ours;
	int error;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, words_fd, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &ours);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(ret_pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environment(a));
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool
tell_end(struct cli *cli, const char *tool, int status)
{
	if (stopped != 0)
		cli_error(cli, NULL, "%s: stopped by signal %d", tool, (int)stopped);
	else if (WIFSIGNALED(status))
		cli_error(cli, NULL, "%s: killed by signal %d", tool, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		cli_error(cli, NULL, "%s: ended with status %d", tool, WEXITSTATUS(status));
	return stopped == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
tool_run(struct cli *cli, const char *const *argv, const char *watched)
{
	int words[2], status = 0, error;
	pid_t pid;

	if (stopped != 0)
		return false;
	if (pipe2(words, O_CLOEXEC) != 0)
		return cli_error(cli, NULL, "pipe: %s", strerror(errno)) == CLI_DONE;
	fflush(stdout);
	error = start(cli->arena, argv, words[1], &pid);
	close(words[1]);
	if (error != 0) {
		close(words[0]);
		return cli_error(cli, "Debian's package postgresql-client has it", "%s: %s", argv[0], strerror(error)) == CLI_DONE;
	}
	running = pid;
	if (stopped != 0) /* it came before the handler knew whom to tell */
		kill(pid, SIGTERM);
	listen_to(words[0], argv[0], watched);
	close(words[0]);
	running = 0; /* it has ended, or is about to: its number may soon be another's */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return tell_end(cli, argv[0], status);
}
