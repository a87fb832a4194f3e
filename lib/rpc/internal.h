/*
 * internal.h - what the files of lib/rpc share.
 *
 * Two completion queues.  On `methods` arrive the calls of bound services, with their payload;
 * options.threads workers take them and run each to its end, those of a batched method together.  On `others` arrive all other calls (health,
 * reflection, unknown methods), which one thread serves without ever blocking, since a stalled database
 * blocks the workers.  Who waits on `methods` looks at the connections too; who waits on `others` doesn't (duty.c).
 *
 * A struct rpc_call lives from the moment it is offered to the library (armed) until the last event about it
 * was taken; server.live counts them, and the queues are shut when it is zero: starting a batch on a queue
 * that was shut aborts the process.
 */
#ifndef RPC_INTERNAL_H
#define RPC_INTERNAL_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/audit/audit.h"
#include "lib/base/pulse.h"
#include "lib/rpc/listen.h"
#include "lib/rpc/rpc.h"
#include "lib/rpc/wire.h"

#define RPC_MESSAGE_MAX ((size_t)4 * 1024 * 1024)
#define REQUEST_ID_KEY "x-request-id"
#define TRACEPARENT_KEY "traceparent"

/* What an event of a completion queue is about. */
enum op_kind {
	OP_ARRIVE, /* a call came */
	OP_CLOSE,  /* it is over, perhaps cancelled */
	OP_READ,   /* a message came; streams only */
	OP_WRITE,  /* a message went out; streams only */
	OP_FINISH, /* its status went out */
	OP_COUNT
};

struct op {
	struct rpc_call *call; /* NULL: the server's shutdown is complete */
	enum op_kind kind;
};

/* A method of a bound service. */
struct method {
	ProtobufCService *service;
	unsigned index;
	const char *path; /* "/patient.PatientService/verifyPatient" */
	void *registered;
	const struct rpc_batched *batched; /* NULL: its calls run one by one */
};

/* A method that `others` serves: its functions run on that queue's thread, under server.lock, and must not
 * block. */
struct stream_kind {
	const char *path;
	bool unary; /* one message in, one out */
	/* The bytes are scratch memory. */
	void (*message)(struct rpc_call *call, uint8_t *bytes, size_t length);
	void (*sent)(struct rpc_call *call); /* stream_send is over; NULL: the next message is read */
};

struct rpc_call {
	struct rpc_server *server;
	struct op ops[OP_COUNT];
	atomic_int refs; /* its handler's, and one for each event to come */
	grpc_call *core;
	grpc_metadata_array metadata;
	grpc_byte_buffer *in, *out;
	int was_cancelled; /* written by the library before OP_CLOSE */
	atomic_bool cancelled;
	bool answered; /* its status is on the way */
	bool watched;  /* its end is told by OP_CLOSE; else OP_FINISH comes with it */

	/* OP_ARRIVE on methods */
	const struct method *method;
	gpr_timespec deadline;
	struct ctx cx;
	int64_t started_ns;
	ProtobufCMessage *asked;
	enum rc rc;
	struct audit_entry audit;

	/* OP_ARRIVE on others */
	grpc_call_details details;
	const struct stream_kind *kind;
	struct rpc_call *next, **prev; /* in server.streams */
	bool greeted;                  /* initial metadata went out */
	bool writing;
	bool asks_health; /* health: to be told when the probe is done */
	int told;         /* health: the last status that a Watch was told */
};

/* A thread that runs methods. */
struct worker {
	pthread_t thread;
	struct rpc_server *server;
	struct pulse pulse;
	struct arena *arena; /* what lives as long as the calls that it runs */
	struct pg *pg;
	bool on_duty, surplus; /* the first under duty.lock */
	int to_watch;	       /* calls that may have waited so long that their clients are gone */
	struct rpc_call **calls; /* that it took and hasn't run yet: room for the largest batch and one more */
	size_t count;
};

/* Which workers take calls (duty.c). */
struct duty {
	pthread_mutex_t lock;
	pthread_cond_t called, work_begun;
	int on_duty;
	bool watching; /* the lookout is awake */
	bool over;
	pthread_t lookout;
	grpc_completion_queue *queue; /* no event ever comes: to look at the connections */
};

struct rpc_server {
	struct rpc_options options;
	struct arena *arena; /* what lives as long as the server */
	struct audit_spool *spool; /* NULL: nothing is audited */
	grpc_server *core;
	grpc_completion_queue *methods, *others;
	struct method *method_list;
	size_t method_count;
	size_t batch_max; /* of all methods */
	ProtobufCService *const *services;
	size_t service_count;
	struct worker *workers;
	struct duty duty;
	pthread_t others_thread, health_thread;
	bool started;

	pthread_mutex_t live_lock;
	pthread_cond_t live_changed;
	atomic_long live; /* struct rpc_calls in being */
	bool shut;        /* the library takes no more calls; under live_lock */
	struct op shut_op;

	pthread_mutex_t lock; /* all about streams and health */
	pthread_cond_t probe_wanted;
	struct arena *scratch; /* for what happens under lock */
	struct rpc_call *streams;
	bool stopping;
	bool probe_asked;
	int serving; /* grpc.health.v1.HealthCheckResponse.ServingStatus of the last probe */
	struct pg *health_pg;
	struct rpc_self *self; /* NULL: nobody asked whether we are well */
};

/* library.c: every use of the library lies between these two.  Signals are blocked in the threads that it
 * makes. */
void rpc_library_begin(void);
void rpc_library_end(void);
grpc_arg rpc_arg(const char *key, int value); /* of a channel or a server */

/* call.c */
struct rpc_call *call_new(struct rpc_server *s);
void call_ref(struct rpc_call *call);
void call_unref(struct rpc_call *call);
void call_batch(struct rpc_call *call, enum op_kind kind, const grpc_op *ops, size_t count);
void call_watch_close(struct rpc_call *call);
void call_closed(struct rpc_call *call);

/* What one thread hands to the library, and another takes from it, is ordered by its queues; ThreadSanitizer
 * can't see that, since the library isn't compiled with it.  call_handed before, call_taken after. */
#ifdef __SANITIZE_THREAD__
void call_handed(void);
void call_taken(void);
#else
static inline void
call_handed(void)
{
}

static inline void
call_taken(void)
{
}
#endif

/* caller.c: account and address in the call's cx, or how it fails, said in cx->err. */
enum rc caller_take(struct rpc_call *call);

/* server.c */
void thread_start(pthread_t *ret_thread, void *(*body)(void *), void *arg);

/* work.c: a worker's thread. */
void *work(void *worker);

/* duty.c: waits until w may take calls; false: never again.  Then until when it may wait for one.  And a worker begins to run some. */
bool duty_await(struct worker *w);
gpr_timespec duty_until(const struct worker *w);
void duty_work_begins(struct rpc_server *s);
void duty_open(struct rpc_server *s);
void duty_start(struct rpc_server *s); /* before the workers, which its end comes before too */
void duty_end(struct rpc_server *s);
void duty_close(struct rpc_server *s);

/* method.c: what a worker does with calls.  Those that are run together are of one method, which is a batched one where they are several. */
void method_arm(struct rpc_server *s, const struct method *m);
void method_begin(struct rpc_call *call, struct arena *a, struct pg *pg);
void method_run(struct rpc_call *const *calls, size_t count);

/* counts.c: one series for each method and status, between metrics_begin and metrics_open; and one call more. */
void rpc_counts_plan(ProtobufCService *const *services, size_t count);
void rpc_counts_call(const struct rpc_call *call);

/* stream.c: the side of `others`. */
void stream_arm(struct rpc_server *s);
void stream_event(struct op *op, bool ok);
void stream_send(struct rpc_call *call, const ProtobufCMessage *message);
void stream_finish(
    struct rpc_call *call, grpc_status_code status, const char *words, const ProtobufCMessage *message);
void stream_stop_all(struct rpc_server *s);

/* client.c: a channel over one end of a pair of sockets, which it owns from then on. */
struct rpc_channel *rpc_channel_over(int fd);

void self_close(struct rpc_server *s); /* before it is stopped */

/* health.c, reflection.c */
extern const struct stream_kind health_check, health_watch, reflection_v1alpha, reflection_v1;
bool health_open(struct rpc_server *s);
void health_close(struct rpc_server *s);
void *health_loop(void *server); /* the thread that asks the database */
void health_stop(struct rpc_server *s);

#endif
