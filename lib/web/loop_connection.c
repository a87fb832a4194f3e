/* loop_connection.c - a connection's life in its fiber: what it brings, who answers it, and how it ends. */
#include "lib/web/loop_connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* After SIGTERM, how long an idle kept connection may bring one more request, so that its end doesn't meet
 * one that is on its way. */
#define KEPT_GRACE_NS (SECOND_NS / 20)

/*
 * After SIGTERM, a kept connection is closed right behind an answer's end, before the web server can have
 * found it free again and sent the next request: a close that crosses that is a 503.  Where the end took
 * longer than it can (another process had our processor), we serve on and try again after the next answer,
 * until .drained_ns.  PROMPT_NS is what it takes here; a slower machine is known after SAMPLES answers.
 */
#define PROMPT_NS 25000
#define SAMPLES 16

/* The web server has all of a request before it asks us, or stops waiting itself before this. */
#define STALL_S 60

/* … and sends what it knows of the request at once. */
#define HEAD_S 10

/* Who was told that its connection ends, with bytes of a body left, is given so long to take the answer first. */
#define LINGER_S 2

/* With fewer requests in hand who left the lead may well lead again. */
#define CALM_BELOW 32

/* What leaves by one write. */
#define ANSWER_ROOM ((size_t)16 * 1024)

struct worker {
	struct worker *next; /* of those that are free */
	struct web_worker web;
	struct fcgi_params params;
	size_t length; /* of the answer's piece in hand, its head included */
	unsigned char answer[ANSWER_ROOM + FCGI_END_SIZE];
};

/* --- bytes --- */

/* Until fd is as it should be; false at the deadline, or where it can't be any more. */
static bool
await(int fd, short events, int64_t deadline_ns)
{
	int n;

	do
		n = fiber_poll(fd, events, deadline_ns);
	while (n < 0 && (errno == EINTR || errno == ECANCELED));
	return n > 0;
}

/* Into the reader: bytes, 0 where there are none at the moment, -1 where none will come. */
static ssize_t
receive(struct connection *c)
{
	size_t size;
	unsigned char *into = fcgi_room(&c->in, &size);
	ssize_t n;

	do
		n = read(c->fd, into, size);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		fcgi_filled(&c->in, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		return -1;
	return n > 0 ? n : 0;
}

/* Something, until the deadline. */
static bool
receive_by(struct connection *c, int64_t deadline_ns)
{
	ssize_t n;

	while ((n = receive(c)) == 0)
		if (!await(c->fd, POLLIN, deadline_ns))
			return false;
	return n > 0;
}

static void
advance(struct iovec **at, int *count, size_t length)
{
	for (; *count > 0 && length >= (*at)->iov_len; ++*at, --*count)
		length -= (*at)->iov_len;
	if (*count > 0) {
		(*at)->iov_base = (char *)(*at)->iov_base + length;
		(*at)->iov_len -= length;
	}
}

/* All of it, however slowly it is taken, as long as something is. */
static bool
send_all(struct connection *c, struct iovec *at, int count)
{
	while (count > 0) {
		ssize_t n = count == 1 ? write(c->fd, at->iov_base, at->iov_len) : writev(c->fd, at, count);

		if (n >= 0) {
			advance(&at, &count, (size_t)n);
		} else if (errno == EAGAIN) {
			if (!await(c->fd, POLLOUT, clock_monotonic_ns() + STALL_S * SECOND_NS))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool
send_reply(struct connection *c)
{
	return send_all(c, &(struct iovec){ .iov_base = c->in.reply, .iov_len = c->in.reply_length }, 1);
}

/* --- a request, as lib/web sees it --- */

static const char *
loop_get(void *engine, const char *variable)
{
	const struct connection *c = engine;

	return fcgi_params_get(&c->worker->params, variable);
}

static ptrdiff_t
loop_read(void *engine, void *into, size_t size)
{
	struct connection *c = engine;

	if (c->in.stage == FCGI_ALL_READ)
		return 0;
	for (;;) {
		switch (fcgi_next(&c->in)) {
		case FCGI_BODY:
			return (ptrdiff_t)fcgi_take(&c->in, into, size);
		case FCGI_BODY_END:
			return 0;
		case FCGI_SHORT:
			if (!receive_by(c, clock_monotonic_ns() + STALL_S * SECOND_NS))
				return -1;
			break;
		case FCGI_REPLY:
			if (!send_reply(c))
				return -1;
			break;
		default:
			return -1;
		}
	}
}

/* The piece in hand, with what more there is to go at once. */
static bool
send_piece(struct connection *c, struct iovec *more, int count)
{
	struct worker *w = c->worker;
	struct iovec all[3] = { { .iov_base = w->answer, .iov_len = w->length } };
	bool piece = w->length > FCGI_HEAD_SIZE;

	if (piece)
		fcgi_stdout_head(w->answer, c->in.id, w->length - FCGI_HEAD_SIZE);
	memcpy(&all[1], more, (size_t)count * sizeof(*more));
	w->length = FCGI_HEAD_SIZE;
	return send_all(c, piece ? all : all + 1, piece ? count + 1 : count);
}

/* More than fits: as it is, without copying it. */
static bool
send_large(struct connection *c, const char *bytes, size_t length)
{
	unsigned char head[FCGI_HEAD_SIZE];

	for (size_t n; length > 0; bytes += n, length -= n) {
		n = length < FCGI_CONTENT_MOST ? length : FCGI_CONTENT_MOST;
		fcgi_stdout_head(head, c->in.id, n);
		if (!send_piece(c, (struct iovec[]){ { head, sizeof(head) }, { (char *)(uintptr_t)bytes, n } }, 2))
			return false;
		fiber_yield(); /* a web server that takes all there is mustn't keep others waiting */
	}
	return true;
}

static bool
loop_write(void *engine, const void *bytes, size_t length)
{
	struct connection *c = engine;
	struct worker *w = c->worker;

	if (length > ANSWER_ROOM - w->length)
		return send_large(c, bytes, length);
	memcpy(w->answer + w->length, bytes, length);
	w->length += length;
	return true;
}

/* What is in hand, and the answer's end. */
static bool
send_end(struct connection *c)
{
	struct worker *w = c->worker;
	unsigned char *end = w->answer + w->length, *from = w->answer;

	fcgi_end(end, c->in.id);
	if (w->length > FCGI_HEAD_SIZE)
		fcgi_stdout_head(w->answer, c->in.id, w->length - FCGI_HEAD_SIZE);
	else
		from = end;
	return send_all(c, &(struct iovec){ .iov_base = from, .iov_len = (size_t)(end + FCGI_END_SIZE - from) }, 1);
}

/* --- workers --- */

static struct worker *
worker_new(struct server *s)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		fputs("out of memory\n", stderr); /* as in an arena */
		abort();
	}
	w->web = (struct web_worker){
		.program = s->program,
		.arena = arena_new(),
		.pg = s->database == NULL ? NULL : pg_pool_handle(s->database),
		.asked_in_vain = &s->attention.asked_in_vain,
	};
	return w;
}

/* The one that was free last, whose memory is nearest.  Who has waited for longest comes first. */
static struct worker *
worker_take(struct server *s)
{
	struct worker *w;

	if (s->spare > 0)
		s->spare--;
	else
		fiber_wait(&s->waiting, 0);
	w = s->free;
	if (w == NULL)
		return worker_new(s);
	s->free = w->next;
	return w;
}

static void
worker_give_back(struct server *s, struct worker *w)
{
	w->next = s->free;
	s->free = w;
	if (!fiber_wake(&s->waiting))
		s->spare++;
	if (requests_in_hand(s) < CALM_BELOW)
		(void)fiber_wake(&s->calm);
}

void
workers_free(struct server *s)
{
	for (struct worker *w = s->free, *next; w != NULL; w = next) {
		next = w->next;
		arena_free(w->web.arena);
		free(w);
	}
}

/* --- a connection between requests --- */

static void
idle_add(struct connection *c)
{
	struct server *s = c->server;

	c->idle_ns = clock_monotonic_ns();
	c->after = NULL;
	c->before = s->idle_last;
	*(c->before == NULL ? &s->idle_first : &c->before->after) = c;
	s->idle_last = c;
}

static void
idle_remove(struct connection *c)
{
	struct server *s = c->server;

	*(c->before == NULL ? &s->idle_first : &c->before->after) = c->after;
	*(c->after == NULL ? &s->idle_last : &c->after->before) = c->before;
}

/* True when something came; false when it has to be closed. */
static bool
await_request(struct connection *c)
{
	int n;

	idle_add(c);
	do
		n = fiber_poll(c->fd, POLLIN, c->server->stopping ? clock_monotonic_ns() + KEPT_GRACE_NS : 0);
	while (n < 0 && (errno == EINTR || errno == ECANCELED) && !c->gives_way);
	idle_remove(c);
	return n > 0;
}

/* Some bytes of the next request.  Its first may take as long as they like, the others follow at once. */
static bool
receive_head(struct connection *c, int64_t *deadline_ns)
{
	ssize_t n;

	while ((n = receive(c)) == 0) {
		if (fcgi_between(&c->in) ? !await_request(c) : !await(c->fd, POLLIN, *deadline_ns))
			return false;
		if (*deadline_ns == 0)
			*deadline_ns = clock_monotonic_ns() + HEAD_S * SECOND_NS;
	}
	if (*deadline_ns == 0)
		*deadline_ns = clock_monotonic_ns() + HEAD_S * SECOND_NS;
	return n > 0;
}

/* False where there will be none. */
static bool
next_request(struct connection *c)
{
	int64_t deadline_ns = 0;

	for (;;) {
		switch (fcgi_next(&c->in)) {
		case FCGI_REQUEST:
			return true;
		case FCGI_SHORT:
			if (!receive_head(c, &deadline_ns))
				return false;
			break;
		case FCGI_REPLY:
			if (!send_reply(c))
				return false;
			deadline_ns = 0; /* what asked for it is no request's beginning */
			break;
		default:
			return false;
		}
	}
}

/* --- a connection's life --- */

static int64_t
prompt_ns(const struct server *s)
{
	return s->samples < SAMPLES || 2 * s->shortest_ns < PROMPT_NS ? PROMPT_NS : 2 * s->shortest_ns;
}

static void
end_connection(struct connection *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Ends the answer.  False where the connection has to end with it: the web server, the answer, or a stop of the program says so; for a
 * stop's sake it has ended already, since each moment that passes is one in which another request may come. */
static bool
finish(struct connection *c, enum web_end end)
{
	struct server *s = c->server;
	int64_t began = clock_monotonic_ns(), now, took;

	if (!send_end(c) || !c->in.keep || end != WEB_KEEP)
		return false;
	now = clock_monotonic_ns();
	took = now - began;
	if (s->stopping && (took <= prompt_ns(s) || now >= s->drained_ns)) {
		end_connection(c);
		return false;
	}
	if (s->stopping)
		return true;
	if (s->samples == 0 || took < s->shortest_ns)
		s->shortest_ns = took;
	s->samples++;
	return true;
}

/* A close with bytes left to read would throw away what the other side hasn't read yet. */
static void
linger(struct connection *c)
{
	int64_t deadline_ns = clock_monotonic_ns() + LINGER_S * SECOND_NS;
	char scratch[4096];
	ssize_t n;

	shutdown(c->fd, SHUT_WR);
	while (clock_monotonic_ns() < deadline_ns) {
		n = read(c->fd, scratch, sizeof(scratch));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return;
		if (n < 0 && errno == EAGAIN && !await(c->fd, POLLIN, deadline_ns))
			return;
	}
}

/* False where it was the connection's last. */
static bool
answer(struct connection *c)
{
	struct web_env env = { .engine = c, .get = loop_get, .read = loop_read, .write = loop_write };
	struct worker *w = c->worker = worker_take(c->server);
	enum web_end end = WEB_BREAK;
	bool goes_on;

	w->length = FCGI_HEAD_SIZE;
	if (fcgi_params_read(&w->params, w->web.arena, &c->in))
		end = web_answer(&w->web, &env);
	goes_on = end != WEB_BREAK && finish(c, end);
	fcgi_answered(&c->in);
	worker_give_back(c->server, w);
	if (end == WEB_CLOSE)
		linger(c);
	return goes_on;
}

void
serve_connection(void *connection)
{
	struct connection *c = connection;
	struct server *s = c->server;

	c->fiber = fiber_self();
	while (next_request(c) && answer(c))
		;
	end_connection(c);
	fcgi_forget(&c->in);
	free(c);
	s->connections--;
	fiber_wake(&s->room);
}
