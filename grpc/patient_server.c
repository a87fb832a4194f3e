#include "grpc/patient_server.h"

#include "domain/patient/patient.h"
#include "lib/audit/audit.h"
#include "lib/base/uuid.h"
#include "lib/rpc/rpc.h"
#include "proto/patient.pb-c.h"

#define IDS_MAX ((size_t)1000) /* contract */
#define VERIFY_MAX 128	       /* calls of verifyPatient that are answered together */

/* For the audit trail: whom a call is about; NULL where the text is no id. */
static const char *
id_asked(struct ctx *cx, const char *text)
{
	char id[UUID_SIZE];

	return uuid_parse_padded(text, id) ? arena_strdup(cx->arena, id) : NULL;
}

/* For the audit trail.  A text that is no id can't be anybody's, and may be as long as a message: "-". */
static const char *
ids_asked(struct ctx *cx, char *const *ids, size_t count)
{
	struct buf b = { .arena = cx->arena };
	char id[UUID_SIZE];

	for (size_t i = 0; i < count && i < IDS_MAX; i++) {
		if (i > 0)
			buf_add_char(&b, ' ');
		buf_add_text(&b, uuid_parse_padded(ids[i], id) ? id : "-");
	}
	return b.bytes;
}

/* All that are asked for at the moment, by one question. */
static void
verify_patient(struct ctx *cx, struct rpc_call *const *calls, size_t count)
{
	const char **ids = arena_zalloc_n(cx->arena, count, sizeof(*ids));
	bool *exist = arena_zalloc_n(cx->arena, count, sizeof(*exist));
	enum rc rc;

	for (size_t i = 0; i < count; i++) {
		const Patient__PatientLookupRequest *asked = rpc_asked(calls[i]);

		ids[i] = asked->patientid;
		rpc_audit(calls[i])->patient_id = id_asked(cx, ids[i]);
	}
	rc = patient_exist(cx, ids, count, exist);
	for (size_t i = 0; i < count; i++) {
		Patient__PatientLookupResponse response = PATIENT__PATIENT_LOOKUP_RESPONSE__INIT;

		if (rc != RC_OK) {
			rpc_fail_with(calls[i], cx, rc);
			continue;
		}
		response.exists = exist[i];
		rpc_audit(calls[i])->count = exist[i];
		rpc_answer(calls[i], &response.base);
	}
}

static void
verify_patients(Patient__PatientService_Service *service, const Patient__PatientsLookupRequest *asked,
    Patient__PatientsLookupResponse_Closure answer, void *closure_data)
{
	Patient__PatientsLookupResponse response = PATIENT__PATIENTS_LOOKUP_RESPONSE__INIT;
	protobuf_c_boolean wide[IDS_MAX];
	bool exist[IDS_MAX];
	struct rpc_call *call = closure_data;
	struct ctx *cx = rpc_ctx(call);
	size_t n = asked->n_patientid;
	enum rc rc = RC_OK;

	(void)service;
	rpc_audit(call)->filter = ids_asked(cx, asked->patientid, n);
	if (n > IDS_MAX)
		rc = err_field(cx, RC_INVALID, "patientId", "at most %zu ids at once", IDS_MAX);
	else if (n > 0)
		rc = patient_exist(cx, (const char *const *)asked->patientid, n, exist);
	if (rc != RC_OK) {
		rpc_fail(call, rc);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		wide[i] = exist[i];
		rpc_audit(call)->count += exist[i];
	}
	response.n_exists = n;
	response.exists = wide;
	answer(&response, closure_data);
}

static void
get_patient(Patient__PatientService_Service *service, const Patient__PatientLookupRequest *asked,
    Patient__PatientRecord_Closure answer, void *closure_data)
{
	Patient__PatientRecord record = PATIENT__PATIENT_RECORD__INIT;
	struct rpc_call *call = closure_data;
	struct ctx *cx = rpc_ctx(call);
	struct patient found;
	bool exists;
	enum rc rc;

	(void)service;
	rpc_audit(call)->patient_id = id_asked(cx, asked->patientid);
	rc = patient_look_up(cx, asked->patientid, &found, &exists);
	if (rc != RC_OK) {
		rpc_fail(call, rc);
		return;
	}
	record.exists = exists;
	if (exists) {
		record.id = (char *)(uintptr_t)found.id;
		record.name = (char *)(uintptr_t)found.name;
		record.address = (char *)(uintptr_t)found.address;
		record.dateofbirth = (char *)(uintptr_t)found.date_of_birth;
	}
	rpc_audit(call)->count = exists;
	answer(&record, closure_data);
}

static Patient__PatientService_Service service = {
	.base = PATIENT__PATIENT_SERVICE__BASE_INIT,
	.verify_patients = verify_patients,
	.get_patient = get_patient,
};

ProtobufCService *const patient_service = &service.base;

const struct rpc_batched patient_batched[] = {
	{ .method = "verifyPatient", .max = VERIFY_MAX, .run = verify_patient },
	{ .method = NULL },
};
