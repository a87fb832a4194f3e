/*
 * tls.h - mutual TLS, by [tls] certificate, key and ca: each side shows a certificate that the other's ca has signed.
 *
 * It is spoken where address_is_loopback says no, and nowhere else.  TLS 1.2 or newer.  The files are looked at every
 * few seconds, so that a certificate is renewed by replacing them; connections that exist go on.
 */
#ifndef RPC_TLS_H
#define RPC_TLS_H

#include <grpc/grpc_security.h>
#include <stdbool.h>

#include "lib/base/arena.h"

/* NULL where the settings and their files are fit for it, else what is wrong with them, in a. */
const char *tls_trouble(struct arena *a);

/* Either the credentials for address, or NULL, with what is wrong and what mends it said on standard error. */
grpc_server_credentials *tls_server_credentials(const char *address);
grpc_channel_credentials *tls_channel_credentials(const char *address);

#endif
