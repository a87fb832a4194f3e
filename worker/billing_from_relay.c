#include <stdatomic.h>

#include "domain/billing/billing.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/rpc.h"
#include "proto/events.pb-c.h"
#include "worker/appointment_events.h"
#include "worker/billing_worker.h"
#include "worker/process.h"
#include "worker/replay.h"

#define STOP_GRACE_MS 5000 /* a batch in hand is finished */

/* A message's size is bounded by the relay's batches. */
#define MESSAGE_MAX ((size_t)16 * 1024 * 1024)

static const struct billing_ports *sink_ports;
static atomic_int failures; /* in a row that are no dependency's */

/* proto3 has no absent texts, only empty ones. */
static const char *
text_of(const char *s)
{
	return s[0] == '\0' ? NULL : s;
}

static void
deliver(Medicore__V1__EventSink_Service *service, const Medicore__V1__EventBatch *batch,
    Medicore__V1__EventReceipt_Closure answer, void *closure_data)
{
	Medicore__V1__EventReceipt receipt = MEDICORE__V1__EVENT_RECEIPT__INIT;
	struct rpc_call *call = closure_data;
	struct ctx *cx = rpc_ctx(call);
	struct event *events = arena_zalloc_n(cx->arena, batch->n_events, sizeof(*events));
	enum rc rc;

	(void)service;
	for (size_t i = 0; i < batch->n_events; i++) {
		const Medicore__V1__Event *m = batch->events[i];

		events[i] = (struct event){
			.topic = m->topic,
			.key = text_of(m->key),
			.id = text_of(m->id),
			.type = text_of(m->type),
			.source = text_of(m->source),
			.time = text_of(m->time),
			.traceparent = text_of(m->traceparent),
			.payload = m->payload.data,
			.length = m->payload.len,
		};
	}
	rc = appointment_events_take(cx, sink_ports, events, batch->n_events, atomic_load(&failures));
	atomic_store(&failures, rc == RC_INTERNAL ? atomic_load(&failures) + 1 : 0);
	if (rc != RC_OK) {
		metrics_task_failed(TASK_EVENTS);
		rpc_fail(call, rc);
		return;
	}
	answer(&receipt, closure_data);
}

bool
billing_from_relay(const struct billing_ports *ports)
{
	static Medicore__V1__EventSink_Service sink = MEDICORE__V1__EVENT_SINK__INIT();
	ProtobufCService *const services[] = { &sink.base };
	struct arena *arena = arena_new();
	struct rpc_options options = {
		.listen = arena_printf(arena, "unix:%s", config->events.socket),
		.threads = 1, /* there is one relay, which waits for each answer */
		.database = config->database.billing,
		.role = BILLING_WORKER_ROLE,
		.schema = BILLING_SCHEMA,
		.message_max = MESSAGE_MAX,
	};
	struct rpc_server *server;
	bool ready = false;

	sink_ports = ports;
	sink.deliver = deliver;
	server = rpc_server_new(&options, services, 1);
	if (server != NULL) {
		replay_start(ports);
		rpc_server_start(server);
		ready = process_ready(rpc_server_alive, server);
		if (!ready)
			process_stop();
		stop_await();
		process_end();
		rpc_server_stop(server, STOP_GRACE_MS);
		replay_join();
		rpc_server_free(server);
	}
	arena_free(arena);
	return ready;
}
