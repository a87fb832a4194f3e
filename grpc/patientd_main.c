/* medicore-patientd - patient.PatientService over gRPC. */
#include "domain/patient/patient.h"
#include "grpc/patient_server.h"
#include "lib/base/config.h"
#include "lib/rpc/rpc.h"
#include "proto/descriptors.h"

/* One is quickest: it asks for all calls that wait at once. */
#define THREADS 4
#define ACTIVE 1

static void
start(struct rpc_options *options)
{
	*options = (struct rpc_options){
		.listen = config->patientd.listen,
		.threads = THREADS,
		.active = ACTIVE,
		.database = config->database.patient,
		.role = "medicore_patient_grpc",
		.schema = PATIENT_SCHEMA,
		.batched = patient_batched,
		.domain = "patient",
		.stop_grace_ms = (int)config->patientd.stop_grace_ms,
		.replace_bad_text = true, /* contract: never an error for bad input */
		.descriptors = proto_descriptors,
		.descriptors_size = proto_descriptors_size,
	};
}

int
main(int argc, char **argv)
{
	const struct rpc_program program = {
		.name = "medicore-patientd",
		.start = start,
		.services = &patient_service,
		.count = 1,
	};

	return rpc_main(&program, argc, argv);
}
