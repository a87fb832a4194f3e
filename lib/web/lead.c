/*
 * lead.c - the leader is who has a record lock (fcntl(2)) on the socket itself.
 *
 * So exactly those compete that share a socket, there is no file to agree on, and a process that dies has let go.  The lock is the process's:
 * it goes when any descriptor of the socket is closed, so nobody may close one.
 */
#include "lib/web/lead.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* A leader for less doesn't pass the turn on: the change costs a few wake-ups. */
#define LEADS_FOR_NS INT64_C(5000000)

/* Who has let go comes back after this, so that those get it who waited. */
#define BACK_AFTER_NS 1000000

/* Where sockets can't be locked all lead, and take what they can. */
static void
lock(int listener, int how, short type)
{
	struct flock all = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(listener, how, &all) != 0 && errno == EINTR)
		;
}

/* pthread_cancel ends it where it waits, but not while it has the loop's mutex. */
static void *
take_turns(void *arg)
{
	struct lead *lead = arg;
	int state;

	for (;;) {
		lock(lead->listener, F_SETLKW, F_WRLCK);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		loop_post(lead->loop, &lead->call);
		pthread_setcancelstate(state, NULL);
		while (sem_wait(&lead->passed) != 0)
			;
		lock(lead->listener, F_SETLK, F_UNLCK);
		nanosleep(&(struct timespec){ .tv_nsec = BACK_AFTER_NS }, NULL);
	}
	return NULL;
}

static void
begin_turn(void *arg)
{
	struct lead *lead = arg;

	lead->leads = true;
	lead->since_ns = clock_monotonic_ns();
	lead->won(lead->arg);
}

int
lead_begin(struct lead *lead, struct loop *loop, int listener, void (*won)(void *arg), void *arg)
{
	*lead = (struct lead){ .won = won, .arg = arg, .loop = loop, .listener = listener };
	lead->call = (struct loop_call){ .fn = begin_turn, .arg = lead };
	sem_init(&lead->passed, 0, 0);
	return pthread_create(&lead->thread, NULL, take_turns, lead);
}

bool
lead_pass(struct lead *lead)
{
	if (clock_monotonic_ns() - lead->since_ns < LEADS_FOR_NS)
		return false;
	lead->leads = false;
	sem_post(&lead->passed);
	return true;
}

void
lead_end(struct lead *lead)
{
	pthread_cancel(lead->thread);
	pthread_join(lead->thread, NULL);
	lead->leads = false;
	lock(lead->listener, F_SETLK, F_UNLCK);
	sem_destroy(&lead->passed);
}
