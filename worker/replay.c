#include "worker/replay.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/billing/billing.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/pg/pg.h"
#include "worker/appointment_events.h"
#include "worker/billing_worker.h"
#include "worker/counts.h"
#include "worker/process.h"

#define BATCH 50
#define LISTEN_MS 60000

static pthread_t thread;

/* Those that are through stay so, whatever becomes of the others: each has a savepoint. */
static enum rc
replay_letters(struct ctx *cx, const struct billing_ports *ports, size_t *ret_count)
{
	struct dead_letter *letters;
	enum rc rc, failed = RC_OK;
	size_t count, gone = 0;

	rc = dead_letter_replayable(cx, BATCH, &letters, &count);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count && (failed == RC_OK || failed == RC_INTERNAL); i++) {
		bool is_gone = false;

		rc = appointment_event_replay(cx, ports, &letters[i], &is_gone);
		gone += is_gone;
		if (rc == RC_OK)
			continue;
		failed = rc;
		if (rc == RC_INTERNAL)
			log_line(LOG_ERROR, "dead letter %lld: %s (%s)", (long long)letters[i].id,
			    rc_meaning(rc)->name, cx->err.detail == NULL ? "no detail" : cx->err.detail);
	}
	if (gone > 0)
		log_line(LOG_INFO, "dead letters: %zu of %zu have their effect now", gone, count);
	*ret_count = count;
	return failed;
}

static enum rc
replay_batch(struct ctx *cx, const struct billing_ports *ports, size_t *ret_count)
{
	enum rc rc, failed;

	*ret_count = 0;
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	failed = replay_letters(cx, ports, ret_count);
	rc = pg_end(cx, *ret_count > 0 ? RC_OK : failed);
	return failed != RC_OK ? failed : rc;
}

static enum rc
turn(struct ctx *cx, const struct billing_ports *ports, struct trouble *trouble)
{
	size_t count;
	enum rc rc;

	rc = replay_batch(cx, ports, &count);
	if (rc != RC_OK)
		return rc;
	trouble_end(trouble);
	metrics_task_done(TASK_DEAD_LETTERS);
	if (count > 0)
		return RC_OK;
	rc = count_letters(cx);
	if (rc != RC_OK)
		return rc;
	rc = pg_listen_wait(cx, DEAD_LETTERS_CHANNEL, LISTEN_MS, stop_fd());
	return rc == RC_TIMEOUT || rc == RC_CANCELLED ? RC_OK : rc;
}

static void *
run(void *arg)
{
	const struct billing_ports *ports = arg;
	struct trouble trouble = { .what = "dead letters", .task = TASK_DEAD_LETTERS };
	struct pg *pg = pg_open(config->database.billing, BILLING_WORKER_ROLE);
	struct arena *arena = arena_new();
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	while (pg != NULL && !loop_wait(loop, pause_ms)) {
		struct ctx cx;
		enum rc rc;

		arena_reset(arena);
		ctx_init(&cx, arena, pg);
		pause_ms = 0;
		rc = turn(&cx, ports, &trouble);
		if (rc != RC_OK) {
			trouble_begin(&trouble, rc, cx.err.detail);
			pause_ms = trouble_pause_ms(&trouble);
		}
	}
	loop_end(loop);
	pg_close(pg);
	arena_free(arena);
	return NULL;
}

void
replay_start(const struct billing_ports *ports)
{
	int failed = pthread_create(&thread, NULL, run, (void *)(uintptr_t)ports);

	if (failed != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(failed));
		exit(EXIT_FAILURE);
	}
}

void
replay_join(void)
{
	pthread_join(thread, NULL);
}
