/*
 * FastCGI over libfcgi: threads, each with one connection at a time, blocking.
 *
 * What has to be known of libfcgi 2.4.2:
 *
 * - Its accept is not used.  It ends only by a signal that arrives while a thread sleeps in accept(2)
 *   (there is a window before it), and the same signal breaks off a read or a write of another thread,
 *   since EINTR is an error to it.  So we accept, hand the descriptor over in ipcFd, and give FCGX_Accept_r
 *   no socket to listen on: it returns at a connection's end.
 * - FCGX_Accept_r begins by reading from a kept connection, and only then knows whether a request came.  We
 *   poll first.
 * - It takes whatever is left of a request's body for the next request: web_answer reads it to its end.
 * - Closing a connection, it waits up to 2 s for the other side to do so first.  There is no need where all
 *   was read; FCGX_Detach turns it off.
 * - FCGX_Init takes SIGTERM, SIGUSR1 and SIGPIPE for itself.  The first two are blocked in all threads and
 *   taken by attend (lib/base).
 */
#include "config.h" /* _GNU_SOURCE: accept4, pthread_clockjoin_np */

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/attend.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/pulse.h"
#include "lib/web/attention.h"
#include "lib/web/engine.h"

#define LISTENER STDIN_FILENO /* FCGI_LISTENSOCK_FILENO */

/* After SIGTERM, how long an idle kept connection may bring one more request, so that its end doesn't meet
 * one that is on its way. */
#define KEPT_GRACE_MS 50

/*
 * After SIGTERM, a kept connection is closed right behind an answer's end, before the web server can have
 * found it free again and sent the next request: a close that crosses that is a 503.  Where the end took
 * longer than it can (another process had our processor), we serve on and try again after the next answer,
 * for DRAIN_S.  PROMPT_NS is what it takes here; a slower machine is known after SAMPLES answers.
 */
#define PROMPT_NS 25000
#define SAMPLES 16
#define DRAIN_S 1

/* How long a kept connection may be idle while another waits for a thread. */
#define KEPT_IDLE_MS 250

/* What libfcgi writes at once. */
#define PIECE ((size_t)8192)

/* The web server has all of a request before it asks us, or stops waiting itself before this. */
#define STALL_S 60

struct server {
	const struct web_program *program;
	pthread_mutex_t accepting; /* one thread at a time sleeps for a connection, the others behind it */
	atomic_int free_threads;   /* those who wait for a connection */
	int stop;                  /* eventfd: readable from the signal on */
	atomic_bool stopping;
	int64_t drained_ns; /* set before stopping: when the last connection is closed, come what may */
	atomic_bool failed;
	struct attention attention;
};

struct thread {
	pthread_t id;
	struct server *server;
	struct pulse *pulse;
	int64_t shortest_ns; /* that ending an answer has taken */
	unsigned samples;
};

/* What is behind a struct web_env. */
struct connection {
	FCGX_Request request;
	struct pulse *pulse; /* its thread's */
};

static const char *
fcgi_get(void *engine, const char *variable)
{
	return FCGX_GetParam(variable, ((struct connection *)engine)->request.envp);
}

static ptrdiff_t
fcgi_read(void *engine, void *into, size_t size)
{
	struct connection *c = engine;
	int n = FCGX_GetStr(into, (int)size, c->request.in);

	pulse_beat(c->pulse);
	return n == 0 && FCGX_GetError(c->request.in) != 0 ? -1 : n;
}

static bool
fcgi_write(void *engine, const void *bytes, size_t length)
{
	struct connection *c = engine;
	const char *at = bytes;

	/* In pieces, since each may have to wait for a client that takes them slowly. */
	for (size_t n; length > 0; at += n, length -= n) {
		n = length < PIECE ? length : PIECE;
		if (FCGX_PutStr(at, (int)n, c->request.out) != (int)n)
			return false;
		pulse_beat(c->pulse);
	}
	return true;
}

/* A connection, or -1 at the end.  Only the foremost thread polls, so that a connection wakes one and not
 * all. */
static int
accept_connection(struct server *s)
{
	struct pollfd on[] = { { .fd = LISTENER, .events = POLLIN }, { .fd = s->stop, .events = POLLIN } };
	int fd = -1;

	atomic_fetch_add(&s->free_threads, 1);
	pthread_mutex_lock(&s->accepting);
	while (fd < 0 && !atomic_load(&s->stopping)) {
		if (poll(on, 2, -1) < 0 || on[1].revents != 0)
			continue;
		fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
		/* Out of descriptors or memory: some will come back; don't spin meanwhile.  (Otherwise
		 * another process that shares the socket was quicker, or the client is gone.) */
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
			poll(&on[1], 1, 10);
	}
	pthread_mutex_unlock(&s->accepting);
	atomic_fetch_sub(&s->free_threads, 1);
	return fd;
}

/* True when something came on a kept connection; false when it has to be closed. */
static bool
await_request(struct server *s, int fd)
{
	struct pollfd on[] = { { .fd = fd, .events = POLLIN }, { .fd = s->stop, .events = POLLIN } };
	struct pollfd waiting = { .fd = LISTENER, .events = POLLIN };

	for (;;) {
		int n = poll(on, 2, KEPT_IDLE_MS);

		if (on[0].revents != 0)
			return true;
		if (n > 0)
			return poll(on, 1, KEPT_GRACE_MS) > 0;
		if (n == 0 && atomic_load(&s->free_threads) == 0 && poll(&waiting, 1, 0) > 0)
			return false;
	}
}

static int64_t
prompt_ns(const struct thread *t)
{
	return t->samples < SAMPLES || 2 * t->shortest_ns < PROMPT_NS ? PROMPT_NS : 2 * t->shortest_ns;
}

/* Ends the answer, and the connection with it where end or a stop of the program says so.  False when it is
 * closed. */
static bool
finish(struct thread *t, FCGX_Request *request, enum web_end end)
{
	struct server *s = t->server;
	int64_t began = clock_monotonic_ns(), now, took;

	if (end == WEB_BREAK) {
		FCGX_Free(request, 1);
		return false;
	}
	if (end == WEB_KEEP)
		FCGX_Detach(request);
	FCGX_Finish_r(request);
	if (request->ipcFd < 0) /* the web server didn't ask to keep it */
		return false;
	if (end == WEB_KEEP && !atomic_load(&s->stopping)) {
		took = clock_monotonic_ns() - began;
		if (t->samples == 0 || took < t->shortest_ns)
			t->shortest_ns = took;
		t->samples++;
		return true;
	}
	/* The time is taken after the look at stopping, so that all that came between counts. */
	now = clock_monotonic_ns();
	took = now - began;
	if (end == WEB_KEEP && took > prompt_ns(t) && now < s->drained_ns)
		return true;
	FCGX_Free(request, 1);
	return false;
}

static void
serve_connection(struct thread *t, struct web_worker *worker, int fd)
{
	struct connection c = { .pulse = t->pulse };
	struct web_env env = { .engine = &c, .get = fcgi_get, .read = fcgi_read, .write = fcgi_write };
	struct timeval stall = { .tv_sec = STALL_S };
	bool kept;
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &stall, sizeof(stall));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* a unix socket needs and has none */
	FCGX_InitRequest(&c.request, -1, 0);
	c.request.ipcFd = fd;
	c.request.keepConnection = 1; /* FCGX_Accept_r ends the request before, and would close it with that */
	while (FCGX_Accept_r(&c.request) == 0) {
		pulse_beat(t->pulse);
		kept = finish(t, &c.request, web_answer(worker, &env));
		pulse_rest(t->pulse);
		if (!kept)
			return;
		if (!await_request(t->server, c.request.ipcFd)) {
			FCGX_Free(&c.request, 1);
			return;
		}
	}
}

static void *
thread_main(void *arg)
{
	struct thread *t = arg;
	struct server *s = t->server;
	struct web_worker worker;
	int fd;

	if (!web_worker_open(&worker, s->program)) {
		atomic_store(&s->failed, true);
		kill(getpid(), SIGTERM);
		return NULL;
	}
	worker.asked_in_vain = &s->attention.asked_in_vain;
	while ((fd = accept_connection(s)) >= 0)
		serve_connection(t, &worker, fd);
	web_worker_close(&worker);
	return NULL;
}

/* Waits for the threads, each of which may have a request to finish. */
static bool
join_all(struct thread *threads, int count)
{
	struct timespec until;
	bool all = true;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += config->web.request_timeout_ms / 1000 + DRAIN_S + 1;
	for (int i = 0; i < count; i++)
		all = pthread_clockjoin_np(threads[i].id, NULL, CLOCK_MONOTONIC, &until) == 0 && all;
	return all;
}

static bool
server_open(struct server *s, const struct web_program *program)
{
	int flags = fcntl(LISTENER, F_GETFL);

	*s = (struct server){ .program = program, .accepting = PTHREAD_MUTEX_INITIALIZER };
	s->stop = eventfd(0, EFD_CLOEXEC);
	/* Other processes may share the socket, and take a connection between our poll and our accept. */
	if (s->stop < 0 || flags < 0 || fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    FCGX_Init() != 0) {
		fprintf(stderr, "%s: %s\n", program->name, strerror(errno));
		return false;
	}
	signal(SIGPIPE, SIG_IGN); /* after FCGX_Init: see above */
	return true;
}

int
engine_fcgi(const struct web_program *program)
{
	struct thread *threads = calloc((size_t)config->web.threads, sizeof(*threads));
	struct pulse *pulses = calloc((size_t)config->web.threads, sizeof(*pulses));
	struct server server;
	struct attendant attendant = { .alive = attention_alive, .closure = &server.attention };
	int started = 0, failed;

	if (threads == NULL || pulses == NULL || !server_open(&server, program))
		return EXIT_FAILURE;
	for (; started < config->web.threads; started++) {
		threads[started].server = &server;
		threads[started].pulse = &pulses[started];
		failed = pthread_create(&threads[started].id, NULL, thread_main, &threads[started]);
		if (failed != 0) {
			fprintf(stderr, "%s: a thread: %s\n", program->name, strerror(failed));
			atomic_store(&server.failed, true);
			break;
		}
	}
	if (!atomic_load(&server.failed)) {
		log_line(LOG_INFO, "serving with %d threads", started);
		server.attention.pulses = pulses;
		server.attention.threads = started;
		snprintf(server.attention.serving, sizeof(server.attention.serving), "Serving with %d threads", started);
		attention_begin(&server.attention, program);
		attend(&attendant);
		attention_end(&server.attention);
	}
	server.drained_ns = clock_monotonic_ns() + (int64_t)DRAIN_S * 1000000000;
	atomic_store(&server.stopping, true);
	eventfd_write(server.stop, 1);
	if (!join_all(threads, started)) {
		log_line(LOG_WARNING, "stopped with requests unfinished");
		_exit(EXIT_FAILURE);
	}
	log_line(LOG_INFO, "stopped");
	close(server.stop);
	free(pulses);
	free(threads);
	return atomic_load(&server.failed) ? EXIT_FAILURE : EXIT_SUCCESS;
}
