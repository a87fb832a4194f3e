/*
 * self.c - a server that asks itself whether it is well: a call of its own Health, over the library's whole way but the network.
 *
 * The connection is a pair of sockets, so that no number of clients can be in its way: what a supervisor does to a server that doesn't
 * answer would end the calls of all who are connected.  Whether others can still connect is a question of its own (listen_deaf).
 */
#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/rpc/internal.h"
#include "lib/rpc/wire.h"
#include "proto/health.pb-c.h"

/* Health is answered within its probe's second, or by a server that hangs. */
#define ANSWER_MS 5000

/* On top of what a method's own time-outs are: a busy machine. */
#define MARGIN_MS 60000

struct rpc_self {
	struct rpc_channel *channel;
	struct arena *arena;
	bool away; /* what the status says of the database */
};

static struct rpc_channel *
connect_self(struct rpc_server *s)
{
	grpc_server_credentials *taken = grpc_insecure_server_credentials_create();
	struct rpc_channel *channel = NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0) {
		grpc_server_add_channel_from_fd(s->core, ends[0], taken);
		channel = rpc_channel_over(ends[1]);
	}
	grpc_server_credentials_release(taken);
	return channel;
}

/* Whether it answered, whatever the answer. */
static bool
ask_health(struct rpc_server *s, struct rpc_self *self, bool *ret_serving)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	ProtobufCMessage *answer;
	struct ctx cx;
	enum rc rc;

	if (self->channel == NULL)
		self->channel = connect_self(s);
	if (self->channel == NULL)
		return true; /* no descriptor is left: nothing is known */
	ctx_init(&cx, self->arena, NULL);
	rc = rpc_invoke(&cx, self->channel, &grpc__health__v1__health__descriptor, 0, &request.base, ANSWER_MS, &answer);
	if (rc == RC_OK) {
		*ret_serving = ((Grpc__Health__V1__HealthCheckResponse *)answer)->status ==
		    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	} else {
		log_line(LOG_ERROR, "our own Health: %s", cx.err.detail != NULL ? cx.err.detail : rc_meaning(rc)->name);
		rpc_channel_free(self->channel); /* and another is made for the next question */
		self->channel = NULL;
	}
	arena_reset(self->arena);
	return rc == RC_OK;
}

/* All workers at once in a method that should have ended long ago. */
static bool
workers_stuck(const struct rpc_server *s)
{
	int64_t longest_ms = MARGIN_MS + config->database.connect_timeout_ms + config->database.statement_timeout_ms;
	int stuck = 0;

	for (int i = 0; i < s->options.threads; i++)
		stuck += pulse_stuck(&s->workers[i].pulse, longest_ms);
	return stuck == s->options.threads;
}

static void
tell_status(const struct rpc_server *s, bool away)
{
	notify_status("Listening on %s%s", s->options.listen, away ? ", but the database can't be asked" : "");
}

bool
rpc_server_alive(void *server)
{
	struct rpc_server *s = server;
	struct rpc_self *self = s->self;
	bool serving = true;

	if (self == NULL) {
		self = s->self = arena_zalloc_n(s->arena, 1, sizeof(*self));
		self->arena = arena_new();
	}
	if (!ask_health(s, self, &serving))
		return false;
	if (self->away == serving)
		tell_status(s, !serving);
	self->away = !serving;
	if (listen_deaf()) {
		log_line(LOG_ERROR, "nobody takes connections any more");
		return false;
	}
	if (workers_stuck(s)) {
		log_line(LOG_ERROR, "all %d workers are stuck, each in a call that should have ended long ago", s->options.threads);
		return false;
	}
	return true;
}

void
self_close(struct rpc_server *s)
{
	if (s->self == NULL)
		return;
	rpc_channel_free(s->self->channel);
	arena_free(s->self->arena);
	s->self = NULL;
}
