/* fixture.h - a server in this process, on a socket of its own, and a client of it. */
#ifndef UNIT_RPC_FIXTURE_H
#define UNIT_RPC_FIXTURE_H

#include <stdbool.h>

#include "lib/rpc/rpc.h"
#include "proto/patient.pb-c.h"

/* Its PatientService does by the id: "request" says whether the request id is "known-request", "deadline" whether there is
 * one; "missing" fails with RC_NOT_FOUND, "silent" gives no answer, "wait" waits until
 * gate_open; any other id exists. */
struct fixture {
	char directory[64];
	char address[80]; /* unix:… */
	struct rpc_server *server;
	struct rpc_channel *channel;
	struct arena *arena;
	struct ctx cx;
};

void fixture_open(struct fixture *f, int threads);
void fixture_open_audited(struct fixture *f, const char *domain); /* calls are noted, the id as the thing */
void fixture_open_batched(struct fixture *f, int threads, int active, const struct rpc_batched *batched);
void fixture_close(struct fixture *f);

void gate_await_waiting(int count); /* until so many calls wait */
void gate_open(void);
void gate_shut(void); /* again, as it was at first */

void gate_wait(void); /* in a method */

/* What verifyPatient says of id. */
enum rc ask(struct fixture *f, struct ctx *cx, const char *id, int timeout_ms, bool *ret_exists);

#endif
