/*
 * lookup.c - reads by key of a loop's fibers, on one connection that they share.
 *
 * Who asks puts its statement into a queue and waits.  One fiber sends all that has queued up in a pipeline, with one sync for all, and hands
 * the answers out; what comes meanwhile is the next batch.  It lives as long as there is something to do.
 *
 * A statement that fails makes the server skip the rest of its batch: that is sent again, each with a sync of its own, so that nobody has to
 * bear another's mistake.  What was on its way when the connection went is sent again on a new one.
 */
#include "lib/base/clock.h"
#include "lib/loop/loop.h"
#include "lib/metrics/metrics.h"
#include "lib/pg/conn.h"

/* Whose answer takes longer than this goes to a connection of its own: somebody's slow statement may be before it. */
#define PATIENCE_NS 250000000

/* How often a statement is sent that may itself be why the connection went, or that the server undid. */
#define TRIES_MAX 5

/* A statement on its way.  It outlives whoever asked and didn't wait for the answer. */
struct lookup {
	struct lookup *next;
	struct binding *binding;
	const char *const *values; /* in the arena of who asked */
	struct fiber_list asker;
	bool left;     /* its asker has gone */
	bool done;     /* answered */
	bool prepares; /* sent together with its preparation */
	bool synced;   /* sent with a sync behind it */
	bool alone;    /* to be sent so */
	int tries;
	PGresult *result;  /* NULL: no connection could be had */
	const char *words; /* then: why */
};

struct lookup_list {
	struct lookup *first, **end;
};

struct pg_lookups {
	struct ctx cx; /* of the fiber that sends: its handle has the connection for good */
	struct fiber *fiber;
	bool serving; /* else there is nothing to do, and no fiber */
	struct lookup_list queued;
	struct lookup_list sent;  /* not answered yet */
	struct lookup_list again; /* to be queued before all others */
	struct lookup *spare;
};

/* --- lists --- */

static void
empty(struct lookup_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

static void
append(struct lookup_list *list, struct lookup *l)
{
	l->next = NULL;
	*list->end = l;
	list->end = &l->next;
}

static struct lookup *
take(struct lookup_list *list)
{
	struct lookup *l = list->first;

	if (l != NULL)
		list->first = l->next;
	if (list->first == NULL)
		list->end = &list->first;
	return l;
}

/* All of from, behind those of list. */
static void
move(struct lookup_list *list, struct lookup_list *from)
{
	if (from->first == NULL)
		return;
	*list->end = from->first;
	list->end = from->end;
	empty(from);
}

static struct lookup *
lookup_new(struct pg_lookups *all)
{
	struct lookup *l = all->spare;

	if (l == NULL)
		return arena_zalloc(all->cx.pg->arena, sizeof(*l));
	all->spare = l->next;
	*l = (struct lookup){ 0 };
	return l;
}

static void
lookup_free(struct pg_lookups *all, struct lookup *l)
{
	PQclear(l->result);
	l->next = all->spare;
	all->spare = l;
}

/* --- sending --- */

/* Its asker takes it from here, if there is one still. */
static void
answered(struct pg_lookups *all, struct lookup *l, PGresult *result)
{
	l->result = result;
	l->done = true;
	if (l->left)
		lookup_free(all, l);
	else
		(void)fiber_wake(&l->asker);
}

static bool
send_one(struct pg_lookups *all, struct lookup *l)
{
	const struct binding *b = l->binding;
	PGconn *conn = pg_conn(all->cx.pg);

	l->synced = l->alone;
	return (!l->prepares || PQsendPrepare(conn, b->stmt->name, b->stmt->sql, 0, NULL)) &&
	       PQsendQueryPrepared(conn, b->stmt->name, b->param_count, l->values, NULL, NULL, 0) &&
	       (!l->synced || PQpipelineSync(conn));
}

/* Of those that are sent together only the first prepares a statement: where that fails, the others are skipped like all that
 * comes behind.  So one that is sent alone, and prepares, is the last for now. */
static bool
send_queued(struct pg_lookups *all)
{
	struct lookup *l, *last = NULL;

	if (!PQenterPipelineMode(pg_conn(all->cx.pg))) /* nothing where it is in it already */
		return false;
	while ((last == NULL || !last->alone || !last->prepares) && (l = take(&all->queued)) != NULL) {
		if (l->left) {
			lookup_free(all, l);
			continue;
		}
		append(&all->sent, l);
		l->prepares = !l->binding->prepared && !l->binding->preparing;
		if (l->prepares)
			l->binding->preparing = true;
		if (!send_one(all, l))
			return false;
		last = l;
	}
	if (last == NULL || last->synced)
		return true;
	last->synced = true;
	return PQpipelineSync(pg_conn(all->cx.pg)) == 1;
}

/* --- answers --- */

/* False: the connection has gone. */
static bool
next_result(struct pg_lookups *all, PGresult **ret_result)
{
	PGconn *conn = pg_conn(all->cx.pg);

	if (PQisBusy(conn) && pg_wait(&all->cx, "lookups", pg_deadline(&all->cx)) != RC_OK)
		return false;
	*ret_result = PQgetResult(conn);
	return true;
}

/* A statement's result, and the NULL behind it. */
static bool
whole_result(struct pg_lookups *all, PGresult **ret_result)
{
	PGresult *end = NULL;

	if (!next_result(all, ret_result))
		return false;
	if (*ret_result != NULL && next_result(all, &end) && end == NULL)
		return true;
	PQclear(*ret_result);
	PQclear(end);
	return false;
}

static bool
take_prepared(struct pg_lookups *all, struct lookup *l, PGresult **ret_failed)
{
	PGresult *result;

	l->binding->preparing = false;
	if (!whole_result(all, &result))
		return false;
	if (PQresultStatus(result) == PGRES_COMMAND_OK) {
		pg_prepared_now(l->binding);
		PQclear(result);
	} else {
		*ret_failed = result;
	}
	return true;
}

/* All that the server says about l; *ret_result is what counts. */
static bool
take_answer(struct pg_lookups *all, struct lookup *l, PGresult **ret_result)
{
	PGresult *failed = NULL, *result = NULL, *sync = NULL;
	bool there = (!l->prepares || take_prepared(all, l, &failed)) && whole_result(all, &result) &&
		     (!l->synced || (next_result(all, &sync) && PQresultStatus(sync) == PGRES_PIPELINE_SYNC));

	PQclear(sync);
	if (failed != NULL) {
		PQclear(result);
		result = failed;
	}
	if (there)
		*ret_result = result;
	else
		PQclear(result);
	return there;
}

/* Whether l, which was answered so, is to be asked again on this connection. */
static bool
asked_again(struct lookup *l, const PGresult *result)
{
	if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
		return true;
	if (pg_failure_of(result) != PG_SERIALIZED || ++l->tries >= TRIES_MAX)
		return false;
	metrics_add(M_DATABASE_RETRIES, RETRY_SERIALIZED, 1);
	return true;
}

/* False: what is left has to go to another connection. */
static bool
settle(struct pg_lookups *all, struct lookup *l, PGresult *result)
{
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;

	if (!ok && pg_failure_of(result) == PG_LOST && l->tries + 1 < TRIES_MAX) {
		PQclear(result);
		return false;
	}
	(void)take(&all->sent);
	if (!ok && asked_again(l, result)) {
		l->alone = true;
		append(&all->again, l);
		PQclear(result);
		return true;
	}
	ok = ok || pg_failure_of(result) != PG_LOST;
	answered(all, l, result);
	return ok;
}

static bool
take_answers(struct pg_lookups *all)
{
	struct lookup *l;
	PGresult *result;

	while ((l = all->sent.first) != NULL)
		if (!take_answer(all, l, &result) || !settle(all, l, result))
			return false;
	return true;
}

/* The first one that has no answer may be why: it isn't sent for ever. */
static void
lost(struct pg_lookups *all)
{
	struct lookup *suspect = all->sent.first;

	if (pg_conn(all->cx.pg) != NULL)
		(void)pg_lost(&all->cx, "lookups");
	for (struct lookup *l = suspect; l != NULL; l = l->next)
		l->binding->preparing = false;
	if (suspect != NULL && ++suspect->tries >= TRIES_MAX) {
		(void)take(&all->sent);
		suspect->words = "the connection to the database was lost again and again";
		answered(all, suspect, NULL);
	}
	for (struct lookup *l = all->sent.first; l != NULL; l = l->next)
		metrics_add(M_DATABASE_RETRIES, RETRY_LOST, 1);
	move(&all->again, &all->sent);
}

/* --- the fiber --- */

static bool
connected(struct pg_lookups *all)
{
	struct ctx *cx = &all->cx;

	pg_reset(cx->pg);
	err_clear(cx);
	arena_reset(cx->arena);
	return pg_heard_lately(cx->pg->link) || pg_connected(cx, pg_deadline(cx)) == RC_OK;
}

static void
refuse_queued(struct pg_lookups *all)
{
	struct lookup *l;

	while ((l = take(&all->queued)) != NULL) {
		l->words = all->cx.err.detail;
		answered(all, l, NULL);
	}
}

/* Before each batch all others run that can: who was answered may well ask again. */
static void
serve(void *arg)
{
	struct pg_lookups *all = arg;

	all->fiber = fiber_self();
	while (all->queued.first != NULL) {
		if (!connected(all))
			refuse_queued(all);
		else if (!send_queued(all) || !take_answers(all))
			lost(all);
		fiber_yield();
		move(&all->again, &all->queued);
		move(&all->queued, &all->again);
	}
	all->serving = false;
}

struct pg_lookups *
pg_lookups(struct arena *a, const struct target *to)
{
	struct pg_lookups *all = arena_zalloc(a, sizeof(*all));
	struct pg *pg = arena_zalloc(a, sizeof(*pg));

	pg->arena = a;
	pg->link = pg_link(a, to);
	ctx_init(&all->cx, arena_new(), pg);
	empty(&all->queued);
	empty(&all->sent);
	empty(&all->again);
	return all;
}

void
pg_lookups_end(struct pg_lookups *all)
{
	PQfinish(pg_conn(all->cx.pg));
	arena_free(all->cx.arena);
}

/* --- who asks --- */

/* Until it is answered, or has to be given up.  While there is no connection none of its own could be had either. */
static bool
wait_for_answer(struct pg_lookups *all, struct lookup *l, int64_t started_ns, int64_t deadline_ns)
{
	int64_t patience_ns = started_ns + PATIENCE_NS;

	if (patience_ns < deadline_ns && (fiber_wait(&l->asker, patience_ns) || l->done))
		return true;
	if (patience_ns < deadline_ns && all->sent.first != NULL)
		return false;
	return fiber_wait(&l->asker, deadline_ns) || l->done;
}

/* Its asker has no time left.  Where the server turns out to be mute, nobody waits for this connection any longer. */
static enum rc
too_late(struct ctx *cx, struct pg_lookups *all, const struct pg_stmt *stmt, int64_t started_ns)
{
	if (pg_waited_in_vain(started_ns) && all->sent.first != NULL)
		fiber_interrupt(all->fiber);
	return err_detail(cx, RC_TIMEOUT, "%s: the database did not answer in time", stmt->name);
}

static enum rc
take_result(struct ctx *cx, struct lookup *l, PGresult **ret_result)
{
	PGresult *result = l->result;

	if (result == NULL) {
		if (l->tries < TRIES_MAX)
			pg_note_attempt(cx);
		return err_detail(cx, RC_UNAVAILABLE, "%s", l->words);
	}
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		return pg_sort(cx, l->binding->stmt->name, result);
	*ret_result = result;
	l->result = NULL;
	return RC_OK;
}

/* False: to be asked alone. */
static bool
ask(struct ctx *cx, struct pg_lookups *all, struct lookup *l, int64_t deadline_ns, PGresult **ret_result, enum rc *ret_rc)
{
	int64_t started_ns = clock_monotonic_ns();

	append(&all->queued, l);
	if (wait_for_answer(all, l, started_ns, deadline_ns)) {
		*ret_rc = take_result(cx, l, ret_result);
		lookup_free(all, l);
		return true;
	}
	l->left = true; /* the answer may still come */
	if (clock_monotonic_ns() < deadline_ns)
		return false;
	*ret_rc = too_late(cx, all, l->binding->stmt, started_ns);
	return true;
}

static bool
may_share(const struct pg *pg, const struct pg_stmt *stmt)
{
	return stmt->kind == PG_LOOKUP && pg->pool != NULL && pg->depth == 0 && !pg->streaming && fiber_self() != NULL;
}

bool
pg_look_up(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, int64_t deadline_ns, struct binding **ret_binding,
    PGresult **ret_result, enum rc *ret_rc)
{
	struct pg_lookups *all;
	struct lookup *l;

	if (!may_share(cx->pg, stmt) || pg_tried_already(cx))
		return false;
	cx->pg->failure = PG_FAILED;
	all = pg_pool_lookups(cx->pg->pool);
	*ret_rc = pg_binding(cx, all->cx.pg->link, stmt, ret_binding);
	if (*ret_rc != RC_OK)
		return true;
	all->serving = all->serving || fiber_start(loop_self(), serve, all);
	if (!all->serving)
		return false;
	l = lookup_new(all);
	l->binding = *ret_binding;
	l->values = pg_values(cx, *ret_binding, arg);
	return ask(cx, all, l, deadline_ns, ret_result, ret_rc);
}
