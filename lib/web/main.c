/* main() of every REST program: options, configuration, and which engine. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "lib/audit/audit.h"
#include "lib/base/attend.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/pg.h"
#include "lib/token/watched.h"
#include "lib/web/authorise.h"
#include "lib/web/counts.h"
#include "lib/web/engine.h"
#include "lib/web/limits.h"
#include "lib/web/openapi.h"
#include "lib/web/route.h"
#include "lib/web/web.h"

enum task { TASK_SERVE, TASK_HELP, TASK_VERSION, TASK_OPENAPI, TASK_ROUTES, TASK_PRINT_CONFIG, TASK_MISUSED };

static const struct option options[] = {
	{ "help", no_argument, NULL, TASK_HELP },
	{ "version", no_argument, NULL, TASK_VERSION },
	{ "openapi", no_argument, NULL, TASK_OPENAPI },
	{ "routes", no_argument, NULL, TASK_ROUTES },
	{ "print-config", no_argument, NULL, TASK_PRINT_CONFIG },
	{ "config", required_argument, NULL, 'c' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *to, const struct web_program *program)
{
	fprintf(to,
	    "usage: %s [--config FILE] [--help | --version | --openapi | --routes | --print-config]\n"
	    "\n"
	    "%s by REST.  Serves the listening socket that is its standard input as FastCGI,\n"
	    "until SIGTERM; where standard input is none, answers one request as CGI.\n"
	    "\n"
	    "  --config FILE    settings (default: $MEDICORE_CONFIG, else the installed medicore.conf)\n"
	    "  --print-config   print every setting with its value and where it comes from\n"
	    "  --openapi        print this program's part of the OpenAPI document\n"
	    "  --routes         print method, path and roles of each route, separated by tabs\n"
	    "  --version        print the version\n"
	    "  --help           print this\n"
	    "\n"
	    "Each setting is also an environment variable, MEDICORE__SECTION__KEY, which wins over the "
	    "file.\n"
	    "By hand: spawn-fcgi -n -s /tmp/%s.socket -- %s\n",
	    program->name, program->title, program->name, program->name);
}

static enum task
read_options(int argc, char **argv, const char **ret_file)
{
	enum task task = TASK_SERVE;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			*ret_file = optarg;
		else if (c == '?')
			return TASK_MISUSED;
		else
			task = (enum task)c;
	}
	return optind < argc ? TASK_MISUSED : task;
}

static void
print_openapi(const struct web_program *program)
{
	struct buf b = { .arena = arena_new() };

	openapi_write(&b, program);
	fwrite(b.bytes, 1, b.length, stdout);
	arena_free(b.arena);
}

static void
print_routes(const struct web_route *route)
{
	for (; route->method != NULL; route++) {
		const char *between = "";

		printf("%s\t%s\t", route->method, route->pattern);
		for (size_t i = 0; role_names[i] != NULL; i++) {
			if ((route->roles & 1u << i) == 0)
				continue;
			printf("%s%s", between, role_names[i]);
			between = " ";
		}
		putchar('\n');
	}
}

static bool
listening(int fd)
{
	int yes = 0;
	socklen_t size = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

static void
tell_auth(const char *why, unsigned failed)
{
	if (why != NULL)
		log_line(LOG_WARNING, "auth can't be asked, what is known of logins goes on being used: %s", why);
	else
		log_line(LOG_INFO, "auth answers again, after failing %u times", failed);
}

static struct limits *
open_limits(const struct web_program *program)
{
	const char *why;
	struct limits *limits;

	limits = limits_open(config->web.state, program->name, &why);
	if (why != NULL)
		log_line(LOG_WARNING, "[web] state %s: %s; each process counts requests for itself", config->web.state, why);
	return limits;
}

static void
open_metrics(const struct web_program *program)
{
	unsigned groups = METRICS_HTTP | program->counts;

	metrics_begin(groups | (program->database != NULL ? METRICS_DATABASE : 0) | (program->authenticate == NULL ? METRICS_TOKENS : 0));
	web_counts_plan(program);
	metrics_open(config->metrics.directory, program->name, log_line);
}

/* False: with this schema nothing can be served. */
static bool
schema_fits(const struct web_program *program)
{
	struct pg_need need = { .role = program->role, .schema = program->schema, .say = log_line };
	enum pg_fit fit;

	if (program->database == NULL)
		return true;
	need.database = program->database();
	fit = pg_schema_check(&need);
	return fit == PG_FITS || (fit == PG_UNKNOWN && pg_schema_await());
}

typedef int engine_fn(const struct web_program *program);

static engine_fn *
engine_of(bool fcgi)
{
	return !fcgi ? engine_cgi : strcmp(config->web.engine, "loop") == 0 ? engine_loop : engine_fcgi;
}

static int
serve(const struct web_program *given)
{
	struct web_program own = *given, *program = &own;
	bool fcgi = listening(STDIN_FILENO);
	int status;

	if (!fcgi && getenv("REQUEST_METHOD") == NULL) {
		fprintf(stderr, "%s: standard input is no listening socket, and there is no CGI request\n",
		    program->name);
		usage(stderr, program);
		return 2;
	}
	log_open(program->name, log_level_named(config->log.level));
	signal(SIGPIPE, SIG_IGN);
	if (fcgi)
		attend_block();
	open_metrics(program);
	if (fcgi && !schema_fits(program)) {
		metrics_close();
		return PG_MISFIT_STATUS;
	}
	if (program->authenticate == NULL) {
		program->authenticate = watched_authenticate;
		if (!watched_open(fcgi, tell_auth)) {
			fprintf(stderr, "%s: out of memory or threads\n", program->name);
			return EXIT_FAILURE;
		}
	}
	if (program->domain != NULL)
		program->spool = audit_spool_new(program->domain, program->name);
	program->limits = open_limits(program);
	if (program->start != NULL)
		program->start();
	status = engine_of(fcgi)(program);
	if (program->stop != NULL)
		program->stop();
	audit_spool_free(program->spool);
	limits_close(program->limits);
	watched_close();
	metrics_close();
	return status;
}

int
web_main(const struct web_program *program, int argc, char **argv)
{
	const char *file = NULL;
	enum task task = read_options(argc, argv, &file);

	if (!route_check(program))
		return EXIT_FAILURE;
	switch (task) {
	case TASK_HELP:
		usage(stdout, program);
		return EXIT_SUCCESS;
	case TASK_VERSION:
		printf("%s %s\n", program->name, PACKAGE_VERSION);
		return EXIT_SUCCESS;
	case TASK_OPENAPI:
		print_openapi(program);
		return EXIT_SUCCESS;
	case TASK_ROUTES:
		print_routes(program->routes);
		print_routes(health_routes);
		return EXIT_SUCCESS;
	case TASK_MISUSED:
		usage(stderr, program);
		return 2;
	case TASK_PRINT_CONFIG:
	case TASK_SERVE:
		break;
	}
	if (!config_load(file))
		return EXIT_FAILURE;
	if (task == TASK_PRINT_CONFIG) {
		config_print(stdout);
		return EXIT_SUCCESS;
	}
	return serve(program);
}
