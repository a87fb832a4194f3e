#include "worker/process.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "config.h"
#include "lib/base/attend.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/pg/pg.h"

#define PAUSE_FIRST_MS 50
#define PAUSE_MOST_MS 500
#define REPEAT_NS (INT64_C(30) * 1000000000)

/* Longer no turn is: its statements, calls and waits have time-outs of their own, the longest of a minute. */
#define TURN_MS 300000
#define LOOPS_MAX 8

static int stopping = -1; /* eventfd: readable from the signal on */
static struct pulse loops[LOOPS_MAX];
static atomic_int loop_count;
static struct attendant attendant;
static bool (*also_alive)(void *closure);
static pthread_t attending;
static bool attended;
static atomic_int troubles; /* that last */

static void
usage(FILE *to, const struct process *p)
{
	fprintf(to, "usage: %s [--config FILE] [--print-config] [--help] [--version]%s%s\n%s\n", p->name,
	    p->argument == NULL ? "" : " ", p->argument == NULL ? "" : p->argument, p->purpose);
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
	signal(SIGPIPE, SIG_IGN);
	attend_block(); /* threads inherit it, those of librdkafka and gRPC too */
	stopping = eventfd(0, EFD_CLOEXEC);
	if (stopping < 0)
		perror("eventfd");
	return stopping < 0 ? EXIT_FAILURE : -1;
}

void
process_count(const char *name, unsigned groups)
{
	metrics_begin(METRICS_DATABASE | METRICS_TASKS | groups);
	metrics_open(config->metrics.directory, name, log_line);
}

/* --- its database --- */

static bool unknown;

int
process_schema(const char *database, const char *role, int schema)
{
	const struct pg_need need = { .database = database, .role = role, .schema = schema, .say = log_line };
	enum pg_fit fit = pg_schema_check(&need);

	unknown = fit == PG_UNKNOWN;
	return fit == PG_MISFITS ? PG_MISFIT_STATUS : -1;
}

/* --- being supervised --- */

static bool
alive(void *closure)
{
	int count = atomic_load(&loop_count);

	for (int i = 0; i < count; i++)
		if (pulse_stuck(&loops[i], TURN_MS)) {
			log_line(LOG_ERROR, "a loop is stuck in a turn that should have ended long ago");
			return false;
		}
	return also_alive == NULL || also_alive(closure);
}

static void *
attend_here(void *arg)
{
	attend(arg);
	process_stop();
	return NULL;
}

bool
process_ready(bool (*other)(void *closure), void *closure)
{
	int err;

	attendant = (struct attendant){ .alive = alive, .closure = closure };
	also_alive = other;
	err = pthread_create(&attending, NULL, attend_here, &attendant);
	attended = err == 0;
	if (err == 0 && unknown && !pg_schema_await())
		err = EAGAIN;
	if (err != 0)
		fprintf(stderr, "a thread: %s\n", strerror(err));
	else
		notify_ready("Working");
	return err == 0;
}

void
process_end(void)
{
	if (!attended)
		return;
	pthread_kill(attending, SIGTERM); /* where it didn't end by one */
	pthread_join(attending, NULL);
	attended = false;
}

/* --- loops --- */

void
process_stop(void)
{
	eventfd_write(stopping, 1);
}

int
stop_fd(void)
{
	return stopping;
}

/* Nobody reads it, so that every thread sees it. */
static bool
stop_wait(int timeout_ms)
{
	struct pollfd fd = { .fd = stopping, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

void
stop_await(void)
{
	while (!stop_wait(-1))
		;
}

struct pulse *
loop_begin(void)
{
	int n = atomic_fetch_add(&loop_count, 1);

	if (n >= LOOPS_MAX)
		abort(); /* a bug of ours: there are few, each for as long as the process */
	return &loops[n];
}

bool
loop_wait(struct pulse *loop, int timeout_ms)
{
	pulse_beat(loop);
	return stop_wait(timeout_ms);
}

void
loop_end(struct pulse *loop)
{
	pulse_rest(loop);
}

/* --- trouble --- */

void
trouble_begin(struct trouble *t, enum rc rc, const char *detail)
{
	enum log_level level = rc == RC_INTERNAL ? LOG_ERROR : LOG_WARNING;
	int64_t now = clock_monotonic_ns();

	t->attempts++;
	metrics_task_failed(t->task);
	if (t->attempts == 1) {
		atomic_fetch_add(&troubles, 1);
		notify_status("%s: %s (%s)", t->what, rc_meaning(rc)->name, detail == NULL ? "no detail" : detail);
	}
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
	if (t->attempts == 0)
		return;
	log_line(LOG_INFO, "%s: works again, after %d attempts", t->what, t->attempts);
	t->attempts = 0;
	if (atomic_fetch_sub(&troubles, 1) == 1)
		notify_status("Working");
}
