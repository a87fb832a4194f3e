/* peer.h - what the other end of a connection is called. */
#ifndef RPC_PEER_H
#define RPC_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

/* The IP address, in a, in what the library calls a peer ("ipv4:192.0.2.1:50000", "ipv6:%5B::1%5D:50000"); "" for any
 * other, which a unix socket is. */
const char *peer_address(struct arena *a, const char *peer);

/* What a peer may be called in the audit trail: [A-Za-z0-9._-]{1,64}. */
bool peer_name_valid(const char *name, size_t length);

#endif
