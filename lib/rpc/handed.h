/* handed.h - listening sockets that whoever started us keeps, and hands to each of us in turn (sd_listen_fds(3)). */
#ifndef RPC_HANDED_H
#define RPC_HANDED_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* The one of this address, where [::] and 0.0.0.0 mean each other's as well; -1: none. */
int handed_socket(const struct sockaddr *address, socklen_t size);

/* Whether one was handed over that nobody asked for. */
bool handed_in_vain(void);

in_port_t handed_port(const struct sockaddr *address); /* of IPv4 and IPv6 */

/* What the library binds next to that port (it tries others out first) becomes fd, which stays open itself. */
void handed_take(int fd, in_port_t port);

#endif
