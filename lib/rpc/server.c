/* server.c - a server's life: bound, started, stopped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/pg/pg.h"
#include "lib/rpc/internal.h"

/* Cancelled calls have this long to notice before the server is given up. */
#define HARD_END_MS 1000

/* Idle clients have this long to close their connections; many look at them only when they call again. */
#define GOODBYE_MS 200

/* Streams of one connection at once; the next wait. */
#define STREAMS_MAX 1000

/* Until TLS and the first frame of HTTP/2 a connection has this long. */
#define HANDSHAKE_MS 10000

/* Calls of a batched method that the library waits for; the next wait in it. */
#define BATCH_ARMED 32

static grpc_server *
core_new(const struct rpc_options *o)
{
	size_t max = o->message_max > 0 ? o->message_max : RPC_MESSAGE_MAX;
	grpc_arg args[] = {
		rpc_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max),
		rpc_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_MAX),
		/* Clients' keepalive pings are answered, however often they come on an idle connection. */
		rpc_arg(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
		rpc_arg(GRPC_ARG_ENABLE_CHANNELZ, 0), /* counters that nobody reads */
		rpc_arg(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
		/* A peer that vanished without a word, or never said one, doesn't keep its connection. */
		rpc_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
		rpc_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
		rpc_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 60000),
		rpc_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000),
		rpc_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_MS),
		rpc_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* else two servers share a port unknowingly */
		/* The library would unpack a message of any size before anybody could ask how large it is:
		   identity alone. */
		rpc_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
	};
	grpc_channel_args list = { sizeof(args) / sizeof(args[0]), args };

	return grpc_server_create(&list, NULL);
}

static const struct rpc_batched *
batched_of(const struct rpc_server *s, const char *name)
{
	const struct rpc_batched *b = s->options.batched;

	while (b != NULL && b->method != NULL && strcmp(b->method, name) != 0)
		b++;
	return b != NULL && b->method != NULL ? b : NULL;
}

static void
register_methods(struct rpc_server *s)
{
	size_t n = 0;

	s->batch_max = 1;
	for (size_t i = 0; i < s->service_count; i++)
		s->method_count += s->services[i]->descriptor->n_methods;
	s->method_list = calloc(s->method_count + 1, sizeof(*s->method_list));
	if (s->method_list == NULL)
		abort();
	for (size_t i = 0; i < s->service_count; i++) {
		const ProtobufCServiceDescriptor *d = s->services[i]->descriptor;

		for (unsigned j = 0; j < d->n_methods; j++) {
			struct method *m = &s->method_list[n++];

			m->service = s->services[i];
			m->index = j;
			m->path = arena_printf(s->arena, "/%s/%s", d->name, d->methods[j].name);
			m->registered = grpc_server_register_method(
			    s->core, m->path, NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0);
			m->batched = batched_of(s, d->methods[j].name);
			if (m->batched != NULL && m->batched->max > s->batch_max)
				s->batch_max = m->batched->max;
		}
	}
}

/* Nobody who waits for its events looks at the connections. */
static grpc_completion_queue *
others_new(void)
{
	const grpc_completion_queue_attributes how = {
		.version = GRPC_CQ_CURRENT_VERSION,
		.cq_completion_type = GRPC_CQ_NEXT,
		.cq_polling_type = GRPC_CQ_NON_POLLING,
	};

	return grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&how), &how, NULL);
}

struct rpc_server *
rpc_server_new(const struct rpc_options *options, ProtobufCService *const *services, size_t count)
{
	struct rpc_server *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	if (s == NULL)
		abort();
	rpc_library_begin();
	s->options = *options;
	s->services = services;
	s->service_count = count;
	s->arena = arena_new();
	if (options->domain != NULL)
		s->spool = audit_spool_new(options->domain, options->program);
	s->scratch = arena_new();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->live_lock, NULL);
	pthread_cond_init(&s->live_changed, &monotonic);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->probe_wanted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	s->shut_op.kind = OP_CLOSE;
	s->core = core_new(options);
	s->methods = grpc_completion_queue_create_for_next(NULL);
	s->others = others_new();
	duty_open(s);
	grpc_server_register_completion_queue(s->core, s->methods, NULL);
	grpc_server_register_completion_queue(s->core, s->others, NULL);
	register_methods(s);
	if (!health_open(s) || !listen_open(s->core, options->listen)) {
		rpc_server_free(s);
		return NULL;
	}
	return s;
}

/* --- threads --- */

static void
shutdown_complete(struct rpc_server *s)
{
	pthread_mutex_lock(&s->live_lock);
	s->shut = true;
	pthread_cond_broadcast(&s->live_changed);
	pthread_mutex_unlock(&s->live_lock);
}

static void *
serve_others(void *server)
{
	struct rpc_server *s = server;
	grpc_event ev;

	while ((ev = grpc_completion_queue_next(s->others, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)).type !=
	       GRPC_QUEUE_SHUTDOWN) {
		struct op *op = ev.tag;

		call_taken();
		if (op->call == NULL) {
			shutdown_complete(s);
			continue;
		}
		stream_event(op, ev.success != 0);
		call_unref(op->call);
	}
	return NULL;
}

void
thread_start(pthread_t *ret_thread, void *(*body)(void *), void *arg)
{
	int err = pthread_create(ret_thread, NULL, body, arg);

	if (err == 0)
		return;
	fprintf(stderr, "can't start a thread: %s\n", strerror(err));
	abort();
}

/*
 * As many as can run at once: then a worker that finished finds the next ones waiting for it.  But calls of a batched method are taken one by
 * one, each of which brings up the next, and each that the library waits for costs it some time at every event (Debian builds it
 * with the checks of its developers).
 */
static void
arm(struct rpc_server *s, const struct method *m)
{
	int count = m->batched != NULL ? BATCH_ARMED : s->options.threads;

	for (int i = 0; i < count; i++)
		method_arm(s, m);
}

void
rpc_server_start(struct rpc_server *s)
{
	int n = s->options.threads > 0 ? s->options.threads : 1;

	s->options.threads = n;
	s->workers = calloc((size_t)n, sizeof(*s->workers));
	if (s->workers == NULL)
		abort();
	grpc_server_start(s->core);
	s->started = true;
	for (size_t i = 0; i < s->method_count; i++)
		arm(s, &s->method_list[i]);
	stream_arm(s);
	for (int i = 0; i < n; i++)
		s->workers[i].server = s;
	duty_start(s);
	for (int i = 0; i < n; i++)
		thread_start(&s->workers[i].thread, work, &s->workers[i]);
	thread_start(&s->others_thread, serve_others, s);
	thread_start(&s->health_thread, health_loop, s);
}

/* --- the end --- */

/* Waits until the last event about a call was taken; with all, until the library has closed all connections
 * too. */
static bool
wait_idle(struct rpc_server *s, bool all, int timeout_ms)
{
	int64_t at = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
	struct timespec until = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
	bool idle;
	int err = 0;

	pthread_mutex_lock(&s->live_lock);
	while (!(idle = atomic_load(&s->live) == 0 && (s->shut || !all)) && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&s->live_changed, &s->live_lock, &until);
	pthread_mutex_unlock(&s->live_lock);
	return idle;
}

bool
rpc_server_stop(struct rpc_server *s, int grace_ms)
{
	if (!s->started)
		return true;
	self_close(s);
	listen_leave(s->core);
	health_stop(s);
	stream_stop_all(s);
	grpc_server_shutdown_and_notify(s->core, s->others, &s->shut_op);
	if (!wait_idle(s, false, grace_ms) || !wait_idle(s, true, GOODBYE_MS)) {
		grpc_server_cancel_all_calls(s->core);
		if (!wait_idle(s, true, HARD_END_MS))
			return false; /* a method is stuck: only the process's end ends it */
	}
	grpc_completion_queue_shutdown(s->methods);
	grpc_completion_queue_shutdown(s->others);
	duty_end(s);
	for (int i = 0; i < s->options.threads; i++)
		pthread_join(s->workers[i].thread, NULL);
	pthread_join(s->others_thread, NULL);
	pthread_join(s->health_thread, NULL);
	listen_forget();
	s->started = false;
	return true;
}

/* The library wants every server shut down, also one that never started. */
static void
core_free(struct rpc_server *s)
{
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_REALTIME);

	if (!s->shut) {
		grpc_server_shutdown_and_notify(s->core, s->others, &s->shut_op);
		grpc_completion_queue_next(s->others, never, NULL);
		grpc_completion_queue_shutdown(s->methods);
		grpc_completion_queue_shutdown(s->others);
		while (grpc_completion_queue_next(s->methods, never, NULL).type != GRPC_QUEUE_SHUTDOWN)
			;
		while (grpc_completion_queue_next(s->others, never, NULL).type != GRPC_QUEUE_SHUTDOWN)
			;
	}
	grpc_server_destroy(s->core);
	grpc_completion_queue_destroy(s->methods);
	grpc_completion_queue_destroy(s->others);
}

void
rpc_server_free(struct rpc_server *s)
{
	if (s == NULL || s->started)
		return; /* threads of a server that couldn't be stopped still use it */
	core_free(s);
	duty_close(s);
	health_close(s);
	arena_free(s->scratch);
	arena_free(s->arena);
	audit_spool_free(s->spool);
	free(s->method_list);
	free(s->workers);
	pthread_cond_destroy(&s->probe_wanted);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->live_changed);
	pthread_mutex_destroy(&s->live_lock);
	free(s);
	rpc_library_end();
}
