#include "worker/process.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "config.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"

#define PAUSE_FIRST_MS 50
#define PAUSE_MOST_MS 500
#define REPEAT_NS (INT64_C(30) * 1000000000)

static int stop_signals = -1;

static void
usage(FILE *to, const struct process *p)
{
	fprintf(to, "usage: %s [--config FILE] [--print-config] [--help] [--version]%s%s\n%s\n", p->name,
	    p->argument == NULL ? "" : " ", p->argument == NULL ? "" : p->argument, p->purpose);
}

/* Threads inherit the mask, those of librdkafka and gRPC too: signals come to stop_wait alone. */
static bool
hold_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		stop_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_signals < 0)
		perror("signalfd");
	return stop_signals >= 0;
}

int
process_start(const struct process *p, int argc, char **argv, const char **ret_argument)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "print-config", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	bool print = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout, p);
			return EXIT_SUCCESS;
		}
		if (option == 'v') {
			printf("%s %s\n", p->name, PACKAGE_VERSION);
			return EXIT_SUCCESS;
		}
		if (option == '?') {
			usage(stderr, p);
			return 2;
		}
		if (option == 'c')
			path = optarg;
		print = print || option == 'p';
	}
	if (!config_load(path))
		return EXIT_FAILURE;
	if (print) {
		config_print(stdout);
		return EXIT_SUCCESS;
	}
	if (argc - optind != (p->argument == NULL ? 0 : 1)) {
		usage(stderr, p);
		return 2;
	}
	if (p->argument != NULL)
		*ret_argument = argv[optind];
	log_open(p->name, log_level_named(config->log.level));
	return hold_signals() ? -1 : EXIT_FAILURE;
}

int
stop_fd(void)
{
	return stop_signals;
}

/* The signal stays pending, so that every thread sees it. */
bool
stop_wait(int timeout_ms)
{
	struct pollfd fd = { .fd = stop_signals, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

void
trouble_begin(struct trouble *t, enum rc rc, const char *detail)
{
	enum log_level level = rc == RC_INTERNAL ? LOG_ERROR : LOG_WARNING;
	int64_t now = clock_monotonic_ns();

	t->attempts++;
	if (t->attempts > 1 && now - t->said_ns < REPEAT_NS)
		level = LOG_DEBUG;
	else
		t->said_ns = now;
	log_line(level, "%s: %s (%s), attempt %d; trying again", t->what, rc_meaning(rc)->name,
	    detail == NULL ? "no detail" : detail, t->attempts);
}

int
trouble_pause_ms(const struct trouble *t)
{
	int ms = PAUSE_FIRST_MS;

	for (int i = 1; i < t->attempts && ms < PAUSE_MOST_MS; i++)
		ms *= 2;
	return ms < PAUSE_MOST_MS ? ms : PAUSE_MOST_MS;
}

void
trouble_end(struct trouble *t)
{
	if (t->attempts > 0)
		log_line(LOG_INFO, "%s: works again, after %d attempts", t->what, t->attempts);
	t->attempts = 0;
}
