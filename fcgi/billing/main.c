/* medicore-billing.fcgi - REST /services and /invoices. */
#include "domain/billing/billing.h"
#include "fcgi/billing/handlers.h"
#include "grpc/patient_client.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"
#include "worker/event_codec.h"

const struct billing_ports billing_ports = {
	.patients_exist = patient_client_exist,
	.encode_invoice = event_encode_invoice,
};

static const char *
database(void)
{
	return config->database.billing;
}

int
main(int argc, char **argv)
{
	static const struct web_program program = {
		.name = "medicore-billing.fcgi",
		.title = "Billing",
		.routes = billing_routes,
		.database = database,
		.role = "medicore_billing_rest",
		.schema = BILLING_SCHEMA,
		.domain = "billing",
		.subject = "patientId",
		.counts = METRICS_GRPC_CLIENT,
		.start = patient_client_start,
		.stop = patient_client_stop,
	};

	return web_main(&program, argc, argv);
}
