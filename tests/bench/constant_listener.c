/*
 * The limit for medicore-patientd: a listener of ours whose verifyPatient answers a constant.  All but the question to the database is in
 * it, as in the program: lib/rpc, the checks of a call and its caller, the entry in the audit trail, the log line, what is counted.
 * It listens where patientd would.
 */
#include "lib/audit/audit.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/rpc/rpc.h"
#include "proto/patient.pb-c.h"

static void
verify_patient(struct ctx *cx, struct rpc_call *const *calls, size_t count)
{
	Patient__PatientLookupResponse response = PATIENT__PATIENT_LOOKUP_RESPONSE__INIT;
	char id[UUID_SIZE];

	response.exists = true;
	for (size_t i = 0; i < count; i++) {
		const Patient__PatientLookupRequest *asked = rpc_asked(calls[i]);

		if (uuid_parse_padded(asked->patientid, id))
			rpc_audit(calls[i])->patient_id = arena_strdup(cx->arena, id);
		rpc_audit(calls[i])->count = 1;
		rpc_answer(calls[i], &response.base);
	}
}

static Patient__PatientService_Service service = { .base = PATIENT__PATIENT_SERVICE__BASE_INIT };
static ProtobufCService *const services[] = { &service.base };
static const struct rpc_batched batched[] = { { "verifyPatient", 128, verify_patient }, { NULL, 0, NULL } };

static void
start(struct rpc_options *options)
{
	*options = (struct rpc_options){
		.listen = config->patientd.listen,
		.threads = 4,
		.active = 1,
		.batched = batched,
		.domain = "patient",
		.stop_grace_ms = (int)config->patientd.stop_grace_ms,
		.replace_bad_text = true,
	};
}

int
main(int argc, char **argv)
{
	const struct rpc_program program = { .name = "constant-listener", .start = start, .services = services, .count = 1 };

	return rpc_main(&program, argc, argv);
}
