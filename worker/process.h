/* process.h - what the programs of this room have in common: options, settings, and being asked to stop. */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/pulse.h"
#include "lib/base/rc.h"
#include "lib/metrics/metrics.h"

struct process {
	const char *name;
	const char *purpose;  /* one line of --help */
	const char *argument; /* how --help names the only argument; NULL: there is none */
};

/*
 * Reads the options (--help, --version, --print-config, --config FILE) and the settings, opens the log and holds signals back for
 * process_ready, so it is to be called before any thread starts.  Returns -1 to go on, else the exit status.
 */
int process_start(const struct process *p, int argc, char **argv, const char **ret_argument);

/* Opens what the process counts: these groups of lib/metrics, as program name; before any thread starts. */
void process_count(const char *name, unsigned groups);

/* Whether this schema is what the program needs (lib/pg): -1 to go on, else the exit status.  Before any thread starts; the texts must stay. */
int process_schema(const char *database, const char *role, int schema);

/*
 * Says that the process works, once it has opened what it needs, and starts the thread that meets signals and answers a supervisor's watchdog:
 * as long as every loop turns, and alive (NULL: nothing else is asked) says so too.  process_end, the last of all, ends it.  False, said on
 * standard error, where there can be no thread.
 */
bool process_ready(bool (*alive)(void *closure), void *closure);
void process_end(void);

void process_stop(void); /* as a signal does */
int stop_fd(void);       /* becomes readable when the process is asked to stop */

/* Until then. */
void stop_await(void);

/* A loop shows that it turns by waiting with loop_wait before each turn: up to timeout_ms; true, at once and from then on, when the process is
 * asked to stop.  A turn, with whatever it waits for itself, must be over within minutes. */
struct pulse *loop_begin(void);
bool loop_wait(struct pulse *loop, int timeout_ms);
void loop_end(struct pulse *loop);

/*
 * Pauses that get longer while something fails, 50 ms to half a second, so that its return is noticed well within two.  Says that it fails when
 * it begins to and every half a minute from then on, and when it is over.  Starts zeroed but for what and task, which counts it; a task may have
 * several, and is done (metrics_task_done) at the end of a turn in which none of them lasts.
 */
struct trouble {
	const char *what; /* "publish", say */
	enum metric_task task;
	int attempts;     /* in a row */
	int64_t said_ns;
};

void trouble_begin(struct trouble *t, enum rc rc, const char *detail);
int trouble_pause_ms(const struct trouble *t);
void trouble_end(struct trouble *t); /* nothing failed: says nothing where nothing had */

#endif
