#include "lib/web/attention.h"

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/pg/pg.h"

/* The web server takes an answer, or sends a body, at its client's pace: this long for some bytes (engine_fcgi.c) … */
#define STALL_MS 60000

/* … and this much is a busy machine's. */
#define MARGIN_MS 10000

/* A database that takes longer is away. */
#define PROBE_MS 1000

/* The longest that a thread may be between two steps of a request: a database, or a service, that is slow has its own time-outs. */
static int64_t
longest_step_ms(void)
{
	return STALL_MS + MARGIN_MS + config->web.request_timeout_ms + config->database.statement_timeout_ms;
}

static void
prober_close(struct attention *a)
{
	if (a->prober_open)
		web_worker_close(&a->prober);
	a->prober_open = false;
}

/* With a connection that is only there while something is wrong. */
static enum rc
probe(struct attention *a, struct ctx *cx)
{
	ctx_init(cx, a->prober.arena, a->prober.pg);
	cx->deadline_ns = clock_monotonic_ns() + (int64_t)PROBE_MS * 1000000;
	return pg_ready(cx, a->prober.program->schema);
}

static void
look_at_database(struct attention *a, const struct web_program *program)
{
	struct ctx cx;
	enum rc rc;

	if (program->database == NULL)
		return;
	if (!a->prober_open && !web_worker_open(&a->prober, program))
		return;
	a->prober_open = true;
	rc = probe(a, &cx);
	if (rc != RC_OK)
		notify_status("Serving, but the database can't be asked: %s", cx.err.detail != NULL ? cx.err.detail : rc_meaning(rc)->name);
	else if (a->away)
		notify_status("%s", a->serving);
	a->away = rc != RC_OK;
	arena_reset(a->prober.arena);
	if (!a->away)
		prober_close(a);
}

void
attention_begin(struct attention *a, const struct web_program *program)
{
	a->prober.program = program;
	notify_ready("%s", a->serving);
	atomic_store(&a->asked_in_vain, true);
}

void
attention_end(struct attention *a)
{
	prober_close(a);
}

bool
attention_alive(void *attention)
{
	struct attention *a = attention;
	int stuck = 0;

	for (int i = 0; i < a->threads; i++)
		stuck += pulse_stuck(&a->pulses[i], longest_step_ms());
	if (stuck == a->threads) {
		log_line(LOG_ERROR, "stuck: each thread that answers (%d) is in a request that should have ended long ago", stuck);
		notify_status("Stuck: no thread that answers gets on");
		return false;
	}
	if (atomic_exchange(&a->asked_in_vain, false) || a->away)
		look_at_database(a, a->prober.program);
	return true;
}
