/*
 * stream.c - the calls on the queue `others`: health, reflection, and methods that nobody has.
 *
 * All of it happens under server.lock, since a probe's outcome and the server's stop meet these calls from
 * other threads.
 */
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/rpc/bytes.h"
#include "lib/rpc/internal.h"

#define STOPPING "the server is stopping"

static const struct stream_kind *const kinds[] = { &health_check, &health_watch, &reflection_v1alpha,
	&reflection_v1 };

/* One request must always be outstanding, or a call of an unknown method would hang. */
void
stream_arm(struct rpc_server *s)
{
	struct rpc_call *call = call_new(s);

	call_handed();
	if (grpc_server_request_call(s->core, &call->core, &call->details, &call->metadata, s->others,
		s->others, &call->ops[OP_ARRIVE]) != GRPC_CALL_OK)
		call_unref(call); /* the queues are shut */
}

static void
enter(struct rpc_call *call)
{
	struct rpc_server *s = call->server;

	call_ref(call);
	call->next = s->streams;
	call->prev = &s->streams;
	if (call->next != NULL)
		call->next->prev = &call->next;
	s->streams = call;
}

/* From now on nothing but the events that are still to come concerns it. */
static void
leave(struct rpc_call *call)
{
	if (call->prev == NULL)
		return;
	*call->prev = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	call->prev = NULL;
	call_unref(call);
}

static size_t
op_greeting(struct rpc_call *call, grpc_op *ret_op)
{
	if (call->greeted)
		return 0;
	call->greeted = true;
	*ret_op = (grpc_op){ .op = GRPC_OP_SEND_INITIAL_METADATA };
	return 1;
}

static void
read_next(struct rpc_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };

	op.data.recv_message.recv_message = &call->in;
	call_batch(call, OP_READ, &op, 1);
}

void
stream_send(struct rpc_call *call, const ProtobufCMessage *message)
{
	grpc_op ops[2];
	size_t n = op_greeting(call, ops);

	call->out = bytes_of(message);
	call->writing = true;
	ops[n] = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE };
	ops[n++].data.send_message.send_message = call->out;
	call_batch(call, OP_WRITE, ops, n);
}

void
stream_finish(
    struct rpc_call *call, grpc_status_code status, const char *words, const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_from_copied_string(words);
	grpc_op ops[3];
	size_t n;

	if (call->answered)
		return;
	n = op_greeting(call, ops);
	if (message != NULL) {
		call->out = bytes_of(message);
		ops[n] = (grpc_op){ .op = GRPC_OP_SEND_MESSAGE };
		ops[n++].data.send_message.send_message = call->out;
	}
	ops[n] = (grpc_op){ .op = GRPC_OP_SEND_STATUS_FROM_SERVER };
	ops[n].data.send_status_from_server.status = status;
	ops[n++].data.send_status_from_server.status_details = &slice;
	call->answered = true;
	call_batch(call, OP_FINISH, ops, n);
	grpc_slice_unref(slice);
	leave(call);
}

/* Its name comes from outside: it goes into the answer, not into the log. */
static void
refuse(struct rpc_call *call)
{
	struct rpc_server *s = call->server;
	const uint8_t *path = GRPC_SLICE_START_PTR(call->details.method);
	size_t length = GRPC_SLICE_LENGTH(call->details.method);
	struct ctx cx;

	if (length > 200)
		length = 200;
	ctx_init(&cx, s->scratch, NULL);
	log_request(
	    &cx, "GRPC", "unknown method", GRPC_STATUS_UNIMPLEMENTED, RC_METHOD, clock_monotonic_ns());
	stream_finish(call, GRPC_STATUS_UNIMPLEMENTED,
	    arena_printf(s->scratch, "unknown method %.*s", (int)length, (const char *)path), NULL);
}

static void
arrived(struct rpc_call *call)
{
	stream_arm(call->server);
	call_watch_close(call);
	enter(call);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (grpc_slice_str_cmp(call->details.method, kinds[i]->path) == 0)
			call->kind = kinds[i];
	if (call->kind == NULL)
		refuse(call);
	else if (call->server->stopping)
		stream_finish(call, GRPC_STATUS_UNAVAILABLE, STOPPING, NULL);
	else
		read_next(call);
}

static void
read_done(struct rpc_call *call, bool ok)
{
	size_t length = 0;
	uint8_t *bytes;

	if (!ok || call->answered)
		return;
	if (call->in == NULL) { /* the client has no more to say */
		stream_finish(call, call->kind->unary ? GRPC_STATUS_INVALID_ARGUMENT : GRPC_STATUS_OK,
		    call->kind->unary ? "no request message" : "", NULL);
		return;
	}
	bytes = bytes_copy(call->server->scratch, call->in, &length);
	grpc_byte_buffer_destroy(call->in);
	call->in = NULL;
	if (bytes == NULL)
		stream_finish(call, GRPC_STATUS_INTERNAL, "the message can't be read", NULL);
	else
		call->kind->message(call, bytes, length);
}

static void
write_done(struct rpc_call *call, bool ok)
{
	call->writing = false;
	grpc_byte_buffer_destroy(call->out);
	call->out = NULL;
	if (!ok || call->answered)
		return;
	if (call->server->stopping)
		stream_finish(call, GRPC_STATUS_UNAVAILABLE, STOPPING, NULL);
	else if (call->kind->sent != NULL)
		call->kind->sent(call);
	else
		read_next(call);
}

void
stream_event(struct op *op, bool ok)
{
	struct rpc_call *call = op->call;
	struct rpc_server *s = call->server;

	pthread_mutex_lock(&s->lock);
	switch (op->kind) {
	case OP_ARRIVE:
		if (ok)
			arrived(call);
		break;
	case OP_READ:
		read_done(call, ok);
		break;
	case OP_WRITE:
		write_done(call, ok);
		break;
	case OP_CLOSE: /* gone, where it had no answer yet */
		call_closed(call);
		if (!call->answered) {
			call->answered = true;
			leave(call);
		}
		break;
	default:
		break;
	}
	arena_reset(s->scratch);
	pthread_mutex_unlock(&s->lock);
}

void
stream_stop_all(struct rpc_server *s)
{
	struct rpc_call *call, *next;

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (call = s->streams; call != NULL; call = next) {
		next = call->next;
		if (call->kind->unary || call->writing)
			continue; /* ends by itself, or when its message is out */
		stream_finish(call, GRPC_STATUS_UNAVAILABLE, STOPPING, NULL);
	}
	pthread_mutex_unlock(&s->lock);
}
