/* internal.h - what the files of lib/loop share: fibers and who runs them. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include <pthread.h>
#include <setjmp.h>

#include "lib/base/pulse.h"
#include "lib/loop/loop.h"

/* One of the two sides of a switch: where it goes on, and what sanitizers have to know. */
struct context {
	sigjmp_buf at;
	const void *stack; /* its lowest byte */
	size_t size;
	void *fake_stack;  /* ASan's */
	void *tsan;
};

struct fiber {
	struct fiber *next;		  /* of those that are ready, or wait in one list, or are free */
	struct fiber *older, *younger;	  /* of all that live */
	struct loop *loop;
	void (*body)(void *arg);
	void *arg;
	struct context context;
	bool begun;
	unsigned valgrind; /* its name for the stack */

	/* What it waits for. */
	struct fiber_list *list; /* NULL: none */
	int fd;			 /* -1: none */
	int64_t deadline_ns;	 /* 0: none */
	bool timed_out, interrupted;
};

struct loop {
	int epoll;
	int wake; /* eventfd: others have posted something */
	struct fiber_list ready;
	struct fiber *youngest; /* of all that live */
	struct fiber *idle;	/* ended ones, whose stacks serve again */
	unsigned idle_count;
	struct fiber *current;
	struct context context; /* loop_run's own */
	int64_t look_at_ns;	/* no deadline is before; 0: there is none */
	int listener;		/* -1: none */
	bool listening;		/* the kernel watches it */
	struct fiber **pollers; /* by descriptor: who waits for it */
	size_t poller_room;
	struct pulse pulse;

	pthread_mutex_t lock; /* of posted */
	struct loop_call *posted, **posted_last;
};

/* --- fiber.c --- */

/* With a stack of its own, or NULL with errno.  It isn't of any list yet. */
struct fiber *fiber_new(struct loop *l);
void fiber_free(struct fiber *f);

/* This thread runs l from now on. */
void fiber_loop_begins(struct loop *l);

/* From loop_run into f, until it waits or ends. */
void fiber_enter(struct fiber *f);

/* From the fiber that runs to loop_run, which comes back by fiber_enter. */
void fiber_leave(struct fiber *f);

/* --- loop.c --- */

/* The loop of this thread, NULL where it runs none. */
struct loop *loop_running(void);

/* The body of f has ended: called on its stack, which is another's next. */
void loop_ended(struct fiber *f);

#endif
