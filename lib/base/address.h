/* address.h - whether an address can be anywhere but on this machine. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define UNIX_PREFIX "unix:"

/* The parts of "host:port" or, as IPv6 needs it, "[host]:port"; false where there is no host, or it is longer than size. */
bool address_split(const char *address, char *ret_host, size_t size, const char **ret_port);

/*
 * Whether only this machine can be meant by address ("host:port" or "unix:/path"), as it is written: 127.0.0.0/8, ::1,
 * localhost, a unix socket.  No other name is, whatever it resolves to: nobody's answer to a question of ours may
 * decide that we go without TLS.
 */
bool address_is_loopback(const char *address);

/* Whether nobody between can read or change what goes to url and comes back: https://, or http:// to loopback. */
bool url_is_private(const char *url);

#endif
