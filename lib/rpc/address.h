/* address.h - what an address says about who is at the other end, and what a peer is called. */
#ifndef RPC_ADDRESS_H
#define RPC_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

#define UNIX_PREFIX "unix:"

/* The parts of "host:port" or, as IPv6 needs it, "[host]:port"; false where there is no host, or it is longer than size. */
bool address_split(const char *address, char *ret_host, size_t size, const char **ret_port);

/*
 * Whether only this machine can be meant by address ("host:port" or "unix:/path"), as it is written: 127.0.0.0/8, ::1,
 * localhost, a unix socket.  No other name is, whatever it resolves to: nobody's answer to a question of ours may
 * decide that we go without TLS.
 */
bool address_is_loopback(const char *address);

/* The IP address, in a, in what the library calls a peer ("ipv4:192.0.2.1:50000", "ipv6:%5B::1%5D:50000"); "" for any
 * other, which a unix socket is. */
const char *address_of_peer(struct arena *a, const char *peer);

/* What a peer may be called in our logs and in the audit trail: [A-Za-z0-9._-]{1,64}. */
bool peer_name_valid(const char *name, size_t length);

#endif
