#include "tests/unit/rpc/fixture.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/audit/audit.h"

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static int gate_waiting;
static bool gate_is_open;

void
gate_wait(void)
{
	pthread_mutex_lock(&gate_lock);
	gate_waiting++;
	pthread_cond_broadcast(&gate_changed);
	while (!gate_is_open)
		pthread_cond_wait(&gate_changed, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
}

void
gate_await_waiting(int count)
{
	pthread_mutex_lock(&gate_lock);
	while (gate_waiting < count)
		pthread_cond_wait(&gate_changed, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
}

void
gate_open(void)
{
	pthread_mutex_lock(&gate_lock);
	gate_is_open = true;
	pthread_cond_broadcast(&gate_changed);
	pthread_mutex_unlock(&gate_lock);
}

void
gate_shut(void)
{
	pthread_mutex_lock(&gate_lock);
	gate_is_open = false;
	gate_waiting = 0;
	pthread_mutex_unlock(&gate_lock);
}

static void
verify_patient(Patient__PatientService_Service *service, const Patient__PatientLookupRequest *asked,
    Patient__PatientLookupResponse_Closure answer, void *closure_data)
{
	Patient__PatientLookupResponse response = PATIENT__PATIENT_LOOKUP_RESPONSE__INIT;
	struct rpc_call *call = closure_data;
	struct ctx *cx = rpc_ctx(call);

	(void)service;
	response.exists = true;
	rpc_audit(call)->thing = asked->patientid;
	if (strcmp(asked->patientid, "missing") == 0) {
		rpc_fail(call, err_set(cx, RC_NOT_FOUND, "100 %% ünknown"));
		return;
	}
	if (strcmp(asked->patientid, "silent") == 0)
		return;
	if (strcmp(asked->patientid, "wait") == 0)
		gate_wait();
	if (strcmp(asked->patientid, "request") == 0)
		response.exists = strcmp(cx->request_id, "known-request") == 0;
	if (strcmp(asked->patientid, "deadline") == 0)
		response.exists = cx->deadline_ns != 0;
	answer(&response, closure_data);
}

static Patient__PatientService_Service service = {
	.base = PATIENT__PATIENT_SERVICE__BASE_INIT,
	.verify_patient = verify_patient,
};
static ProtobufCService *const services[] = { &service.base };

static void
open_with(struct fixture *f, struct rpc_options options)
{
	snprintf(f->directory, sizeof(f->directory), "/tmp/medicore-rpc-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->directory));
	snprintf(f->address, sizeof(f->address), "unix:%s/s", f->directory);
	options.listen = f->address;
	f->server = rpc_server_new(&options, services, 1);
	ck_assert_ptr_nonnull(f->server);
	rpc_server_start(f->server);
	f->channel = rpc_channel_new(f->address);
	f->arena = arena_new();
	ctx_init(&f->cx, f->arena, NULL);
}

void
fixture_open(struct fixture *f, int threads)
{
	open_with(f, (struct rpc_options){ .threads = threads });
}

void
fixture_open_audited(struct fixture *f, const char *domain)
{
	open_with(f, (struct rpc_options){ .threads = 1, .domain = domain, .program = "medicore-toysd" });
}

void
fixture_open_batched(struct fixture *f, int threads, int active, const struct rpc_batched *batched)
{
	open_with(f, (struct rpc_options){ .threads = threads, .active = active, .batched = batched });
}

void
fixture_close(struct fixture *f)
{
	rpc_channel_free(f->channel);
	ck_assert(rpc_server_stop(f->server, 1000));
	rpc_server_free(f->server);
	arena_free(f->arena);
	unlink(f->address + strlen("unix:")); /* the library has done it, unless a test took over */
	rmdir(f->directory);
}

enum rc
ask(struct fixture *f, struct ctx *cx, const char *id, int timeout_ms, bool *ret_exists)
{
	Patient__PatientLookupRequest request = PATIENT__PATIENT_LOOKUP_REQUEST__INIT;
	ProtobufCMessage *answer;
	enum rc rc;

	request.patientid = (char *)(uintptr_t)id;
	rc = rpc_invoke(
	    cx, f->channel, &patient__patient_service__descriptor, 0, &request.base, timeout_ms, &answer);
	if (rc == RC_OK)
		*ret_exists = ((Patient__PatientLookupResponse *)answer)->exists != 0;
	return rc;
}
