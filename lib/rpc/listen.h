/* listen.h - the addresses of a server, and how many may connect. */
#ifndef RPC_LISTEN_H
#define RPC_LISTEN_H

#include <grpc/grpc.h>
#include <stdbool.h>

/* Binds core, which hasn't started yet, to "host:port" or "unix:/path", or takes a socket of that address that was handed over (LISTEN_FDS), in clear on loopback and by mutual TLS
 * elsewhere (tls.h); false, and said on standard error.  Call before threads start: it changes the umask for a moment. */
bool listen_open(grpc_server *core, const char *address);

/*
 * Before core is shut down: takes no more connections, tells those there are to make another, and waits a moment until they have left.  Those
 * who come meanwhile wait where the socket was handed over by somebody who keeps it.
 */
void listen_leave(grpc_server *core);
void listen_forget(void); /* once it is */

/* Whether connections wait, as they did when this was asked before, and the library hasn't looked for any since: it has stopped listening.
 * One that can't be taken now, for want of descriptors, doesn't count. */
bool listen_deaf(void);

#endif
