/* client.c - calling: one channel for all threads, a completion queue for each call that is under way. */
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/bytes.h"
#include "lib/rpc/internal.h"
#include "lib/rpc/tls.h"

#define QUEUES_KEPT 64

/* How long one attempt to connect may take (the library's name for it says something else).  On a busy
 * machine 100 ms weren't always enough for the handshake, and then a server that is well was unavailable. */
#define CONNECT_MS 1000

/* How long a call waits for another attempt after one that failed: the library doesn't tell a second refusal from the first. */
#define RETRY_MS 50

struct rpc_channel {
	grpc_channel *core;
	bool connected; /* for good: rpc_channel_over's */
	pthread_mutex_t lock;
	grpc_completion_queue *idle[QUEUES_KEPT]; /* making one costs more than a call */
	size_t idle_count;
};

struct rpc_channel *
rpc_channel_new(const char *target)
{
	struct rpc_channel *c = calloc(1, sizeof(*c));
	grpc_channel_credentials *creds;
	grpc_arg args[] = {
		/* Back within a second of the server's return. */
		rpc_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS),
		rpc_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
		rpc_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500),
		rpc_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
		rpc_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
		rpc_arg(GRPC_ARG_ENABLE_CHANNELZ, 0), /* counters that nobody reads */
		rpc_arg(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
	};
	grpc_channel_args list = { sizeof(args) / sizeof(args[0]), args };

	if (c == NULL)
		abort();
	rpc_library_begin();
	creds = tls_channel_credentials(target);
	if (creds == NULL) {
		rpc_library_end();
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	c->core = grpc_channel_create(target, creds, &list);
	grpc_channel_credentials_release(creds);
	return c;
}

struct rpc_channel *
rpc_channel_over(int fd)
{
	struct rpc_channel *c = calloc(1, sizeof(*c));
	grpc_channel_credentials *creds;

	if (c == NULL)
		abort();
	rpc_library_begin();
	creds = grpc_insecure_credentials_create();
	pthread_mutex_init(&c->lock, NULL);
	c->core = grpc_channel_create_from_fd("self", fd, creds, NULL);
	c->connected = true;
	grpc_channel_credentials_release(creds);
	return c;
}

static void
queue_free(grpc_completion_queue *q)
{
	grpc_completion_queue_shutdown(q); /* plucked queues have no events left, so nothing to drain */
	grpc_completion_queue_destroy(q);
}

void
rpc_channel_free(struct rpc_channel *c)
{
	if (c == NULL)
		return;
	while (c->idle_count > 0)
		queue_free(c->idle[--c->idle_count]);
	grpc_channel_destroy(c->core);
	pthread_mutex_destroy(&c->lock);
	free(c);
	rpc_library_end();
}

static grpc_completion_queue *
queue_take(struct rpc_channel *c)
{
	grpc_completion_queue *q = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->idle_count > 0)
		q = c->idle[--c->idle_count];
	pthread_mutex_unlock(&c->lock);
	return q != NULL ? q : grpc_completion_queue_create_for_pluck(NULL);
}

static void
queue_give_back(struct rpc_channel *c, grpc_completion_queue *q)
{
	pthread_mutex_lock(&c->lock);
	if (c->idle_count < QUEUES_KEPT) {
		c->idle[c->idle_count++] = q;
		q = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (q != NULL)
		queue_free(q);
}

static gpr_timespec
ms_from_now(int ms)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(ms, GPR_TIMESPAN));
}

/*
 * A channel whose last attempt failed refuses calls until its back-off is over, however well the server is by now: so it is made to try
 * again first, which takes a server that is back a few milliseconds and costs a call RETRY_MS where it isn't.
 */
static void
try_again(struct rpc_channel *c, grpc_completion_queue *q, gpr_timespec deadline)
{
	grpc_connectivity_state state = grpc_channel_check_connectivity_state(c->core, 0);
	gpr_timespec until;

	if (state != GRPC_CHANNEL_TRANSIENT_FAILURE)
		return;
	until = gpr_time_min(deadline, ms_from_now(RETRY_MS));
	grpc_channel_reset_connect_backoff(c->core);
	do {
		grpc_channel_watch_connectivity_state(c->core, state, until, q, &until);
		if (!grpc_completion_queue_pluck(q, &until, gpr_inf_future(GPR_CLOCK_REALTIME), NULL).success)
			return;
		state = grpc_channel_check_connectivity_state(c->core, 1);
	} while (state == GRPC_CHANNEL_CONNECTING || state == GRPC_CHANNEL_IDLE);
}

/* One call, for offload(). */
struct outgoing {
	struct ctx *cx;
	struct rpc_channel *channel;
	const char *path;
	grpc_byte_buffer *out, *in;
	int timeout_ms;
	grpc_status_code status;
	const char *words; /* in the arena */
};

static void
talk(struct outgoing *o, grpc_completion_queue *q, gpr_timespec deadline)
{
	/* A copy: the library may look at it when we have long had our answer. */
	grpc_slice path = grpc_slice_from_copied_string(o->path);
	grpc_call *call = grpc_channel_create_call(
	    o->channel->core, NULL, GRPC_PROPAGATE_DEFAULTS, q, path, NULL, deadline, NULL);
	grpc_metadata ours[] = { { .key = grpc_slice_from_static_string(REQUEST_ID_KEY) },
		{ .key = grpc_slice_from_static_string(TRACEPARENT_KEY) } };
	char parent[TRACEPARENT_SIZE];
	grpc_metadata_array head, tail;
	grpc_slice words = grpc_empty_slice();
	grpc_op ops[6] = { { .op = GRPC_OP_SEND_INITIAL_METADATA }, { .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT }, { .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE }, { .op = GRPC_OP_RECV_STATUS_ON_CLIENT } };

	grpc_metadata_array_init(&head);
	grpc_metadata_array_init(&tail);
	trace_parent(&o->cx->trace, parent);
	ours[0].value = grpc_slice_from_copied_string(o->cx->request_id);
	ours[1].value = grpc_slice_from_copied_string(parent);
	ops[0].data.send_initial_metadata.count = 2;
	ops[0].data.send_initial_metadata.metadata = ours;
	ops[1].data.send_message.send_message = o->out;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &head;
	ops[4].data.recv_message.recv_message = &o->in;
	ops[5].data.recv_status_on_client.trailing_metadata = &tail;
	ops[5].data.recv_status_on_client.status = &o->status;
	ops[5].data.recv_status_on_client.status_details = &words;
	if (grpc_call_start_batch(call, ops, 6, o, NULL) != GRPC_CALL_OK)
		abort(); /* a bug of ours: the library refuses only what makes no sense */
	grpc_completion_queue_pluck(q, o, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	o->words =
	    arena_strndup(o->cx->arena, (const char *)GRPC_SLICE_START_PTR(words), GRPC_SLICE_LENGTH(words));
	grpc_slice_unref(words);
	grpc_slice_unref(path);
	grpc_slice_unref(ours[0].value);
	grpc_slice_unref(ours[1].value);
	grpc_metadata_array_destroy(&head);
	grpc_metadata_array_destroy(&tail);
	grpc_call_unref(call);
}

static void
exchange(void *arg)
{
	struct outgoing *o = arg;
	grpc_completion_queue *q = queue_take(o->channel);
	gpr_timespec deadline = ms_from_now(o->timeout_ms);

	if (!o->channel->connected)
		try_again(o->channel, q, deadline);
	talk(o, q, deadline);
	queue_give_back(o->channel, q);
}

/* A failure of the way there, or of the server, is nothing to tell our own client: its words are for the log.
 */
static enum rc
failed(struct ctx *cx, const struct outgoing *o)
{
	enum rc rc = rc_from_grpc((int)o->status);

	if (rc_meaning(rc)->http >= 500)
		return err_detail(cx, rc, "%s: status %d: %s", o->path + 1, (int)o->status, o->words);
	return err_set(cx, rc, "%s", o->words);
}

static enum rc
read_answer(
    struct ctx *cx, struct outgoing *o, const ProtobufCMessageDescriptor *d, ProtobufCMessage **ret_answer)
{
	ProtobufCMessage *answer = NULL;
	const char *field;
	size_t length = 0;
	uint8_t *bytes = NULL;

	if (o->in != NULL)
		bytes = bytes_copy(cx->arena, o->in, &length);
	if (bytes != NULL && wire_check(d, bytes, length, WIRE_TEXT_REFUSED, &field) == RC_OK)
		answer = wire_unpack(cx->arena, d, bytes, length);
	if (answer == NULL)
		return err_detail(cx, RC_INTERNAL, "%s: the answer is not a %s", o->path + 1, d->name);
	*ret_answer = answer;
	return RC_OK;
}

/* What we ask ourselves is no call of a service. */
static void
count(const struct rpc_channel *c, enum rc rc, int64_t started_ns)
{
	enum metric_outcome outcome = rc == RC_OK		? OUTCOME_OK
				      : rc == RC_TIMEOUT	? OUTCOME_TIMEOUT
				      : rc_meaning(rc)->http >= 500 ? OUTCOME_UNAVAILABLE
								: OUTCOME_REFUSED;

	if (!c->connected)
		metrics_observe(M_GRPC_CLIENT_SECONDS, outcome, clock_monotonic_ns() - started_ns);
}

enum rc
rpc_invoke(struct ctx *cx, struct rpc_channel *c, const ProtobufCServiceDescriptor *service, unsigned method,
    const ProtobufCMessage *request, int timeout_ms, ProtobufCMessage **ret_answer)
{
	const ProtobufCMethodDescriptor *m = &service->methods[method];
	struct outgoing o = {
		.cx = cx,
		.channel = c,
		.path = arena_printf(cx->arena, "/%s/%s", service->name, m->name),
		.timeout_ms = ctx_time_left_ms(cx, timeout_ms),
		.status = GRPC_STATUS_UNKNOWN,
	};
	int64_t started_ns = clock_monotonic_ns();
	enum rc rc;

	if (o.timeout_ms == 0)
		return err_detail(cx, RC_TIMEOUT, "%s: no time left to ask", o.path + 1);
	o.out = bytes_of(request);
	offload(exchange, &o);
	if (o.status == GRPC_STATUS_OK)
		rc = read_answer(cx, &o, m->output, ret_answer);
	else
		rc = failed(cx, &o);
	count(c, rc, started_ns);
	grpc_byte_buffer_destroy(o.out);
	grpc_byte_buffer_destroy(o.in);
	return rc;
}
