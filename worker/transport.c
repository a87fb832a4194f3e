#include "worker/transport.h"

#include <string.h>

#include "lib/base/config.h"
#include "lib/bus/bus.h"
#include "lib/rpc/rpc.h"
#include "proto/events.pb-c.h"

/* A broker or worker that is away: how long a stop may have to wait for us. */
#define KAFKA_TIMEOUT_MS 3000
#define DIRECT_TIMEOUT_MS 10000

/* The broker takes many at once; reading a few thousand rows keeps the pipe full. */
#define KAFKA_BATCHES 4

static enum rc
to_kafka(struct ctx *cx, void *to, const struct event *events, size_t count, bool *ret_taken)
{
	return bus_publish(cx, to, events, count, ret_taken, KAFKA_TIMEOUT_MS);
}

static char *
text_of(const char *s)
{
	return s == NULL ? (char *)(uintptr_t)protobuf_c_empty_string : (char *)(uintptr_t)s;
}

static Medicore__V1__Event *
message_of(struct arena *a, const struct event *e)
{
	Medicore__V1__Event *m = arena_alloc(a, sizeof(*m));

	medicore__v1__event__init(m);
	m->id = text_of(e->id);
	m->type = text_of(e->type);
	m->source = text_of(e->source);
	m->time = text_of(e->time);
	m->traceparent = text_of(e->traceparent);
	m->topic = text_of(e->topic);
	m->key = text_of(e->key);
	m->payload.data = (uint8_t *)(uintptr_t)e->payload;
	m->payload.len = e->length;
	return m;
}

static enum rc
to_worker(struct ctx *cx, void *to, const struct event *events, size_t count, bool *ret_taken)
{
	Medicore__V1__EventBatch batch = MEDICORE__V1__EVENT_BATCH__INIT;
	ProtobufCMessage *receipt;
	enum rc rc;

	batch.n_events = count;
	batch.events = arena_zalloc_n(cx->arena, count, sizeof(*batch.events));
	for (size_t i = 0; i < count; i++)
		batch.events[i] = message_of(cx->arena, &events[i]);
	rc = rpc_invoke(
	    cx, to, &medicore__v1__event_sink__descriptor, 0, &batch.base, DIRECT_TIMEOUT_MS, &receipt);
	/* All or nothing: the worker answers once its transaction is committed. */
	for (size_t i = 0; i < count; i++)
		ret_taken[i] = rc == RC_OK;
	return rc;
}

/* Nobody asked for them: the outbox keeps them for as long as it keeps what was published. */
static enum rc
to_nobody(struct ctx *cx, void *to, const struct event *events, size_t count, bool *ret_taken)
{
	(void)cx;
	(void)to;
	(void)events;
	for (size_t i = 0; i < count; i++)
		ret_taken[i] = true;
	return RC_OK;
}

bool
transport_open(const struct relayed *from, struct transport *ret_transport)
{
	size_t batch = (size_t)config->events.batch;
	struct arena *a;

	if (strcmp(config->events.transport, "kafka") == 0) {
		*ret_transport = (struct transport){
			.batch_max = batch * KAFKA_BATCHES,
			.to = bus_producer_new(config->events.brokers),
			.publish = to_kafka,
		};
	} else if (!from->direct) {
		*ret_transport = (struct transport){ .batch_max = batch, .publish = to_nobody };
		return true;
	} else {
		a = arena_new();
		*ret_transport = (struct transport){
			.batch_max = batch,
			.to = rpc_channel_new(arena_printf(a, "unix:%s", config->events.socket)),
			.publish = to_worker,
		};
		arena_free(a);
	}
	return ret_transport->to != NULL;
}

void
transport_close(struct transport *t)
{
	if (t->publish == to_kafka)
		bus_producer_free(t->to);
	else if (t->publish == to_worker)
		rpc_channel_free(t->to);
}
