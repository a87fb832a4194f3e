#include "cli/cli.h"

#include <stdio.h>

#include "lib/base/config.h"
#include "lib/pg/pg.h"

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
	if (rc == RC_OK)
		return true;
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
	    err->message == NULL && err->detail != NULL ? rc_meaning(rc)->name : err_message(cx, rc));
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
