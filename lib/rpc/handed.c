#include "config.h" /* _GNU_SOURCE: dup3 */

#include "lib/rpc/handed.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3 /* SD_LISTEN_FDS_START */
#define MOST 16

static bool taken[MOST], any_taken; /* before threads start */
static atomic_int next = -1; /* handed_take's */
static in_port_t next_port;

/* How many there are. */
static int
handed_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long n;

	if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != getpid())
		return 0; /* or they are our parent's */
	n = strtol(count, NULL, 10);
	return n < 0 ? 0 : n > MOST ? MOST : (int)n;
}

/* An IPv6 socket may be of IPv4 as well. */
static bool
any_address(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
	return a->sa_family == AF_INET6 &&
	    memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &in6addr_any, sizeof(in6addr_any)) == 0;
}

in_port_t
handed_port(const struct sockaddr *a)
{
	return a->sa_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port : ((const struct sockaddr_in6 *)a)->sin6_port;
}

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	bool inet = (a->sa_family == AF_INET || a->sa_family == AF_INET6) && (b->sa_family == AF_INET || b->sa_family == AF_INET6);

	if (inet && handed_port(a) == handed_port(b) && any_address(a) && any_address(b))
		return true;
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_UNIX)
		return strcmp(((const struct sockaddr_un *)a)->sun_path, ((const struct sockaddr_un *)b)->sun_path) == 0;
	if (!inet || handed_port(a) != handed_port(b))
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
		   sizeof(struct in6_addr)) == 0;
}

/* As the library makes its own. */
static void
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL), on = 1;

	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* connections inherit it; a unix socket has none */
}

int
handed_socket(const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_storage at, wanted = { 0 };

	if (size > sizeof(wanted))
		return -1;
	memcpy(&wanted, address, size);
	for (int i = 0; i < handed_count(); i++) {
		socklen_t length = sizeof(at), room = sizeof(int);
		int listens = 0;

		memset(&at, 0, sizeof(at));
		if (getsockopt(FIRST + i, SOL_SOCKET, SO_ACCEPTCONN, &listens, &room) != 0 || !listens ||
		    getsockname(FIRST + i, (struct sockaddr *)&at, &length) != 0 ||
		    !same_address((const struct sockaddr *)&at, (const struct sockaddr *)&wanted))
			continue;
		prepare(FIRST + i);
		taken[i] = any_taken = true;
		return FIRST + i;
	}
	return -1;
}

bool
handed_in_vain(void)
{
	for (int i = 0; i < handed_count(); i++)
		if (!taken[i])
			return true;
	return false;
}

void
handed_take(int fd, in_port_t port)
{
	next_port = port;
	atomic_store(&next, fd);
}

/*
 * In the C library's place, whose functions a program's own come before: gRPC core's listener calls this, and 1.51 can't be given a socket that
 * listens.  Its own, which has no address yet, becomes the one that was handed over; to listen on that again changes nothing.
 */
int
bind(int fd, const struct sockaddr *address, socklen_t size)
{
	bool inet = address->sa_family == AF_INET || address->sa_family == AF_INET6;
	int handed = -1;

	if (inet && atomic_load(&next) >= 0 && handed_port(address) == next_port)
		handed = atomic_exchange(&next, -1);
	if (handed < 0)
		return (int)syscall(SYS_bind, fd, address, size);
	return dup3(handed, fd, O_CLOEXEC) < 0 ? -1 : 0;
}

/* The same: the library shuts its listeners down before it closes them, which would end whoever shares the socket, and the queue in it. */
int
shutdown(int fd, int how)
{
	socklen_t size = sizeof(int);
	int listens = 0;

	if (any_taken && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens)
		return 0;
	return (int)syscall(SYS_shutdown, fd, how);
}
