#include "worker/takers.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/billing/billing.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "worker/appointment_events.h"
#include "worker/billing_worker.h"
#include "worker/process.h"

#define TAKERS 2

struct delivery {
	struct arena *arena;
	size_t open; /* events that have no effect yet */
};

/* An event in its taker's queue. */
struct waiting {
	struct waiting *next;
	struct delivery *of;
	const struct event *event;
};

struct taker {
	struct takers *all;
	pthread_t thread;
	pthread_cond_t given;
	struct waiting *first, **end;
	bool busy;
	struct pg *pg; /* NULL until it is needed, but for the first's */
	/* Of the batch in hand, or the last. */
	struct arena *arena;
	struct ctx cx;
};

struct takers {
	const struct billing_ports *ports;
	pthread_mutex_t mutex;
	pthread_cond_t moved; /* a batch has ended */
	struct taker taker[TAKERS];
	struct delivery deliveries[TAKERS_IN_HAND]; /* a ring */
	size_t oldest, count;
	int failures; /* in a row that are no dependency's */
	enum rc rc;   /* what failed first, since the last drop */
	const char *detail;
	bool over;
};

/* --- the threads --- */

static bool
await_events(struct taker *t)
{
	struct takers *all = t->all;

	while (!all->over && (t->first == NULL || all->rc != RC_OK))
		pthread_cond_wait(&t->given, &all->mutex);
	return !all->over;
}

/* Takes the first of the queue, a batch at most, off it. */
static struct waiting *
cut(struct taker *t, size_t *ret_count)
{
	struct waiting *first = t->first, *last = first;
	size_t count = 1;

	while (last->next != NULL && count < (size_t)config->events.batch) {
		last = last->next;
		count++;
	}
	t->first = last->next;
	if (t->first == NULL)
		t->end = &t->first;
	*ret_count = count;
	return first;
}

static enum rc
take(struct taker *t, const struct waiting *first, size_t count, int failures)
{
	struct event *events;

	arena_reset(t->arena);
	if (t->pg == NULL)
		t->pg = pg_open(config->database.billing, BILLING_WORKER_ROLE);
	ctx_init(&t->cx, t->arena, t->pg);
	if (t->pg == NULL)
		return err_detail(&t->cx, RC_INTERNAL, "bad settings of the database");
	events = arena_alloc(t->arena, count * sizeof(*events));
	for (size_t i = 0; i < count; i++, first = first->next)
		events[i] = *first->event;
	return appointment_events_take(&t->cx, t->all->ports, events, count, failures);
}

static void
settle(struct taker *t, struct waiting *first, size_t count, enum rc rc)
{
	struct takers *all = t->all;

	t->busy = false;
	for (size_t i = 0; rc == RC_OK && i < count; i++, first = first->next)
		first->of->open--;
	if (all->rc == RC_OK) {
		all->failures = rc == RC_INTERNAL ? all->failures + 1 : 0;
		all->rc = rc;
		all->detail = t->cx.err.detail;
	}
	pthread_cond_signal(&all->moved);
}

static void *
run(void *taker)
{
	struct taker *t = taker;
	struct takers *all = t->all;
	struct pulse *loop = loop_begin();

	pthread_mutex_lock(&all->mutex);
	while (await_events(t)) {
		int failures = all->failures;
		size_t count;
		struct waiting *first = cut(t, &count);
		enum rc rc;

		t->busy = true;
		pthread_mutex_unlock(&all->mutex);
		pulse_beat(loop);
		rc = take(t, first, count, failures);
		pulse_rest(loop);
		pthread_mutex_lock(&all->mutex);
		settle(t, first, count, rc);
	}
	pthread_mutex_unlock(&all->mutex);
	return NULL;
}

/* --- who hands over --- */

static void
make_taker(struct takers *all, struct taker *t)
{
	t->all = all;
	t->end = &t->first;
	t->arena = arena_new();
	pthread_cond_init(&t->given, NULL);
}

static void
start_taker(struct taker *t)
{
	int failed = pthread_create(&t->thread, NULL, run, t);

	if (failed != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(failed));
		exit(EXIT_FAILURE);
	}
}

static void
close_all(struct takers *all)
{
	for (size_t i = 0; i < TAKERS; i++) {
		pg_close(all->taker[i].pg);
		arena_free(all->taker[i].arena);
		pthread_cond_destroy(&all->taker[i].given);
	}
	for (size_t i = 0; i < TAKERS_IN_HAND; i++)
		arena_free(all->deliveries[i].arena);
	pthread_cond_destroy(&all->moved);
	pthread_mutex_destroy(&all->mutex);
	free(all);
}

struct takers *
takers_start(const struct billing_ports *ports)
{
	struct takers *all = calloc(1, sizeof(*all));

	if (all == NULL)
		abort();
	all->ports = ports;
	pthread_mutex_init(&all->mutex, NULL);
	pthread_cond_init(&all->moved, NULL);
	for (size_t i = 0; i < TAKERS_IN_HAND; i++)
		all->deliveries[i].arena = arena_new();
	for (size_t i = 0; i < TAKERS; i++)
		make_taker(all, &all->taker[i]);
	all->taker[0].pg = pg_open(config->database.billing, BILLING_WORKER_ROLE);
	if (all->taker[0].pg == NULL) {
		close_all(all);
		return NULL;
	}
	for (size_t i = 0; i < TAKERS; i++)
		start_taker(&all->taker[i]);
	return all;
}

void
takers_stop(struct takers *all)
{
	if (all == NULL)
		return;
	pthread_mutex_lock(&all->mutex);
	all->over = true;
	for (size_t i = 0; i < TAKERS; i++)
		pthread_cond_signal(&all->taker[i].given);
	pthread_mutex_unlock(&all->mutex);
	for (size_t i = 0; i < TAKERS; i++)
		pthread_join(all->taker[i].thread, NULL);
	close_all(all);
}

size_t
takers_in_hand(const struct takers *all)
{
	return all->count;
}

static struct delivery *
next_delivery(struct takers *all)
{
	assert(all->count < TAKERS_IN_HAND);
	return &all->deliveries[(all->oldest + all->count) % TAKERS_IN_HAND];
}

struct arena *
takers_room(struct takers *all)
{
	struct delivery *d = next_delivery(all);

	arena_reset(d->arena);
	return d->arena;
}

/* One key's events are one thread's; those without a key are in no order. */
static size_t
whose(const char *key)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (const char *c = key == NULL ? "" : key; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619;
	hash = (hash ^ hash >> 15) * 0x85ebca6b; /* ids that differ in their last letters differ in few bits by now */
	return (hash ^ hash >> 13) % TAKERS;
}

static void
queue(struct taker *t, struct waiting *w)
{
	w->next = NULL;
	*t->end = w;
	t->end = &w->next;
}

void
takers_give(struct takers *all, const struct event *events, size_t count, bool alone)
{
	struct delivery *d = next_delivery(all);
	struct waiting *waiting = arena_alloc(d->arena, count * sizeof(*waiting));

	pthread_mutex_lock(&all->mutex);
	all->count++;
	d->open = count;
	for (size_t i = 0; i < count; i++) {
		waiting[i].of = d;
		waiting[i].event = &events[i];
		queue(&all->taker[alone ? 0 : whose(events[i].key)], &waiting[i]);
	}
	for (size_t i = 0; i < TAKERS; i++)
		if (all->taker[i].first != NULL)
			pthread_cond_signal(&all->taker[i].given);
	pthread_mutex_unlock(&all->mutex);
}

static bool
any_busy(const struct takers *all)
{
	for (size_t i = 0; i < TAKERS; i++)
		if (all->taker[i].busy)
			return true;
	return false;
}

enum rc
takers_await(struct ctx *cx, struct takers *all, size_t most, size_t *ret_done)
{
	enum rc rc;

	*ret_done = 0;
	pthread_mutex_lock(&all->mutex);
	for (;;) {
		for (; all->count > 0 && all->deliveries[all->oldest].open == 0; all->count--, ++*ret_done)
			all->oldest = (all->oldest + 1) % TAKERS_IN_HAND;
		if (all->rc == RC_OK ? all->count <= most : !any_busy(all))
			break;
		pthread_cond_wait(&all->moved, &all->mutex);
	}
	rc = all->rc;
	if (rc != RC_OK)
		cx->err.detail = all->detail;
	pthread_mutex_unlock(&all->mutex);
	return rc;
}

void
takers_drop(struct takers *all)
{
	pthread_mutex_lock(&all->mutex);
	for (size_t i = 0; i < TAKERS; i++) {
		all->taker[i].first = NULL;
		all->taker[i].end = &all->taker[i].first;
	}
	all->count = 0;
	all->rc = RC_OK;
	pthread_mutex_unlock(&all->mutex);
}
