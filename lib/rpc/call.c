/* call.c - what calls of both queues have in common. */
#include <stdlib.h>

#include "lib/rpc/internal.h"

#ifdef __SANITIZE_THREAD__
static atomic_int handed;

void
call_handed(void)
{
	atomic_fetch_add_explicit(&handed, 1, memory_order_release);
}

void
call_taken(void)
{
	(void)atomic_load_explicit(&handed, memory_order_acquire);
}
#endif

struct rpc_call *
call_new(struct rpc_server *s)
{
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		abort(); /* out of memory ends the process, as in arenas */
	call->server = s;
	for (int i = 0; i < OP_COUNT; i++)
		call->ops[i] = (struct op){ .call = call, .kind = (enum op_kind)i };
	atomic_init(&call->refs, 1);
	grpc_metadata_array_init(&call->metadata);
	grpc_call_details_init(&call->details);
	atomic_fetch_add(&s->live, 1);
	return call;
}

void
call_ref(struct rpc_call *call)
{
	atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
}

void
call_unref(struct rpc_call *call)
{
	struct rpc_server *s = call->server;

	if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) > 1)
		return;
	grpc_byte_buffer_destroy(call->in);
	grpc_byte_buffer_destroy(call->out);
	grpc_metadata_array_destroy(&call->metadata);
	grpc_call_details_destroy(&call->details);
	if (call->core != NULL)
		grpc_call_unref(call->core);
	free(call);
	if (atomic_fetch_sub(&s->live, 1) == 1) {
		pthread_mutex_lock(&s->live_lock);
		pthread_cond_broadcast(&s->live_changed);
		pthread_mutex_unlock(&s->live_lock);
	}
}

/* The event that ends the batch takes its own reference back. */
void
call_batch(struct rpc_call *call, enum op_kind kind, const grpc_op *ops, size_t count)
{
	call_ref(call);
	call_handed();
	if (grpc_call_start_batch(call->core, ops, count, &call->ops[kind], NULL) != GRPC_CALL_OK)
		abort(); /* a bug of ours: the library refuses only what makes no sense */
}

void
call_watch_close(struct rpc_call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };

	op.data.recv_close_on_server.cancelled = &call->was_cancelled;
	call->watched = true;
	call_batch(call, OP_CLOSE, &op, 1);
}

void
call_closed(struct rpc_call *call)
{
	if (call->was_cancelled)
		atomic_store(&call->cancelled, true);
}

/* HTTP/2 allows no NUL in a header, but the library lets one through; two keys must not become one by being
 * cut at it. */
static char *
value_text(struct arena *a, grpc_slice value)
{
	size_t length = GRPC_SLICE_LENGTH(value);
	char *text = arena_strndup(a, (const char *)GRPC_SLICE_START_PTR(value), length);

	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = 0x1a;
	return text;
}

const char *
rpc_metadata(struct rpc_call *call, const char *key)
{
	for (size_t i = 0; i < call->metadata.count; i++) {
		const grpc_metadata *m = &call->metadata.metadata[i];

		if (grpc_slice_str_cmp(m->key, key) == 0)
			return value_text(call->cx.arena, m->value);
	}
	return NULL;
}

struct ctx *
rpc_ctx(struct rpc_call *call)
{
	return &call->cx;
}
