/*
 * health.c - grpc.health.v1.Health.
 *
 * A service serves while the database answers and has the schema this program was built for.  One thread
 * asks, with a connection of its own: when a Check wants to know, and each second while somebody watches. All
 * services of a program share its database, and so its status.
 */
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/pg/pg.h"
#include "lib/rpc/internal.h"
#include "proto/health.pb-c.h"

#define PROBE_MS 1000 /* a database that takes longer can't serve */
#define WATCH_MS 1000

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

#define RESPONSE(value)                                                                                      \
	(Grpc__Health__V1__HealthCheckResponse)                                                              \
	{                                                                                                    \
		.base = PROTOBUF_C_MESSAGE_INIT(&grpc__health__v1__health_check_response__descriptor),       \
		.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)(value)                      \
	}

static void check_asked(struct rpc_call *call, uint8_t *bytes, size_t length);
static void watch_asked(struct rpc_call *call, uint8_t *bytes, size_t length);
static void tell(struct rpc_call *call);

const struct stream_kind health_check = { "/grpc.health.v1.Health/Check", true, check_asked, NULL };
const struct stream_kind health_watch = { "/grpc.health.v1.Health/Watch", false, watch_asked, tell };

bool
health_open(struct rpc_server *s)
{
	if (s->options.database == NULL) {
		s->serving = SERVING;
		return true;
	}
	s->health_pg = pg_open(s->options.database, s->options.role);
	return s->health_pg != NULL;
}

void
health_close(struct rpc_server *s)
{
	pg_close(s->health_pg);
}

/* --- what clients ask --- */

/* 1: has it, 0: hasn't, -1: not a request; then the call is over. */
static int
service_known(struct rpc_call *call, uint8_t *bytes, size_t length)
{
	const ProtobufCMessageDescriptor *d = &grpc__health__v1__health_check_request__descriptor;
	Grpc__Health__V1__HealthCheckRequest *asked = NULL;
	const struct rpc_server *s = call->server;
	const char *field;

	if (wire_check(d, bytes, length, WIRE_TEXT_REFUSED, &field) == RC_OK)
		asked = (Grpc__Health__V1__HealthCheckRequest *)wire_unpack(s->scratch, d, bytes, length);
	if (asked == NULL) {
		stream_finish(
		    call, GRPC_STATUS_INVALID_ARGUMENT, "The request is not a HealthCheckRequest", NULL);
		return -1;
	}
	if (asked->service[0] == '\0')
		return 1;
	for (size_t i = 0; i < s->service_count; i++)
		if (strcmp(asked->service, s->services[i]->descriptor->name) == 0)
			return 1;
	return 0;
}

/* Sends what is known now, where the client wasn't told it already. */
static void
tell(struct rpc_call *call)
{
	Grpc__Health__V1__HealthCheckResponse r = RESPONSE(call->server->serving);

	if (call->kind == &health_check) {
		call->asks_health = false;
		stream_finish(call, GRPC_STATUS_OK, "", &r.base);
	} else if (!call->writing && call->told != SERVICE_UNKNOWN && call->told != call->server->serving) {
		call->asks_health = false;
		call->told = call->server->serving;
		stream_send(call, &r.base);
	}
}

static void
ask(struct rpc_call *call)
{
	struct rpc_server *s = call->server;

	call->asks_health = true;
	if (s->stopping || s->health_pg == NULL) {
		tell(call);
		return;
	}
	s->probe_asked = true;
	pthread_cond_signal(&s->probe_wanted);
}

static void
check_asked(struct rpc_call *call, uint8_t *bytes, size_t length)
{
	int known = service_known(call, bytes, length);

	if (known == 0)
		stream_finish(call, GRPC_STATUS_NOT_FOUND, "unknown service", NULL);
	else if (known > 0)
		ask(call);
}

static void
watch_asked(struct rpc_call *call, uint8_t *bytes, size_t length)
{
	Grpc__Health__V1__HealthCheckResponse r = RESPONSE(SERVICE_UNKNOWN);
	int known = service_known(call, bytes, length);

	if (known == 0) { /* it stays open: the specification foresees services that come later */
		call->told = SERVICE_UNKNOWN;
		stream_send(call, &r.base);
	} else if (known > 0) {
		ask(call);
	}
}

/* --- what the database says --- */

static bool
watched(const struct rpc_server *s)
{
	for (const struct rpc_call *call = s->streams; call != NULL; call = call->next)
		if (call->kind == &health_watch)
			return true;
	return false;
}

static void
tell_all(struct rpc_server *s, int serving)
{
	struct rpc_call *call, *next;

	s->serving = serving;
	for (call = s->streams; call != NULL; call = next) {
		next = call->next; /* telling a Check ends it */
		/* A Watch that hasn't been told anything may not have said yet what it watches. */
		if (call->asks_health || (call->kind == &health_watch && call->told != 0))
			tell(call);
	}
}

static int
probe(struct rpc_server *s, struct arena *a)
{
	struct ctx cx;
	enum rc rc;

	ctx_init(&cx, a, s->health_pg);
	cx.deadline_ns = clock_monotonic_ns() + (int64_t)PROBE_MS * 1000000;
	rc = pg_ready(&cx, s->options.schema);
	arena_reset(a);
	return rc == RC_OK ? SERVING : NOT_SERVING;
}

/* Until a probe is asked for or due. */
static void
wait_for_probe(struct rpc_server *s)
{
	int64_t at = clock_monotonic_ns() + (int64_t)WATCH_MS * 1000000;
	struct timespec until = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
	int err = 0;

	while (!s->stopping && !s->probe_asked && err == 0) {
		if (watched(s))
			err = pthread_cond_timedwait(&s->probe_wanted, &s->lock, &until);
		else
			pthread_cond_wait(&s->probe_wanted, &s->lock);
	}
}

void *
health_loop(void *server)
{
	struct rpc_server *s = server;
	struct arena *a = arena_new();
	int serving;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		wait_for_probe(s);
		if (s->stopping)
			break;
		s->probe_asked = false;
		pthread_mutex_unlock(&s->lock);
		serving = s->health_pg != NULL ? probe(s, a) : SERVING;
		pthread_mutex_lock(&s->lock);
		tell_all(s, serving);
	}
	pthread_mutex_unlock(&s->lock);
	arena_free(a);
	return NULL;
}

/* Whoever asks from now on, or is waiting for an answer, hears that this server goes. */
void
health_stop(struct rpc_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	tell_all(s, NOT_SERVING);
	pthread_cond_signal(&s->probe_wanted);
	pthread_mutex_unlock(&s->lock);
}
