/* loop.c - who runs next, and what they wait for: descriptors (epoll), each other, a deadline. */
#include "lib/loop/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* Taken from epoll at once, and switches before it is asked again. */
#define EVENTS_MOST 64
#define SWITCHES_MOST 512

/* Stacks of ended fibers that are kept. */
#define IDLE_MOST 64

/* The one thing here that belongs to a thread: others of the process call the same functions without a loop. */
static _Thread_local struct loop *running; /* lint: allow threadlocal: which thread runs a loop is what it says */

/* Not inlined into what goes on on another stack: a thread-local's address must not be kept across a switch. */
__attribute__((noinline)) struct loop *
loop_running(void)
{
	return running;
}

struct loop *
loop_self(void)
{
	struct loop *l = loop_running();

	return l != NULL && l->current != NULL ? l : NULL;
}

struct fiber *
fiber_self(void)
{
	struct loop *l = loop_running();

	return l == NULL ? NULL : l->current;
}

/* --- lists --- */

static void
append(struct fiber_list *list, struct fiber *f)
{
	f->next = NULL;
	if (list->first == NULL)
		list->first = f;
	else
		list->last->next = f;
	list->last = f;
}

static struct fiber *
take_first(struct fiber_list *list)
{
	struct fiber *f = list->first;

	if (f != NULL)
		list->first = f->next;
	return f;
}

static void
take_out(struct fiber_list *list, struct fiber *f)
{
	struct fiber *before = NULL, *at = list->first;

	for (; at != f; at = at->next)
		before = at;
	if (before == NULL)
		list->first = f->next;
	else
		before->next = f->next;
	if (list->last == f)
		list->last = before;
}

/* --- waiting --- */

/* Whatever f waits for, it doesn't any more. */
static void
ready(struct fiber *f)
{
	if (f->fd >= 0)
		f->loop->pollers[f->fd] = NULL;
	f->fd = -1;
	f->list = NULL;
	f->deadline_ns = 0;
	append(&f->loop->ready, f);
}

static void
leave_until(struct fiber *f, int64_t deadline_ns)
{
	struct loop *l = f->loop;

	f->deadline_ns = deadline_ns;
	f->timed_out = f->interrupted = false;
	if (deadline_ns != 0 && (l->look_at_ns == 0 || deadline_ns < l->look_at_ns))
		l->look_at_ns = deadline_ns;
	fiber_leave(f);
}

/* Most waits end before their deadline, which then stays the time of the next look: one look in vain is cheaper than keeping deadlines in order. */
static void
look_at_deadlines(struct loop *l)
{
	int64_t now = clock_monotonic_ns(), next = 0;

	if (l->look_at_ns == 0 || now < l->look_at_ns)
		return;
	for (struct fiber *f = l->youngest; f != NULL; f = f->older) {
		if (f->deadline_ns == 0)
			continue;
		if (f->deadline_ns <= now) {
			f->timed_out = true;
			if (f->list != NULL)
				take_out(f->list, f);
			ready(f);
		} else if (next == 0 || f->deadline_ns < next) {
			next = f->deadline_ns;
		}
	}
	l->look_at_ns = next;
}

bool
fiber_wait(struct fiber_list *list, int64_t deadline_ns)
{
	struct fiber *f = fiber_self();

	f->list = list;
	append(list, f);
	leave_until(f, deadline_ns);
	return !f->timed_out;
}

bool
fiber_wake(struct fiber_list *list)
{
	struct fiber *f = take_first(list);

	if (f != NULL)
		ready(f);
	return f != NULL;
}

void
fiber_wake_all(struct fiber_list *list)
{
	while (fiber_wake(list))
		;
}

void
fiber_yield(void)
{
	struct fiber *f = fiber_self();

	if (f == NULL)
		return;
	append(&f->loop->ready, f);
	fiber_leave(f);
}

/* --- descriptors --- */

/* In pieces, where it is longer than poll can count. */
static int
poll_thread(int fd, short events, int64_t deadline_ns)
{
	struct pollfd on = { .fd = fd, .events = events };
	int64_t left;
	int n;

	do {
		left = -1;
		if (deadline_ns != 0) {
			left = (deadline_ns - clock_monotonic_ns() + 999999) / 1000000;
			left = left < 0 ? 0 : left > 1000000 ? 1000000 : left;
		}
		n = poll(&on, 1, (int)left);
	} while ((n < 0 && errno == EINTR) || (n == 0 && left == 1000000));
	return n;
}

static bool
room_for(struct loop *l, int fd)
{
	size_t room = l->poller_room, need = (size_t)fd + 1;
	struct fiber **all;

	if (need <= room)
		return true;
	room = need < 64 ? 64 : 2 * need;
	all = realloc(l->pollers, room * sizeof(struct fiber *));
	if (all == NULL)
		return false;
	memset(all + l->poller_room, 0, (room - l->poller_room) * sizeof(struct fiber *));
	l->pollers = all;
	l->poller_room = room;
	return true;
}

/* For one event.  The kernel forgets a descriptor that is closed, and then the number may be another's: so it tells whether it knows it. */
static bool
watch(struct loop *l, int fd, short events)
{
	struct epoll_event on = { .events = (uint32_t)(unsigned short)events | EPOLLONESHOT, .data.fd = fd };

	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &on) == 0)
		return true;
	return errno == ENOENT && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &on) == 0;
}

/* As long as somebody waits for it each time that it has something. */
static bool
watch_listener(struct loop *l)
{
	struct epoll_event on = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = l->listener };

	if (l->listening)
		return true;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listener, NULL); /* from before loop_listens: what is watched can't become exclusive */
	l->listening = epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->listener, &on) == 0;
	return l->listening;
}

/* Something came, and nobody is there to take it: else it would be told again and again. */
static void
leave_listener(struct loop *l)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listener, NULL);
	l->listening = false;
}

void
loop_listens(struct loop *l, int fd)
{
	if (l->listening)
		leave_listener(l);
	l->listener = fd;
}

int
fiber_poll(int fd, short events, int64_t deadline_ns)
{
	struct fiber *f = fiber_self();

	if (f == NULL)
		return poll_thread(fd, events, deadline_ns);
	if (!room_for(f->loop, fd))
		return -1;
	if (fd == f->loop->listener ? !watch_listener(f->loop) : !watch(f->loop, fd, events))
		return errno == EPERM ? 1 : -1; /* a file, which never blocks */
	f->fd = fd;
	f->loop->pollers[fd] = f;
	leave_until(f, deadline_ns);
	if (f->interrupted) {
		errno = ECANCELED;
		return -1;
	}
	return f->timed_out ? 0 : 1;
}

void
fiber_interrupt(struct fiber *f)
{
	if (f->fd < 0)
		return;
	f->interrupted = true;
	ready(f);
}

/* --- other threads --- */

void
loop_post(struct loop *l, struct loop_call *call)
{
	bool first;

	call->next = NULL;
	pthread_mutex_lock(&l->lock);
	first = l->posted == NULL;
	*l->posted_last = call;
	l->posted_last = &call->next;
	if (first)
		eventfd_write(l->wake, 1);
	pthread_mutex_unlock(&l->lock);
}

/* A call is its owner's again once fn is called. */
static void
take_posted(struct loop *l)
{
	struct loop_call *call, *next;
	eventfd_t count;

	pthread_mutex_lock(&l->lock);
	eventfd_read(l->wake, &count);
	call = l->posted;
	l->posted = NULL;
	l->posted_last = &l->posted;
	pthread_mutex_unlock(&l->lock);
	for (; call != NULL; call = next) {
		next = call->next;
		call->fn(call->arg);
	}
}

struct pulse *
loop_pulse(struct loop *l)
{
	return &l->pulse;
}

/* --- a fiber's life --- */

bool
fiber_start(struct loop *l, void (*body)(void *arg), void *arg)
{
	struct fiber *f = l->idle;

	if (f != NULL) {
		l->idle = f->next;
		l->idle_count--;
	} else {
		f = fiber_new(l);
		if (f == NULL)
			return false;
	}
	f->body = body;
	f->arg = arg;
	f->older = l->youngest;
	f->younger = NULL;
	if (f->older != NULL)
		f->older->younger = f;
	l->youngest = f;
	append(&l->ready, f);
	return true;
}

void
loop_ended(struct fiber *f)
{
	struct loop *l = f->loop;

	if (f->younger != NULL)
		f->younger->older = f->older;
	else
		l->youngest = f->older;
	if (f->older != NULL)
		f->older->younger = f->younger;
	f->next = l->idle;
	l->idle = f;
	l->idle_count++;
}

static void
free_idle(struct loop *l, unsigned keep)
{
	while (l->idle_count > keep) {
		struct fiber *f = l->idle;

		l->idle = f->next;
		l->idle_count--;
		fiber_free(f);
	}
}

/* --- the loop --- */

static void
run_ready(struct loop *l)
{
	struct fiber *f;

	for (int i = 0; i < SWITCHES_MOST && (f = take_first(&l->ready)) != NULL; i++)
		fiber_enter(f);
	free_idle(l, IDLE_MOST);
}

static int
patience_ms(const struct loop *l)
{
	int64_t left;

	if (l->ready.first != NULL)
		return 0;
	if (l->look_at_ns == 0)
		return -1;
	left = (l->look_at_ns - clock_monotonic_ns() + 999999) / 1000000;
	return left < 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static void
take_events(struct loop *l)
{
	struct epoll_event events[EVENTS_MOST];
	int patience = patience_ms(l), n;

	if (patience != 0)
		pulse_rest(&l->pulse);
	n = epoll_wait(l->epoll, events, EVENTS_MOST, patience);
	pulse_beat(&l->pulse);
	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == l->wake)
			take_posted(l);
		else if ((size_t)fd < l->poller_room && l->pollers[fd] != NULL)
			ready(l->pollers[fd]);
		else if (fd == l->listener)
			leave_listener(l);
	}
}

void
loop_run(struct loop *l)
{
	running = l;
	fiber_loop_begins(l);
	while (l->youngest != NULL) {
		run_ready(l);
		if (l->youngest == NULL)
			break;
		take_events(l);
		look_at_deadlines(l);
	}
	pulse_rest(&l->pulse);
	running = NULL;
}

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));
	struct epoll_event on = { .events = EPOLLIN };

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->posted_last = &l->posted;
	l->listener = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake = on.data.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll >= 0 && l->wake >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &on) == 0)
		return l;
	loop_free(l);
	return NULL;
}

void
loop_free(struct loop *l)
{
	int why = errno;

	if (l == NULL)
		return;
	free_idle(l, 0);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->wake >= 0)
		close(l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l->pollers);
	free(l);
	errno = why;
}
