/*
 * FastCGI over fibers (lib/loop): one thread, a fiber for each connection, and our own records (fcgi_record.h).
 *
 * A kept connection that is idle costs a stack and no thread, so that web servers may keep as many as they like.  What a request needs
 * besides, a struct web_worker with room for its answer, is taken from a list for as long as the request lasts.
 *
 * System calls are most of what a small request costs here.  So whatever may be there already is read before anybody waits for it, and an answer
 * that fits leaves with its end in one write.
 */
#include "config.h" /* _GNU_SOURCE: accept4, pthread_clockjoin_np */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/attend.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/web/lead.h"
#include "lib/web/loop_connection.h"

#define LISTENER STDIN_FILENO /* FCGI_LISTENSOCK_FILENO */

/* After SIGTERM, how long kept connections are served on where they can't be closed without meeting a request: see loop_connection.c. */
#define DRAIN_S 1

/* Connections at once, as far as there are descriptors: so many are kept for databases, files and what libraries open. */
#define CONNECTIONS_MOST 1024
#define DESCRIPTORS_KEPT 64

/* Requests of them at once; what needs a connection to the database for itself waits for one of [web] threads. */
#define REQUESTS_MOST 256

/* How long a kept connection has been idle that is closed for another that waits. */
#define KEPT_IDLE_NS (SECOND_NS / 4)

/* Taken from the listener before those that came get their turn. */
#define ACCEPT_AT_ONCE 16

/* Processes that share the listener: with so many requests in hand who has led for a while lets another. */
#define BUSY_FROM 64
#define LEADS_FOR_NS (SECOND_NS / 200)

/* How often who doesn't lead tries to, while something waits; after so many tries it takes what is there. */
#define TRY_EVERY_NS (SECOND_NS / 100)
#define TRIES 10

/* --- accepting --- */

static void
begin_connection(struct server *s, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int on = 1;

	if (s->tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c == NULL || !fiber_start(s->loop, serve_connection, c)) {
		close(fd);
		free(c);
		return;
	}
	c->server = s;
	c->fd = fd;
	c->in.capacity = s->workers_most;
	s->connections++;
}

/* One more waits, and there are as many as may be: the one that has been idle for longest ends, once it has been so for a while. */
static void
make_room(struct server *s)
{
	struct connection *c = s->idle_first;
	int64_t now = clock_monotonic_ns();

	if (c != NULL && now - c->idle_ns >= KEPT_IDLE_NS) {
		c->gives_way = true;
		fiber_interrupt(c->fiber);
		now = 0;
	}
	fiber_wait(&s->room, now == 0 ? 0 : now + KEPT_IDLE_NS / 5);
}

/* Whether others should have the lead for once. */
static bool
has_enough(const struct server *s)
{
	return s->leads && (requests_in_hand(s) >= BUSY_FROM || s->connections >= s->connections_most) &&
	       clock_monotonic_ns() - s->leads_since_ns >= LEADS_FOR_NS;
}

/* Until there is less to do here, or for as long as others need to notice. */
static void
leave_lead(struct server *s)
{
	loop_listens(s->loop, -1); /* first, or what comes next could wake us alone */
	lead_leave(LISTENER);
	s->leads = false;
	fiber_wait(&s->calm, clock_monotonic_ns() + TRY_EVERY_NS);
}

/* What came is the leader's; it is ours once we lead, or once he has left something for that long, since he is stuck. */
static void
await_turn(struct server *s)
{
	for (int i = 0; i < TRIES && !s->stopping; i++) {
		s->leads = lead_try(LISTENER);
		if (s->leads) {
			s->leads_since_ns = clock_monotonic_ns();
			loop_listens(s->loop, LISTENER);
			return;
		}
		fiber_wait(&s->turn, clock_monotonic_ns() + TRY_EVERY_NS);
	}
}

/* Out of descriptors or memory: some will come back; don't spin meanwhile. */
static bool
accept_failed(struct server *s)
{
	if (errno == EAGAIN)
		return false;
	if (errno != EINTR && errno != ECONNABORTED)
		fiber_wait(&s->room, clock_monotonic_ns() + SECOND_NS / 100);
	return true;
}

/* All that are there, as far as there is room. */
static void
accept_waiting(struct server *s)
{
	unsigned taken = 0;

	while (!s->stopping && !has_enough(s)) {
		int fd;

		if (s->connections >= s->connections_most) {
			make_room(s);
			return;
		}
		fd = accept4(LISTENER, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && !accept_failed(s))
			return;
		if (fd < 0)
			continue;
		begin_connection(s, fd);
		if (++taken % ACCEPT_AT_ONCE == 0)
			fiber_yield();
	}
}

static void
accept_connections(void *arg)
{
	struct server *s = arg;

	s->acceptor = fiber_self();
	while (!s->stopping) {
		if (fiber_poll(LISTENER, POLLIN, 0) <= 0)
			continue;
		if (has_enough(s))
			leave_lead(s);
		if (!s->leads)
			await_turn(s);
		accept_waiting(s);
	}
	s->acceptor = NULL;
}

/* --- the program --- */

static void
stop(void *arg)
{
	struct server *s = arg;

	s->drained_ns = clock_monotonic_ns() + DRAIN_S * SECOND_NS;
	s->stopping = true;
	if (s->acceptor != NULL)
		fiber_interrupt(s->acceptor);
	fiber_wake(&s->room);
	fiber_wake(&s->turn);
	fiber_wake(&s->calm);
	loop_listens(s->loop, -1); /* before another leads, or what comes could still wake us alone */
	lead_leave(LISTENER);
	for (struct connection *c = s->idle_first; c != NULL; c = c->after)
		fiber_interrupt(c->fiber);
}

static void *
loop_main(void *arg)
{
	struct server *s = arg;

	loop_run(s->loop);
	atomic_store(&s->ended, true);
	return NULL;
}

static unsigned
connections_most(void)
{
	struct rlimit files;
	rlim_t kept = DESCRIPTORS_KEPT + (rlim_t)config->web.threads;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > kept + CONNECTIONS_MOST)
		return CONNECTIONS_MOST;
	return files.rlim_cur > kept + 4 ? (unsigned)(files.rlim_cur - kept) : 4;
}

static bool
over_tcp(int fd)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &size) == 0 && at.ss_family != AF_UNIX;
}

static bool
server_open(struct server *s, const struct web_program *program)
{
	int flags = fcntl(LISTENER, F_GETFL);

	*s = (struct server){ .program = program, .stop = { .fn = stop, .arg = s }, .tcp = over_tcp(LISTENER) };
	s->connections_most = connections_most();
	s->workers_most = s->spare = REQUESTS_MOST;
	if (program->database != NULL) {
		s->database = pg_pool_open(program->database(), program->role, (unsigned)config->web.threads);
		if (s->database == NULL)
			return false;
	}
	s->loop = loop_new();
	/* Other processes may share the socket, and be quicker to accept. */
	if (s->loop != NULL && flags >= 0 && fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    loop_offload_begin((unsigned)config->web.threads) && fiber_start(s->loop, accept_connections, s))
		return true;
	fprintf(stderr, "%s: %s\n", program->name, strerror(errno));
	return false;
}

/* Waits for the fibers, each of which may have a request to finish. */
static bool
ended(const struct server *s, pthread_t thread)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += config->web.request_timeout_ms / 1000 + DRAIN_S + 1;
	return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0 && atomic_load(&s->ended);
}

int
engine_loop(const struct web_program *program)
{
	struct server s;
	struct attendant attendant = { .alive = attention_alive, .closure = &s.attention };
	pthread_t thread;
	int failed;

	if (!server_open(&s, program))
		return EXIT_FAILURE;
	s.attention.pulses = loop_pulse(s.loop);
	s.attention.threads = 1;
	snprintf(s.attention.serving, sizeof(s.attention.serving), "Serving");
	failed = pthread_create(&thread, NULL, loop_main, &s);
	if (failed != 0) {
		fprintf(stderr, "%s: a thread: %s\n", program->name, strerror(failed));
		return EXIT_FAILURE;
	}
	log_line(LOG_INFO, "serving by one loop, up to %u connections", s.connections_most);
	attention_begin(&s.attention, program);
	attend(&attendant);
	attention_end(&s.attention);
	loop_post(s.loop, &s.stop);
	if (!ended(&s, thread)) {
		log_line(LOG_WARNING, "stopped with requests unfinished");
		_exit(EXIT_FAILURE);
	}
	log_line(LOG_INFO, "stopped");
	loop_offload_end();
	loop_free(s.loop);
	workers_free(&s);
	pg_pool_close(s.database);
	return EXIT_SUCCESS;
}
