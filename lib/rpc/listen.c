#include "lib/rpc/listen.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/address.h"
#include "lib/base/arena.h"
#include "lib/rpc/handed.h"
#include "lib/rpc/tls.h"

/* Connections at once; a client that has one uses it for all its calls. */
#define CONNECTIONS_MAX 1000

/* Left for all else: databases, the library's own, files. */
#define DESCRIPTORS_KEPT 64

/* A new descriptor is always the lowest one that is free, so its number tells how many there are. */
static atomic_int descriptors_max = INT_MAX;

/* --- known --- */

/* Where the library looks for connections: few addresses, each known once somebody has connected. */
#define LISTENERS_MAX 16

struct listener {
	atomic_int fd;	     /* 0: none; never standard input's */
	atomic_bool looked;  /* accept4 was called since listen_deaf */
	atomic_bool starved; /* it was told of a connection that can't be taken now */
	bool waited;	     /* listen_deaf's: somebody waited the last time */
};

static struct listener listeners[LISTENERS_MAX];

/* NULL: of one more than there can be. */
static struct listener *
listener_of(int fd)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		int none = 0;

		if (atomic_load(&listeners[i].fd) == fd || atomic_compare_exchange_strong(&listeners[i].fd, &none, fd))
			return &listeners[i];
		if (none == fd)
			return &listeners[i]; /* another thread was quicker */
	}
	return NULL;
}

static void
note_look(int fd, bool starved)
{
	struct listener *l = listener_of(fd);

	if (l == NULL)
		return;
	atomic_store(&l->starved, starved);
	atomic_store(&l->looked, true);
}

bool
listen_deaf(void)
{
	bool deaf = false;

	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		struct listener *l = &listeners[i];
		struct pollfd waiting = { .fd = atomic_load(&l->fd), .events = POLLIN };
		bool looked = atomic_exchange(&l->looked, false), waits;

		if (waiting.fd == 0)
			break;
		waits = poll(&waiting, 1, 0) > 0 && !atomic_load(&l->starved);
		deaf = deaf || (waits && l->waited && !looked);
		l->waited = waits;
	}
	return deaf;
}

/* --- accepting --- */

/* Set once we leave: those who come wait for whoever listens next, or are refused when our socket is closed. */
static _Atomic(grpc_server *) leaving;
static atomic_int goodbyes; /* how often it was said */

/*
 * The library's own (grpc_core::Server::SendGoaways, exported, though in no header of its C interface): tells all connections that there will be
 * another after this one, while their calls go on and new ones are still taken.  What it offers to C tells them only once it takes no more, and
 * calls that were on their way then end as CANCELLED.  It must run where the library itself runs us.
 */
void send_goaways(grpc_server *core) __asm__("_ZN9grpc_core6Server11SendGoawaysEv");

static void
limit_descriptors(void)
{
	struct rlimit limit = { 1024, 1024 };
	int max = CONNECTIONS_MAX + DESCRIPTORS_KEPT;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= CONNECTIONS_MAX + 2 * DESCRIPTORS_KEPT)
		max = (int)(limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT
								  : limit.rlim_cur / 2);
	atomic_store(&descriptors_max, max);
}

/* 0: this connection is lost (accept(2) hands on what happened to it while it waited), look for the next; else the errno
 * that ends the search. */
static int
accept_error(int err)
{
	switch (err) {
	case EAGAIN:
	case EINTR:
	case EBADF: /* and the next two: the listener has been shut */
	case EINVAL:
	case ENOTSOCK:
		return err;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return EAGAIN; /* it waits in the queue, until the next one knocks */
	default:
		return 0;
	}
}

/*
 * In the C library's place, whose functions a program's own come before: gRPC core's listener calls this.  It takes
 * any number of connections, and once accept4 fails for whatever reason (1.51: too many open files, or just a client
 * that is gone again) it never listens again.  So the number is limited here, and such errors stay here.
 */
int
accept4(int listening, struct sockaddr *address, socklen_t *size, int flags)
{
	socklen_t room = size != NULL ? *size : 0;
	grpc_server *core;
	int fd, cause, err;

	core = atomic_load(&leaving);
	if (core != NULL) {
		send_goaways(core);
		atomic_fetch_add(&goodbyes, 1);
		errno = EAGAIN;
		return -1;
	}
	for (;;) {
		if (size != NULL)
			*size = room;
		fd = (int)syscall(SYS_accept4, listening, address, size, flags);
		if (fd >= 0 && fd < atomic_load(&descriptors_max)) {
			note_look(listening, false);
			return fd;
		}
		if (fd >= 0) {
			close(
			    fd); /* its client sees an end, and may try again; those that are connected go on */
			continue;
		}
		cause = errno;
		err = accept_error(cause);
		if (err != 0) {
			note_look(listening, err == EAGAIN && cause != EAGAIN);
			errno = err;
			return -1;
		}
	}
}

/* --- leaving --- */

#define KNOCKED_MS 500
#define LEAVE_MS 150
#define STEP_MS 5

static void
pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}

/* Makes the library look for connections on that socket, which is when accept4 is called. */
static void
knock(int listening)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	int fd, before = atomic_load(&goodbyes);

	if (getsockname(listening, (struct sockaddr *)&at, &size) != 0)
		return;
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)&at, size) == 0 || errno == EINPROGRESS)
		for (int ms = 0; atomic_load(&goodbyes) == before && ms < KNOCKED_MS; ms += STEP_MS)
			pause_ms(STEP_MS);
	close(fd);
}

static bool
same_port(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET || a->ss_family == AF_INET6)
		return handed_port((const struct sockaddr *)a) == handed_port((const struct sockaddr *)b);
	return strcmp(((const struct sockaddr_un *)a)->sun_path, ((const struct sockaddr_un *)b)->sun_path) == 0;
}

/* Whether somebody who connected here is still there. */
static bool
anybody_there(int listening)
{
	int max = atomic_load(&descriptors_max);
	struct sockaddr_storage ours, at;
	socklen_t size = sizeof(ours);

	memset(&ours, 0, sizeof(ours));
	if (getsockname(listening, (struct sockaddr *)&ours, &size) != 0)
		return false;
	for (int fd = 3; fd < max; fd++) {
		int listens = 1;

		memset(&at, 0, sizeof(at));
		size = sizeof(at);
		if (getsockname(fd, (struct sockaddr *)&at, &size) != 0 || !same_port(&at, &ours))
			continue;
		size = sizeof(listens);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && !listens)
			return true;
	}
	return false;
}

void
listen_leave(grpc_server *core)
{
	bool there = true;

	atomic_store(&leaving, core);
	for (int ms = 0; there && ms <= LEAVE_MS; ms += STEP_MS) {
		there = false;
		for (size_t i = 0; i < LISTENERS_MAX && atomic_load(&listeners[i].fd) != 0; i++) {
			int fd = atomic_load(&listeners[i].fd);

			/* More than once, for those whose handshake wasn't over. */
			if (ms == 0 || ms == LEAVE_MS / 3 || ms == 2 * LEAVE_MS / 3)
				knock(fd);
			there = there || anybody_there(fd);
		}
		if (there)
			pause_ms(STEP_MS);
	}
}

void
listen_forget(void)
{
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		atomic_store(&listeners[i].fd, 0);
	atomic_store(&leaving, NULL);
}

/* --- opening --- */

static bool
say(const char *address, const char *why)
{
	fprintf(stderr, "can't listen on %s: %s\n", address, why);
	return false;
}

/* A socket's file that nobody answers on is left over from a crash; any other stays. */
static bool
clear_path(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, err;

	if (lstat(path, &st) != 0)
		return true; /* nothing there, or binding will say what is wrong */
	if (!S_ISSOCK(st.st_mode))
		return say(path, "it exists, and is no socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return say(path, strerror(errno));
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	if (err == ECONNREFUSED && unlink(path) == 0)
		return true;
	return say(path, "another server listens there");
}

static bool
open_path(grpc_server *core, grpc_server_credentials *creds, const char *address)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = address + strlen(UNIX_PREFIX);
	int port, handed;
	mode_t before;

	if (strlen(path) >= sizeof(at.sun_path))
		return say(path, "longer than a socket's name can be");
	memcpy(at.sun_path, path, strlen(path) + 1);
	handed = handed_socket((const struct sockaddr *)&at, sizeof(at));
	if (handed >= 0) {
		/* Of a path the library would remove the file first; so it is told of a port that it will never see. */
		handed_take(handed, htons(1));
		return grpc_server_add_http2_port(core, "127.0.0.1:1", creds) > 0 || say(path, "the library can't");
	}
	if (!clear_path(&at))
		return false;
	before = umask(0117); /* 0660 */
	port = grpc_server_add_http2_port(core, address, creds);
	umask(before);
	return port > 0 || say(path, "no socket can be made there");
}

/* 0, or why nobody could listen there: the library doesn't tell. */
static int
bind_error(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1, err = 0;

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (at->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 1) != 0)
		err = errno;
	close(fd);
	return err;
}

/* As numbers, so that the library looks nothing up. */
static bool
open_address(
    grpc_server *core, grpc_server_credentials *creds, const char *address, const struct addrinfo *at, int handed)
{
	char host[NI_MAXHOST], port[NI_MAXSERV], text[NI_MAXHOST + NI_MAXSERV + 4];
	int err = getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);

	if (err != 0)
		return say(address, gai_strerror(err));
	snprintf(text, sizeof(text), at->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	if (address_is_loopback(address) && !address_is_loopback(text))
		return say(address, "this machine's hosts file has an address for it that is not loopback");
	if (handed >= 0)
		handed_take(handed, handed_port(at->ai_addr));
	return grpc_server_add_http2_port(core, text, creds) > 0 || say(address, "the library can't");
}

/* Every address that the name stands for; one that this machine lacks (no IPv6) may fail where another doesn't.  Of
 * 0.0.0.0 and [::] the library makes both. */
static bool
open_addresses(
    grpc_server *core, grpc_server_credentials *creds, const char *address, const struct addrinfo *found)
{
	int count = 0, last = 0;

	for (; found != NULL; found = found->ai_next) {
		int handed = handed_socket(found->ai_addr, found->ai_addrlen);
		int err = handed >= 0 ? 0 : bind_error(found);

		if (err == EADDRNOTAVAIL || err == EAFNOSUPPORT) {
			last = err;
			continue;
		}
		if (err != 0)
			return say(address, strerror(err));
		if (!open_address(core, creds, address, found, handed))
			return false;
		count++;
	}
	return count > 0 || say(address, strerror(last));
}

static bool
open_host(grpc_server *core, grpc_server_credentials *creds, const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	const char *port;
	char host[256];
	bool ok;
	int err;

	if (!address_split(address, host, sizeof(host), &port))
		return say(address, "it is no host:port");
	err = getaddrinfo(host, port, &hints, &found);
	if (err != 0)
		return say(address, gai_strerror(err));
	ok = open_addresses(core, creds, address, found);
	freeaddrinfo(found);
	return ok;
}

bool
listen_open(grpc_server *core, const char *address)
{
	grpc_server_credentials *creds = tls_server_credentials(address);
	bool ok;

	if (creds == NULL)
		return false;
	limit_descriptors();
	ok = strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0 ? open_path(core, creds, address)
								     : open_host(core, creds, address);
	grpc_server_credentials_release(creds);
	if (ok && handed_in_vain())
		return say(address, "the socket that was handed over (LISTEN_FDS) has another address");
	return ok;
}
