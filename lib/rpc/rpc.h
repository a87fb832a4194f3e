/*
 * rpc.h - the only includer of gRPC C core: serve, call, deadlines, health, reflection.
 *
 * A method is one C function of the type that protoc-c makes for a ProtobufCService.  Its closure_data is the
 * call:
 *
 *	static void
 *	verify_patient(Patient__PatientService_Service *service, const Patient__PatientLookupRequest *asked,
 *	    Patient__PatientLookupResponse_Closure answer, void *closure_data)
 *	{
 *		struct rpc_call *call = closure_data;
 *		struct ctx *cx = rpc_ctx(call);
 *		…
 *		if (rc != RC_OK)
 *			rpc_fail(call, rc);
 *		else
 *			answer(&response, closure_data);
 *	}
 *
 * Exactly one of answer and rpc_fail, before the function returns.  Strings in asked were checked already:
 * valid UTF-8 without NUL, else the caller got INVALID_ARGUMENT (or see replace_bad_text).
 */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "lib/base/ctx.h"

struct audit_entry;
struct rpc_server;
struct rpc_call;
struct rpc_channel;

/* --- serving --- */

/*
 * A batched method: its calls that wait at the same time are handed over together, so that one question to the database, or one
 * transaction, serves them all.
 *
 *	static void
 *	verify_patient(struct ctx *cx, struct rpc_call *const *calls, size_t count)
 *	{
 *		for (size_t i = 0; i < count; i++) {
 *			const Patient__PatientLookupRequest *asked = rpc_asked(calls[i]);
 *			…
 *		}
 *		rc = …;
 *		for (size_t i = 0; i < count; i++)
 *			if (rc != RC_OK)
 *				rpc_fail_with(calls[i], cx, rc);
 *			else
 *				rpc_answer(calls[i], &response.base);
 *	}
 *
 * Each is answered or failed before the function returns.  A call that was cancelled, came too late, may not ask or isn't well formed is
 * answered already and not among them.  Answers leave when the function has returned and each call is noted in the audit
 * trail: by then a transaction has to be over.
 *
 * cx is the batch's own: pg, an arena that is the calls' too, nobody as the caller, the first call's request id and trace, and as deadline the
 * latest of the calls', so that none gets less time than it has; the library ends one whose own passes earlier.  rpc_ctx has what is each
 * call's.  A batch is run by one worker, and as many batches at once as there are workers.
 */
struct rpc_batched {
	const char *method; /* "verifyPatient": of any of the services */
	size_t max;	    /* calls in a batch */
	void (*run)(struct ctx *cx, struct rpc_call *const *calls, size_t count);
};

struct rpc_options {
	/* "127.0.0.1:9000" or "unix:/run/medicore/worker/events.sock" (made with mode 0660); by mutual TLS where it is
	 * not loopback */
	const char *listen;
	int threads; /* that run methods, each with a connection of its own; health and reflection have others */
	int active;  /* so many of them take calls, and the rest only in place of one that is stuck in its method; 0: all */
	int stuck_ms; /* a method that takes longer is stuck, for all that is known; 0: 2.  So long others may be without a worker that takes them */
	const char *database, *role; /* of each thread's cx->pg; NULL: none */
	int schema;         /* newest migration known; health says NOT_SERVING while pg_ready(schema) fails */
	size_t message_max; /* bytes; 0: 4 MiB */
	const struct rpc_batched *batched; /* methods that the services leave open, ended by one without a name; NULL: none */
	const char *domain; /* whose audit trail each call of a bound service is noted in; NULL: none */
	const char *program; /* rpc_main's: its name there */
	/* Whose access token it is that a call brings as `authorization: Bearer …`; as struct web_program's.  NULL:
	 * no call may bring one; rpc_main sets one that asks auth for its keys. */
	enum rc (*authenticate)(struct ctx *cx, const char *token);
	int stop_grace_ms;  /* rpc_main: how long calls in flight may take once SIGTERM came */
	/* A contract that answers bad input, rather than refusing it, wants to see strings that are no text
	 * (bad UTF-8, a NUL inside): then their bytes are all overwritten by SUB (U+001A), which no rule
	 * takes for anything valid, and the method runs. */
	bool replace_bad_text;
	/* For reflection, as `protoc --descriptor_set_out --include_imports` makes them. */
	const unsigned char *descriptors;
	size_t descriptors_size;
};

/* Binds the address, so that a taken port is found here: NULL, said on standard error.  Call before any
 * thread starts. */
struct rpc_server *rpc_server_new(
    const struct rpc_options *options, ProtobufCService *const *services, size_t count);
void rpc_server_start(struct rpc_server *s);

/* No new calls; those running may finish for grace_ms, then are cancelled; a second later it gives up: false,
 * and only the process's end helps against a method that is stuck. */
bool rpc_server_stop(struct rpc_server *s, int grace_ms);
void rpc_server_free(struct rpc_server *s); /* nothing, where stopping failed */

/* For a supervisor's watchdog, always from the same thread (an attendant's alive, so a void *): calls our own Health, and looks whether the
 * methods get on and connections are taken.  False, logged, where only a new start would help; a database that is away is none of it. */
bool rpc_server_alive(void *server);

/* main() of a listener: --help, --version, --print-config, --config FILE, then serve until SIGTERM.  start
 * runs after the configuration is read and before threads; it fills in *options.  Returns the exit status. */
struct rpc_program {
	const char *name;
	void (*start)(struct rpc_options *options);
	void (*stop)(void); /* may be NULL */
	ProtobufCService *const *services;
	size_t count;
	unsigned counts; /* further groups of lib/metrics that it counts */
};
int rpc_main(const struct rpc_program *program, int argc, char **argv);

/* --- in a method --- */

/* Its deadline, request id (x-request-id or traceparent, else made), trace (traceparent, else made), arena and pg; who calls: the account whose token it
 * brings, else the name in a certificate, else (on loopback) ""; and from where. */
struct ctx *rpc_ctx(struct rpc_call *call);

const char *rpc_metadata(struct rpc_call *call, const char *key); /* first value, NULL: none */

/* What the audit trail will say of this call besides who asked, when, and what became of it: thing, patient_id,
 * filter and count, in the call's arena. */
struct audit_entry *rpc_audit(struct rpc_call *call);

/* Ends the call with rc's gRPC status (rc_meaning) and err_message(cx, rc). */
void rpc_fail(struct rpc_call *call, enum rc rc);

/* In a batched method: what is asked for, a message of the method's input type; its answer; and failing for what cx says went wrong. */
const void *rpc_asked(const struct rpc_call *call);
void rpc_answer(struct rpc_call *call, const ProtobufCMessage *message);
void rpc_fail_with(struct rpc_call *call, const struct ctx *cx, enum rc rc);

/* --- calling --- */

/* One per target and process, in clear to loopback and by mutual TLS elsewhere ([tls]); NULL, said on standard error, where
 * the settings don't allow that.  Connects on the first call and comes back within a second of the server's
 * return.  grpc_init is called inside; never fork afterwards. */
struct rpc_channel *rpc_channel_new(const char *target);
void rpc_channel_free(struct rpc_channel *c);

/*
 * Calls service->methods[method] and blocks until the answer, at most until cx's deadline or timeout_ms,
 * whichever is first.  RC_OK: *ret_answer is in the arena.  Fails with RC_UNAVAILABLE where the server can't be
 * reached: at once, or, as it may be back, up to 100 ms later where that was so the last time; with RC_TIMEOUT
 * where it doesn't answer in time.  Other statuses come back as the rc that has that gRPC status, with the
 * server's message.  The request id goes along as x-request-id, the trace as traceparent.
 */
enum rc rpc_invoke(struct ctx *cx, struct rpc_channel *c, const ProtobufCServiceDescriptor *service,
    unsigned method, const ProtobufCMessage *request, int timeout_ms, ProtobufCMessage **ret_answer);

#endif
