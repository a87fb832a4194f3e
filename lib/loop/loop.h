/*
 * loop.h - one thread that serves many: fibers (coroutines with a stack of their own) over epoll.
 *
 * A fiber reads as plain blocking code.  Where it would block it waits by one of the functions below, and others run
 * meanwhile; between two waits nobody else does, so that what the fibers of a loop share needs no lock.  Whatever blocks without
 * these functions stops all of them: that is what offload (lib/base/ctx.h) is for.
 *
 * Fibers have LOOP_STACK bytes of stack, which a guard page ends.  No pointer to thread-local data may be kept across a wait, and no mutex held.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct fiber;

#define LOOP_STACK ((size_t)64 * 1024) /* more in builds with a sanitizer, whose frames are larger */

/* NULL, with errno, where the system gives none. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Runs fibers on the calling thread until the last one has ended. */
void loop_run(struct loop *l);

/* What another thread asks of a loop; zero but for fn and arg, and there until fn is called. */
struct loop_call {
	struct loop_call *next;
	void (*fn)(void *arg);
	void *arg;
};

/* From any thread, while l exists: fn(arg) runs soon on the loop's thread, outside fibers, so that it must not wait. */
void loop_post(struct loop *l, struct loop_call *call);

/* Beats at each turn while there is something to do: see lib/base/pulse.h. */
struct pulse;
struct pulse *loop_pulse(struct loop *l);

/* body(arg) as a fiber of l, from the loop's thread or before loop_run; it begins a bit later.  False, with errno, where there is no memory for it. */
bool fiber_start(struct loop *l, void (*body)(void *arg), void *arg);

/* The one that runs; NULL outside fibers. */
struct fiber *fiber_self(void);

/* The loop that it belongs to; NULL outside fibers. */
struct loop *loop_self(void);

/* Lets all others that can run do so first.  Nothing outside fibers. */
void fiber_yield(void);

/* poll(2) for one descriptor: > 0 once one of events (or an error of it) is there, 0 when deadline_ns (on clock_monotonic_ns, 0: none) has passed,
 * < 0 with errno, ECANCELED after fiber_interrupt.  Only one fiber may wait for a descriptor at a time.  May return too early,
 * as poll may: the next read or write tells.  Outside of fibers it blocks the thread. */
int fiber_poll(int fd, short events, int64_t deadline_ns);

/* fd is a listening socket, perhaps of several processes: it stays watched, so that polling it makes no system call, and a connection wakes one process that
 * has nothing to do rather than all.  One for each loop, until another is, or -1 for none; nobody polls it at the moment. */
void loop_listens(struct loop *l, int fd);

/* Ends the fiber's present fiber_poll; nothing where it isn't in one. */
void fiber_interrupt(struct fiber *f);

/*
 * Fibers that wait for something of one loop, first come first served.  Zero is empty.  A fiber that was woken runs after
 * the one that woke it, so that lists may be walked meanwhile.
 */
struct fiber_list {
	struct fiber *first, *last;
};

/* Until it is woken: true; or until deadline_ns (0: none) has passed: false, and it isn't in the list any more. */
bool fiber_wait(struct fiber_list *list, int64_t deadline_ns);

/* Wakes the one that has waited longest; false where nobody waits. */
bool fiber_wake(struct fiber_list *list);
void fiber_wake_all(struct fiber_list *list);

/*
 * What offload does in programs with a loop: the calling fiber waits while one of at most `most` threads runs fn(arg); outside fibers fn is
 * just called.  Once, before the first fiber.  False, with errno, where there can be no threads.
 */
bool loop_offload_begin(unsigned most);

/* After loop_run: ends the threads. */
void loop_offload_end(void);

#endif
