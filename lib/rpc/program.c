/* program.c - main() of a listener. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/attend.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/pg.h"
#include "lib/rpc/internal.h"
#include "lib/token/watched.h"

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "print-config", no_argument, NULL, 'p' },
	{ "config", required_argument, NULL, 'c' },
	{ NULL, 0, NULL, 0 },
};

static void
usage(FILE *to, const char *name)
{
	fprintf(to,
	    "usage: %s [--config FILE] [--print-config]\n"
	    "Serves until SIGTERM.\n"
	    "  --config FILE   settings (else $MEDICORE_CONFIG, else the installed medicore.conf)\n"
	    "  --print-config  print every setting with its value, and exit\n"
	    "  --help, --version\n",
	    name);
}

/* Out of descriptors, the library stops serving for good: take as many as we may. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit); /* else we run with what there is */
}

static void
tell_auth(const char *why, unsigned failed)
{
	if (why != NULL)
		log_line(LOG_WARNING, "auth can't be asked, what is known of logins goes on being used: %s", why);
	else
		log_line(LOG_INFO, "auth answers again, after failing %u times", failed);
}

static void
open_metrics(const struct rpc_program *program)
{
	metrics_begin(METRICS_GRPC | METRICS_DATABASE | METRICS_TOKENS | program->counts);
	rpc_counts_plan(program->services, program->count);
	metrics_open(config->metrics.directory, program->name, log_line);
}

static int
serve(const struct rpc_program *program)
{
	struct rpc_options options = { 0 };
	struct pg_need need = { .say = log_line };
	enum pg_fit fit = PG_FITS;
	struct rpc_server *s;
	struct attendant attendant = { .alive = rpc_server_alive };
	bool stopped;

	attend_block();
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	log_open(program->name, log_level_named(config->log.level));
	open_metrics(program);
	program->start(&options);
	options.program = program->name;
	options.authenticate = watched_authenticate;
	need.database = options.database;
	need.role = options.role;
	need.schema = options.schema;
	if (need.database != NULL)
		fit = pg_schema_check(&need);
	if (fit == PG_MISFITS)
		return PG_MISFIT_STATUS;
	s = rpc_server_new(&options, program->services, program->count);
	if (s == NULL)
		return EXIT_FAILURE;
	/* The first thread of all, so not before the address is bound. */
	if (!watched_open(true, tell_auth) || (fit == PG_UNKNOWN && !pg_schema_await())) {
		fprintf(stderr, "%s: out of memory or threads\n", program->name);
		return EXIT_FAILURE;
	}
	rpc_server_start(s);
	log_line(LOG_INFO, "listening on %s", options.listen);
	notify_ready("Listening on %s", options.listen);
	attendant.closure = s;
	attend(&attendant);
	log_line(LOG_INFO, "stopping");
	stopped = rpc_server_stop(s, options.stop_grace_ms);
	if (!stopped) {
		log_line(LOG_ERROR, "calls still ran %d ms after the order to stop; ended without them",
		    options.stop_grace_ms);
		_exit(EXIT_FAILURE);
	}
	rpc_server_free(s);
	watched_close();
	if (program->stop != NULL)
		program->stop();
	return EXIT_SUCCESS;
}

int
rpc_main(const struct rpc_program *program, int argc, char **argv)
{
	const char *path = NULL;
	bool print = false;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			usage(stdout, program->name);
			return EXIT_SUCCESS;
		case 'V':
			printf("%s %s\n", program->name, PACKAGE_VERSION);
			return EXIT_SUCCESS;
		case 'p':
			print = true;
			break;
		case 'c':
			path = optarg;
			break;
		default:
			usage(stderr, program->name);
			return 2;
		}
	}
	if (optind < argc) {
		usage(stderr, program->name);
		return 2;
	}
	if (!config_load(path))
		return EXIT_FAILURE;
	if (print) {
		config_print(stdout);
		return EXIT_SUCCESS;
	}
	return serve(program);
}
