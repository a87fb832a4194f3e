#include "worker/invoices.h"

#include "domain/billing/billing.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/pg/pg.h"
#include "worker/active.h"
#include "worker/event_codec.h"
#include "worker/process.h"

#define LOCK_KEY INT64_C(0x6d6564696e766f69) /* "medinvoi": locks are per database */
#define NUMBERED_AT_ONCE 1000
#define MARKED_AT_ONCE 500
#define SWEEP_EVERY_NS (INT64_C(60) * 1000000000)

/* Nobody tells of invoices: who notifies has to commit alone (doc/architecture.md).  So a number takes this long, and a busy clinic's invoices get
 * theirs by the hundred. */
#define LOOK_EVERY_MS 200

struct invoices {
	struct arena *arena;
	struct pg *pg;
	struct active active;
	struct trouble trouble;
	int64_t sweep_at_ns;
};

/* Only of what the sweep tells. */
static const struct billing_ports ports = { .encode_invoice = event_encode_invoice };

static enum rc
sweep(struct invoices *in, struct ctx *cx, bool *ret_full)
{
	int64_t now = clock_monotonic_ns();
	size_t marked = 0;
	enum rc rc;

	if (now < in->sweep_at_ns)
		return RC_OK;
	rc = invoice_sweep_overdue(cx, &ports, NULL, MARKED_AT_ONCE, &marked);
	if (rc != RC_OK)
		return rc;
	*ret_full = *ret_full || marked == MARKED_AT_ONCE;
	metrics_add(M_INVOICES_OVERDUE, 0, marked);
	metrics_add(M_SWEEPS, 0, marked < MARKED_AT_ONCE);
	if (marked < MARKED_AT_ONCE)
		in->sweep_at_ns = now + SWEEP_EVERY_NS;
	if (marked > 0)
		log_line(LOG_INFO, "invoices: %zu are overdue", marked);
	return RC_OK;
}

static enum rc
turn(struct invoices *in, struct ctx *cx, bool *ret_full)
{
	size_t numbered = 0;
	enum rc rc;

	rc = active_win(&in->active, cx);
	if (rc == RC_OK)
		rc = invoice_number_next(cx, NUMBERED_AT_ONCE, &numbered);
	metrics_add(M_INVOICES_NUMBERED, 0, rc == RC_OK ? numbered : 0);
	*ret_full = numbered == NUMBERED_AT_ONCE;
	if (rc == RC_OK)
		rc = sweep(in, cx, ret_full);
	if (rc != RC_OK)
		return rc;
	trouble_end(&in->trouble);
	metrics_task_done(TASK_INVOICES);
	if (numbered > 0)
		log_line(LOG_DEBUG, "invoices: %zu numbered", numbered);
	return RC_OK;
}

bool
invoices_run(const char *database, const char *role)
{
	struct invoices in = {
		.arena = arena_new(),
		.pg = pg_open(database, role),
		.trouble = { .what = "invoices", .task = TASK_INVOICES },
		.active = { .what = "invoices", .key = LOCK_KEY, .task = TASK_INVOICES },
	};
	bool opened = in.pg != NULL;
	struct pulse *loop = loop_begin();
	int pause_ms = 0;

	while (opened && !loop_wait(loop, pause_ms)) {
		bool full = false;
		struct ctx cx;
		enum rc rc;

		arena_reset(in.arena);
		ctx_init(&cx, in.arena, in.pg);
		rc = turn(&in, &cx, &full);
		pause_ms = rc == RC_CONFLICT ? STANDBY_MS : full ? 0 : LOOK_EVERY_MS;
		if (rc != RC_OK && rc != RC_CONFLICT) {
			trouble_begin(&in.trouble, rc, cx.err.detail);
			pause_ms = trouble_pause_ms(&in.trouble);
		}
	}
	loop_end(loop);
	pg_close(in.pg);
	arena_free(in.arena);
	return opened;
}
