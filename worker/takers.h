/*
 * takers.h - the threads that take events from a log: each has a database connection of its own, so that in a backlog one works while the other waits
 * for its commit or for the patient service.  Events of one key are taken by one thread, in order.
 *
 * Whoever reads the log hands over what came at once as a delivery.  Deliveries are done in order, so that offsets can be committed up to the last
 * that is done with all before it.  All of these functions are for that one thread.
 */
#ifndef WORKER_TAKERS_H
#define WORKER_TAKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/base/event.h"

struct billing_ports;
struct takers;

/* As many deliveries are in hand at most: one for each thread, and as many that wait for it. */
#define TAKERS_IN_HAND 4

/* NULL where the database's settings are bad. */
struct takers *takers_start(const struct billing_ports *ports);
void takers_stop(struct takers *t); /* what waits still is left; NULL is fine */

/* How many deliveries are in hand; and where the next is to be read into, as long as there may be more. */
size_t takers_in_hand(const struct takers *t);
struct arena *takers_room(struct takers *t);

/* What was read there.  alone: all by one thread; then nothing else may be in hand before it, nor be given until it is done. */
void takers_give(struct takers *t, const struct event *events, size_t count, bool alone);

/*
 * Waits until at most so many deliveries are in hand; ret_done, how many are done since the last call.  Any other than RC_OK: one has failed, with
 * err.detail in cx, and no thread is at work any more, nor will be until takers_drop has forgotten what is in hand.
 */
enum rc takers_await(struct ctx *cx, struct takers *t, size_t most, size_t *ret_done);

void takers_drop(struct takers *t);

#endif
