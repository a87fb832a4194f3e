/* counts.c - what lib/rpc counts of the calls that it serves. */
#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/internal.h"

/* By number, as gRPC's own documentation writes them. */
static const char *const statuses[] = { "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED" };
#define STATUSES (unsigned)(sizeof(statuses) / sizeof(*statuses))

static void
plan_method(const char *service, const char *method)
{
	struct arena *a = arena_new();
	const char *labels = arena_printf(a, "method=\"%s/%s\"", service, method);

	metrics_series(M_GRPC_SECONDS, labels, false);
	/* From the start those that alerts ask for: a rate is reckoned from a zero that was seen. */
	for (unsigned i = 0; i < STATUSES; i++)
		metrics_series(M_GRPC_CALLS, arena_printf(a, "%s,status=\"%s\"", labels, statuses[i]),
		    i == GRPC_STATUS_OK || i == GRPC_STATUS_INTERNAL || i == GRPC_STATUS_UNAVAILABLE);
	arena_free(a);
}

/* In the order of register_methods. */
void
rpc_counts_plan(ProtobufCService *const *services, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (unsigned j = 0; j < services[i]->descriptor->n_methods; j++)
			plan_method(services[i]->descriptor->name, services[i]->descriptor->methods[j].name);
}

void
rpc_counts_call(const struct rpc_call *call)
{
	unsigned number = (unsigned)(call->method - call->server->method_list);

	metrics_observe(M_GRPC_SECONDS, number, clock_monotonic_ns() - call->started_ns);
	metrics_add(M_GRPC_CALLS, number * STATUSES + (unsigned)rc_meaning(call->rc)->grpc, 1);
}
