/* medicore-documents.fcgi - REST /documents. */
#include <stdlib.h>
#include <time.h>

#include "domain/billing/billing.h"
#include "fcgi/documents/handlers.h"
#include "grpc/patient_client.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"

enum rc
documents_patient(struct ctx *cx, const char *id, struct document_patient *ret_patient)
{
	struct patient_record record;
	enum rc rc = patient_client_get(cx, id, &record);

	if (rc == RC_OK)
		*ret_patient = (struct document_patient){
			.id = id,
			.exists = record.exists,
			.name = record.name,
			.address = record.address,
			.date_of_birth = record.date_of_birth,
		};
	return rc;
}

const struct billing_ports documents_ports = {
	.patients_exist = patient_client_exist,
};

static const char *
database(void)
{
	return config->database.billing;
}

/* Documents show days, and those are the clinic's. */
static void
start(void)
{
	setenv("TZ", config->scheduling.zone, 1);
	tzset();
	patient_client_start();
}

int
main(int argc, char **argv)
{
	static const struct web_program program = {
		.name = "medicore-documents.fcgi",
		.title = "Documents",
		.routes = document_routes,
		.database = database,
		.role = "medicore_billing_documents",
		.schema = BILLING_SCHEMA,
		.domain = "billing",
		.subject = "patientId",
		.counts = METRICS_GRPC_CLIENT,
		.start = start,
		.stop = patient_client_stop,
	};

	return web_main(&program, argc, argv);
}
