/*
 * lead.h - which of the processes that share a listening socket takes what comes.
 *
 * Two processes of one loop each that share the work cost more than one of them alone: batches are half as large, and each is woken for itself
 * (doc/architecture.md).  So one leads and takes connections, until it has enough in hand or ends; then the kernel makes
 * another the leader.  What a leader leaves for LEAD_PATIENCE_NS, since it is stuck, anybody may take.
 */
#ifndef WEB_LEAD_H
#define WEB_LEAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/loop/loop.h"

#define LEAD_PATIENCE_NS INT64_C(100000000)

struct lead {
	bool leads; /* for the loop's thread; the rest is lead.c's */
	int64_t since_ns;
	void (*won)(void *arg);
	void *arg;
	struct loop *loop;
	struct loop_call call;
	int listener;
	sem_t passed;
	pthread_t thread;
};

/* Before the loop runs.  won(arg) is called on its thread each time that the turn has come.  0, or an error of pthread_create. */
int lead_begin(struct lead *lead, struct loop *loop, int listener, void (*won)(void *arg), void *arg);

/* From the loop's thread, by a leader: it has enough in hand.  Another leads, else it does so again soon.  False where it has just begun to. */
bool lead_pass(struct lead *lead);

/* From the loop's thread, once: for good. */
void lead_end(struct lead *lead);

#endif
