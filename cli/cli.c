#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/auth/auth.h"
#include "domain/billing/billing.h"
#include "domain/patient/patient.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

void
cli_domains(struct cli_domain ret_domains[CLI_DOMAINS])
{
	const struct config *c = config;

	ret_domains[CLI_PATIENT] = (struct cli_domain){ "patient", c->database.patient, PATIENT_SCHEMA };
	ret_domains[CLI_SCHEDULING] = (struct cli_domain){ "scheduling", c->database.scheduling, SCHEDULING_SCHEMA };
	ret_domains[CLI_BILLING] = (struct cli_domain){ "billing", c->database.billing, BILLING_SCHEMA };
	ret_domains[CLI_AUTH] = (struct cli_domain){ "auth", c->database.auth, AUTH_SCHEMA };
}

/* Whether the verbs of everyday can work with this database: the administrator's own may be what brings it there. */
static bool
schema_fits(struct cli *cli, const char *database, struct ctx *cx)
{
	struct cli_domain known[CLI_DOMAINS];
	int64_t number = 0;
	enum rc rc;

	cli_domains(known);
	for (size_t i = 0; i < CLI_DOMAINS; i++) {
		if (strcmp(known[i].database, database) != 0)
			continue;
		rc = pg_schema(cx, &number);
		if (rc != RC_OK)
			return cli_failed(cli, cx, rc, "the schema of database %s", database) == CLI_DONE;
		if (number != known[i].schema)
			return cli_error(cli,
				   number < known[i].schema ? "run `medicore migrate`" : "install the MediCore that made it, or a newer one",
				   "database %s has schema %lld, this program is for %d", database, (long long)number,
				   known[i].schema) == CLI_DONE;
	}
	return true;
}

bool
cli_open(struct cli *cli, const char *database, const char *role, struct ctx *ret_cx)
{
	struct pg *pg = pg_open(database, role);
	enum rc rc;

	if (pg == NULL)
		return false;
	ctx_init(ret_cx, cli->arena, pg);
	ret_cx->account = "operator";
	rc = pg_connect(ret_cx);
	if (rc == RC_OK) {
		if (strcmp(role, config->database.admin) == 0 || schema_fits(cli, database, ret_cx))
			return true;
		pg_close(pg);
		return false;
	}
	cli_error(cli,
	    "is PostgreSQL up there, and does its pg_hba.conf let this role in?"
	    " medicore migrate makes databases and roles",
	    "can't open database %s as %s at %s port %d: %s", database, role, config->database.host,
	    config->database.port, ret_cx->err.detail == NULL ? rc_meaning(rc)->title : ret_cx->err.detail);
	pg_close(pg);
	return false;
}

void
cli_close(struct ctx *cx)
{
	pg_close(cx->pg);
	cx->pg = NULL;
}

/* fd to its end, whatever size it claimed to have. */
static char *
read_all(struct arena *a, int fd, size_t capacity, size_t *ret_length)
{
	char *bytes = arena_alloc(a, capacity);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, bytes + length, capacity - length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return NULL;
		length += (size_t)n;
		if (length == capacity) {
			char *more = arena_alloc(a, 2 * capacity);

			memcpy(more, bytes, length);
			bytes = more;
			capacity *= 2;
		}
	}
	bytes[length] = '\0';
	*ret_length = length;
	return bytes;
}

char *
cli_read_file(struct arena *a, const char *path, size_t *ret_length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	size_t capacity = (size_t)64 * 1024;
	char *bytes = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode) && st.st_size > 0)
			capacity = (size_t)st.st_size + 1;
		bytes = read_all(a, fd, capacity, ret_length);
	}
	error = errno;
	close(fd);
	errno = error;
	return bytes;
}

bool
cli_number(const char *text, int64_t max, int64_t *ret_number)
{
	char *end;
	int64_t n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || n < 0 || n > max)
		return false;
	*ret_number = n;
	return true;
}

bool
cli_on_terminal(void)
{
	return isatty(STDERR_FILENO) == 1;
}

void
cli_hide_progress(void)
{
	if (cli_on_terminal())
		fputs("\r\033[K", stderr);
}

static void
complain(const struct cli *cli, const char *fmt, va_list ap)
{
	fflush(stdout); /* so that a terminal shows both in the order they were said */
	fprintf(stderr, "medicore %s: ", cli->verb);
	vfprintf(stderr, fmt, ap);
}

int
cli_error(const struct cli *cli, const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(cli, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (mend != NULL)
		fprintf(stderr, "  %s\n", mend);
	return CLI_FAILED;
}

int
cli_failed(const struct cli *cli, struct ctx *cx, enum rc rc, const char *fmt, ...)
{
	const struct err *err = &cx->err;
	va_list ap;

	va_start(ap, fmt);
	complain(cli, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s",
	    err->message == NULL && err->fields == NULL && err->detail != NULL ? rc_meaning(rc)->name : err_message(cx, rc));
	for (const struct err_field *f = err->fields; f != NULL && err->field_count > 1; f = f->next)
		fprintf(stderr, "\n  %s: %s", f->name, f->message);
	if (err->detail != NULL)
		fprintf(stderr, " (%s)", err->detail);
	fputc('\n', stderr);
	if (rc == RC_UNAVAILABLE || rc == RC_TIMEOUT)
		fputs("  nothing is lost by running it again once what it needs is up\n", stderr);
	return CLI_FAILED;
}

int
cli_usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(cli, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n  usage: medicore %s %s\n", cli->verb, cli->args);
	return CLI_USAGE;
}
