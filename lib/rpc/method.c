/* method.c - calls of a bound service: read, checked, run and answered, all on one worker's thread. */
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/pg/pg.h"
#include "lib/rpc/bytes.h"
#include "lib/rpc/internal.h"

void
method_arm(struct rpc_server *s, const struct method *m)
{
	struct rpc_call *call = call_new(s);

	call->method = m;
	call_handed();
	if (grpc_server_request_registered_call(s->core, m->registered, &call->core, &call->deadline,
		&call->metadata, &call->in, s->methods, s->methods, &call->ops[OP_ARRIVE]) != GRPC_CALL_OK)
		call_unref(call); /* the queues are shut */
}

static void
take_request_id(struct rpc_call *call)
{
	static const char *const keys[] = { REQUEST_ID_KEY, TRACEPARENT_KEY };

	trace_join(&call->cx.trace, rpc_metadata(call, TRACEPARENT_KEY));
	for (size_t i = 0; i < 2; i++) {
		const char *id = rpc_metadata(call, keys[i]);

		if (id != NULL && request_id_valid(id)) {
			call->cx.request_id = id;
			return;
		}
	}
}

static int64_t
deadline_of(gpr_timespec at)
{
	gpr_timespec left;

	if (gpr_time_cmp(at, gpr_inf_future(at.clock_type)) == 0)
		return 0;
	left = gpr_time_sub(at, gpr_now(at.clock_type));
	if (left.tv_sec > INT32_MAX)
		return 0;
	return clock_monotonic_ns() + left.tv_sec * 1000000000 + left.tv_nsec;
}

struct audit_entry *
rpc_audit(struct rpc_call *call)
{
	return &call->audit;
}

/* --- answering: what a method says is kept until all calls that it was given are answered, and noted --- */

static void
keep_answer(struct rpc_call *call, enum rc rc, const ProtobufCMessage *message)
{
	if (call->answered)
		return;
	call->answered = true;
	call->rc = rc;
	if (message != NULL)
		call->out = bytes_of(message);
}

void
rpc_fail(struct rpc_call *call, enum rc rc)
{
	keep_answer(call, rc, NULL);
}

void
rpc_fail_with(struct rpc_call *call, const struct ctx *cx, enum rc rc)
{
	if (call->answered)
		return;
	call->cx.err = cx->err;
	rpc_fail(call, rc);
}

void
rpc_answer(struct rpc_call *call, const ProtobufCMessage *message)
{
	if (message != NULL)
		keep_answer(call, RC_OK, message);
	else
		rpc_fail(call, err_detail(&call->cx, RC_INTERNAL, "a method without an implementation"));
}

/* The closure that every plain method is given; protoc-c's closure_data is the call. */
static void
answer(const ProtobufCMessage *message, void *closure_data)
{
	rpc_answer(closure_data, message);
}

/* Sends the status, behind the message where there is one.  The request id goes ahead of both. */
static void
send_answer(struct rpc_call *call)
{
	grpc_metadata id = { .key = grpc_slice_from_static_string(REQUEST_ID_KEY),
		.value = grpc_slice_from_copied_string(call->cx.request_id) };
	grpc_slice words = grpc_empty_slice();
	grpc_op ops[4] = { { .op = GRPC_OP_SEND_INITIAL_METADATA } };
	size_t n = 1;

	ops[0].data.send_initial_metadata.count = 1;
	ops[0].data.send_initial_metadata.metadata = &id;
	if (call->out != NULL) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = call->out;
	} else {
		words = grpc_slice_from_copied_string(err_message(&call->cx, call->rc));
		ops[n].data.send_status_from_server.status_details = &words;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n++].data.send_status_from_server.status = (grpc_status_code)rc_meaning(call->rc)->grpc;
	if (!call->watched) { /* the library wants it asked for once */
		ops[n].op = GRPC_OP_RECV_CLOSE_ON_SERVER;
		ops[n++].data.recv_close_on_server.cancelled = &call->was_cancelled;
	}
	call_batch(call, OP_FINISH, ops, n);
	grpc_slice_unref(words);
	grpc_slice_unref(id.value);
}

/* Before the first answer leaves; nothing may be answered that isn't noted. */
static void
note(struct rpc_call *const *calls, size_t count)
{
	struct audit_spool *spool = calls[0]->server->spool;
	struct audit_note *notes;

	if (spool == NULL)
		return;
	notes = arena_zalloc_n(calls[0]->cx.arena, count, sizeof(*notes));
	for (size_t i = 0; i < count; i++) {
		calls[i]->audit.action = calls[i]->method->path + 1;
		calls[i]->audit.result = rc_meaning(calls[i]->rc)->name;
		notes[i] = (struct audit_note){ .cx = &calls[i]->cx, .entry = &calls[i]->audit };
	}
	audit_note_all(spool, notes, count);
	for (size_t i = 0; i < count; i++) {
		if (notes[i].rc == RC_OK)
			continue;
		grpc_byte_buffer_destroy(calls[i]->out);
		calls[i]->out = NULL;
		calls[i]->rc = notes[i].rc;
	}
}

static void
count_and_log(struct rpc_call *const *calls, size_t count)
{
	struct log_lines lines = { .length = 0 };

	for (size_t i = 0; i < count; i++) {
		const struct rpc_call *call = calls[i];

		rpc_counts_call(call);
		log_request_among(&lines, &call->cx, "GRPC", call->method->path + 1, rc_meaning(call->rc)->grpc, call->rc,
		    call->started_ns);
	}
	log_flush(&lines);
}

/* --- asking --- */

const void *
rpc_asked(const struct rpc_call *call)
{
	return call->asked;
}

static enum rc
read_message(struct rpc_call *call)
{
	const ProtobufCMethodDescriptor *m = &call->method->service->descriptor->methods[call->method->index];
	const struct rpc_options *o = &call->server->options;
	const char *field = "";
	size_t length = 0;
	uint8_t *bytes = NULL;
	enum rc rc = RC_MALFORMED;

	if (call->in != NULL)
		bytes = bytes_copy(call->cx.arena, call->in, &length);
	if (bytes != NULL)
		rc = wire_check(m->input, bytes, length,
		    o->replace_bad_text ? WIRE_TEXT_REPLACED : WIRE_TEXT_REFUSED, &field);
	if (rc == RC_INVALID)
		return err_field(&call->cx, rc, field, "%s is not UTF-8 text, or holds a NUL", field);
	if (rc == RC_OK) {
		call->asked = wire_unpack(call->cx.arena, m->input, bytes, length);
		if (call->asked != NULL)
			return RC_OK;
	}
	return err_set(&call->cx, RC_MALFORMED, "The request is not a %s", m->input->name);
}

/* Whether the method is to see it. */
static bool
admit(struct rpc_call *call)
{
	enum rc rc = RC_OK;

	if (atomic_load(&call->cancelled))
		rc = RC_CANCELLED;
	else
		rc = caller_take(call);
	if (rc == RC_OK && call->cx.deadline_ns != 0 && clock_monotonic_ns() >= call->cx.deadline_ns)
		rc = RC_TIMEOUT; /* nobody waits for it any more */
	if (rc == RC_OK)
		rc = read_message(call);
	/* What could not be noted must not be done. */
	if (rc == RC_OK && call->server->spool != NULL)
		rc = audit_ready(&call->cx, call->server->spool);
	if (rc != RC_OK)
		rpc_fail(call, rc);
	return rc == RC_OK;
}

/* The latest deadline of all, or none. */
static int64_t
latest(struct rpc_call *const *calls, size_t count)
{
	int64_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (calls[i]->cx.deadline_ns == 0)
			return 0;
		if (calls[i]->cx.deadline_ns > at)
			at = calls[i]->cx.deadline_ns;
	}
	return at;
}

static void
invoke(const struct method *m, struct rpc_call *const *calls, size_t count)
{
	struct ctx cx;

	if (m->batched == NULL) {
		m->service->invoke(m->service, m->index, calls[0]->asked, answer, calls[0]);
		return;
	}
	cx = (struct ctx){
		.arena = calls[0]->cx.arena,
		.pg = calls[0]->cx.pg,
		.request_id = calls[0]->cx.request_id,
		.trace = calls[0]->cx.trace,
		.account = "",
		.role = "",
		.session = "",
		.address = "",
		.deadline_ns = latest(calls, count),
	};
	m->batched->run(&cx, calls, count);
}

void
method_begin(struct rpc_call *call, struct arena *a, struct pg *pg)
{
	method_arm(call->server, call->method);
	ctx_init(&call->cx, a, pg);
	call->started_ns = clock_monotonic_ns();
	call->cx.deadline_ns = deadline_of(call->deadline);
	take_request_id(call);
}

void
method_run(struct rpc_call *const *calls, size_t count)
{
	struct rpc_call **admitted = arena_zalloc_n(calls[0]->cx.arena, count, sizeof(*admitted));
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (admit(calls[i]))
			admitted[n++] = calls[i];
	if (n > 0)
		invoke(calls[0]->method, admitted, n);
	for (size_t i = 0; i < n; i++)
		if (!admitted[i]->answered)
			rpc_fail(admitted[i], err_detail(&admitted[i]->cx, RC_INTERNAL, "the method gave no answer"));
	note(calls, count);
	for (size_t i = 0; i < count; i++)
		send_answer(calls[i]);
	count_and_log(calls, count);
}
