/* medicore-billingd - billing.BillingService over gRPC. */
#include "domain/billing/billing.h"
#include "grpc/billing_server.h"
#include "grpc/patient_client.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"
#include "lib/rpc/rpc.h"
#include "proto/descriptors.h"
#include "worker/event_codec.h"

/* Each makes the invoices of all calls that wait in one transaction, so fewer are quicker; but while one waits for its commit another can begin. */
#define THREADS 4
#define ACTIVE 2

/* With many calls a transaction takes some ms: others that stepped in would only make them smaller. */
#define STUCK_MS 20

const struct billing_ports billing_ports = {
	.patients_exist = patient_client_exist,
	.encode_invoice = event_encode_invoice,
};

static void
start(struct rpc_options *options)
{
	*options = (struct rpc_options){
		.listen = config->billingd.listen,
		.threads = THREADS,
		.active = ACTIVE,
		.stuck_ms = STUCK_MS,
		.database = config->database.billing,
		.role = "medicore_billing_grpc",
		.schema = BILLING_SCHEMA,
		.domain = "billing",
		.batched = billing_batched,
		.stop_grace_ms = (int)config->billingd.stop_grace_ms,
		.replace_bad_text = true, /* contract: a patientId that is no UUID has a message of its own */
		.descriptors = proto_descriptors,
		.descriptors_size = proto_descriptors_size,
	};
	patient_client_start();
}

int
main(int argc, char **argv)
{
	const struct rpc_program program = {
		.name = "medicore-billingd",
		.start = start,
		.stop = patient_client_stop,
		.services = &billing_service,
		.count = 1,
		.counts = METRICS_GRPC_CLIENT | METRICS_NUMBERS,
	};

	return rpc_main(&program, argc, argv);
}
