#include "grpc/patient_client.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/config.h"
#include "lib/rpc/rpc.h"
#include "proto/patient.pb-c.h"

#define IDS_MAX ((size_t)1000) /* of verifyPatients (contract) */

enum method { VERIFY_PATIENT, VERIFY_PATIENTS, GET_PATIENT }; /* in the order of patient.proto */

static struct rpc_channel *channel;

void
patient_client_start(void)
{
	channel = rpc_channel_new(config->patient_service.target);
	if (channel == NULL)
		exit(EXIT_FAILURE); /* settings that don't fit; it was said */
}

void
patient_client_stop(void)
{
	rpc_channel_free(channel);
	channel = NULL;
}

/* Whatever else it says, "I don't know" is what our caller has to hear: to ask again later helps, to change
 * the request doesn't. */
static enum rc
ask(struct ctx *cx, enum method method, const ProtobufCMessage *request, ProtobufCMessage **ret_answer)
{
	enum rc rc = rpc_invoke(cx, channel, &patient__patient_service__descriptor, method, request,
	    (int)config->patient_service.timeout_ms, ret_answer);

	if (rc == RC_OK || rc == RC_TIMEOUT)
		return rc;
	return err_detail(cx, RC_UNAVAILABLE, "the patient service: %s", err_message(cx, rc));
}

static enum rc
one_exists(struct ctx *cx, const char *id, bool *ret_exists)
{
	Patient__PatientLookupRequest request = PATIENT__PATIENT_LOOKUP_REQUEST__INIT;
	ProtobufCMessage *answer;
	enum rc rc;

	request.patientid = (char *)(uintptr_t)id;
	rc = ask(cx, VERIFY_PATIENT, &request.base, &answer);
	if (rc == RC_OK)
		*ret_exists = ((Patient__PatientLookupResponse *)answer)->exists != 0;
	return rc;
}

static enum rc
several_exist(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	Patient__PatientsLookupRequest request = PATIENT__PATIENTS_LOOKUP_REQUEST__INIT;
	Patient__PatientsLookupResponse *answer;
	ProtobufCMessage *message;
	enum rc rc;

	request.n_patientid = count;
	request.patientid = (char **)(uintptr_t)ids;
	rc = ask(cx, VERIFY_PATIENTS, &request.base, &message);
	if (rc != RC_OK)
		return rc;
	answer = (Patient__PatientsLookupResponse *)message;
	if (answer->n_exists != count)
		return err_detail(cx, RC_UNAVAILABLE, "the patient service: %zu answers for %zu ids",
		    answer->n_exists, count);
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = answer->exists[i] != 0;
	return RC_OK;
}

enum rc
patient_client_exist(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	enum rc rc = RC_OK;

	assert(channel != NULL);
	if (count == 1)
		return one_exists(cx, ids[0], ret_exist);
	for (size_t at = 0; rc == RC_OK && at < count; at += IDS_MAX)
		rc = several_exist(cx, ids + at, count - at < IDS_MAX ? count - at : IDS_MAX, ret_exist + at);
	return rc;
}

enum rc
patient_client_get(struct ctx *cx, const char *id, struct patient_record *ret_record)
{
	Patient__PatientLookupRequest request = PATIENT__PATIENT_LOOKUP_REQUEST__INIT;
	Patient__PatientRecord *record;
	ProtobufCMessage *answer;
	enum rc rc;

	assert(channel != NULL);
	request.patientid = (char *)(uintptr_t)id;
	rc = ask(cx, GET_PATIENT, &request.base, &answer);
	if (rc != RC_OK)
		return rc;
	record = (Patient__PatientRecord *)answer;
	*ret_record = (struct patient_record){ .exists = record->exists != 0 };
	if (ret_record->exists) {
		ret_record->name = record->name;
		ret_record->address = record->address;
		ret_record->date_of_birth = record->dateofbirth;
	}
	return RC_OK;
}
