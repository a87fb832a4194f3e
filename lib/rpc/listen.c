#include "lib/rpc/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"

#define UNIX_PREFIX "unix:"

/* Connections at once; a client that has one uses it for all its calls. */
#define CONNECTIONS_MAX 1000

/* Left for all else: databases, the library's own, files. */
#define DESCRIPTORS_KEPT 64

/* How soon to look again after an error that time alone mends. */
#define PAUSE_MS 100

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

/* Bound and listening, or -1 and errno. */
static int
listen_at(const struct sockaddr *address, socklen_t size)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, err;

	if (fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(fd, address, size) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static bool
open_path(struct listener *l, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t before;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return say(path, "longer than a socket's name can be");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!clear_path(&address))
		return false;
	before = umask(0117); /* 0660 */
	fd = listen_at((const struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (fd < 0 || lstat(path, &st) != 0)
		return say(path, strerror(errno));
	l->sockets[l->count++] = fd;
	l->path = path;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	return true;
}

/* Every address that the name stands for; one that this machine lacks (no IPv6) may fail where another
 * doesn't. */
static bool
open_addresses(struct listener *l, const char *address, const struct addrinfo *found)
{
	int err = 0;

	for (; found != NULL && l->count < LISTEN_SOCKETS; found = found->ai_next) {
		int fd = listen_at(found->ai_addr, found->ai_addrlen);

		if (fd >= 0) {
			l->sockets[l->count++] = fd;
			continue;
		}
		err = errno;
		if (err != EADDRNOTAVAIL && err != EAFNOSUPPORT)
			return say(address, strerror(err));
	}
	return l->count > 0 || say(address, strerror(err));
}

static bool
open_host(struct listener *l, const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(address, ':');
	struct addrinfo *found;
	char host[256];
	size_t length;
	bool ok;
	int err;

	if (colon == NULL || (size_t)(colon - address) >= sizeof(host))
		return say(address, "it is no host:port");
	length = (size_t)(colon - address);
	if (length >= 2 && address[0] == '[' && colon[-1] == ']') {
		address++;
		length -= 2;
	}
	memcpy(host, address, length);
	host[length] = '\0';
	err = getaddrinfo(host, colon + 1, &hints, &found);
	if (err != 0)
		return say(address, gai_strerror(err));
	ok = open_addresses(l, address, found);
	freeaddrinfo(found);
	return ok;
}

/* A new descriptor is always the lowest one that is free, so its number tells how many there are. */
static int
descriptors_max(void)
{
	struct rlimit limit = { 1024, 1024 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > CONNECTIONS_MAX + 2 * DESCRIPTORS_KEPT)
		return CONNECTIONS_MAX + DESCRIPTORS_KEPT;
	return (int)(limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT
							   : limit.rlim_cur / 2);
}

bool
listener_open(struct listener *l, const char *address)
{
	size_t prefix = strlen(UNIX_PREFIX);

	*l = (struct listener){ .wake = eventfd(0, EFD_CLOEXEC), .descriptors_max = descriptors_max() };
	if (l->wake < 0)
		return say(address, strerror(errno));
	l->creds = grpc_insecure_server_credentials_create();
	return strncmp(address, UNIX_PREFIX, prefix) == 0 ? open_path(l, address + prefix)
							  : open_host(l, address);
}

/* --- accepting --- */

/* 0: go on; else pause that long, as only time helps. */
static int
accept_one(struct listener *l, int listening)
{
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), yes = 1;

	if (fd < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? 0 : PAUSE_MS;
	if (fd >= l->descriptors_max) {
		close(fd); /* the client sees an end, and may try again; those that are connected go on */
		return 0;
	}
	if (l->path == NULL)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	grpc_server_add_channel_from_fd(l->core, fd, l->creds); /* which owns fd from now on */
	return 0;
}

static void *
accept_all(void *listener)
{
	struct pollfd fds[LISTEN_SOCKETS + 1];
	struct listener *l = listener;
	nfds_t n = (nfds_t)l->count;
	int pause = 0;

	for (;;) {
		fds[0] = (struct pollfd){ .fd = l->wake, .events = POLLIN };
		for (int i = 0; i < l->count; i++)
			fds[i + 1] = (struct pollfd){ .fd = l->sockets[i], .events = POLLIN };
		if (poll(fds, pause > 0 ? 1 : n + 1, pause > 0 ? pause : -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents != 0)
			return NULL;
		if (pause > 0) {
			pause = 0;
			continue;
		}
		for (int i = 0; i < l->count && pause == 0; i++)
			if (fds[i + 1].revents != 0)
				pause = accept_one(l, l->sockets[i]);
		if (pause > 0)
			log_line(LOG_WARNING, "a connection can't be accepted: %s", strerror(errno));
	}
}

bool
listener_start(struct listener *l, grpc_server *core)
{
	int err;

	l->core = core;
	err = pthread_create(&l->thread, NULL, accept_all, l);
	l->running = err == 0;
	return l->running;
}

void
listener_close(struct listener *l)
{
	struct stat st;

	if (l->creds == NULL)
		return;
	(void)eventfd_write(l->wake, 1);
	if (l->running)
		pthread_join(l->thread, NULL);
	while (l->count > 0)
		close(l->sockets[--l->count]);
	/* Only what is still ours: a successor may listen there already. */
	if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->path);
	close(l->wake);
	grpc_server_credentials_release(l->creds);
	*l = (struct listener){ 0 };
}
