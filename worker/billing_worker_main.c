/* medicore-billing-worker - bookings become invoices. */
#include <stdlib.h>
#include <string.h>

#include "domain/billing/billing.h"
#include "grpc/patient_client.h"
#include "lib/base/config.h"
#include "worker/billing_worker.h"
#include "worker/event_codec.h"
#include "worker/process.h"

int
main(int argc, char **argv)
{
	static const struct process process = {
		.name = "medicore-billing-worker",
		.purpose = "Makes invoices of bookings.",
	};
	static const struct billing_ports ports = {
		.patients_exist = patient_client_exist,
		.encode_invoice = event_encode_invoice,
	};
	int status;
	bool ran, kafka;

	status = process_start(&process, argc, argv, NULL);
	if (status >= 0)
		return status;
	kafka = strcmp(config->events.transport, "kafka") == 0;
	process_count(process.name, METRICS_EVENTS | METRICS_GRPC_CLIENT | (kafka ? METRICS_KAFKA : 0));
	status = process_schema(config->database.billing, BILLING_WORKER_ROLE, BILLING_SCHEMA);
	if (status >= 0)
		return status;
	patient_client_start();
	if (kafka)
		ran = billing_from_kafka(&ports);
	else
		ran = billing_from_relay(&ports);
	process_end();
	patient_client_stop();
	return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}
