/*
 * listen.h - the sockets of a server, and who may connect.
 *
 * Connections are accepted here and handed to the library: once out of descriptors, its own listener (1.51)
 * never listens again.  Mutual TLS, which it can't do on a connection handed to it, would need that listener,
 * and somebody who watches it.
 */
#ifndef RPC_LISTEN_H
#define RPC_LISTEN_H

#include <grpc/grpc.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#define LISTEN_SOCKETS 4 /* "localhost" has two addresses */

struct listener {
	int sockets[LISTEN_SOCKETS];
	int count;
	int wake; /* eventfd: the end */
	int descriptors_max;
	pthread_t thread;
	bool running;
	grpc_server *core;
	grpc_server_credentials *creds;
	const char *path; /* of a unix socket, with what identifies it */
	dev_t device;
	ino_t inode;
};

/* "host:port" or "unix:/path"; false, and said on standard error.  address lives as long as l. */
bool listener_open(struct listener *l, const char *address);
bool listener_start(struct listener *l, grpc_server *core);

/* Nobody can connect any more.  Also ends one that was only opened, or not even that (then l is all zero). */
void listener_close(struct listener *l);

#endif
