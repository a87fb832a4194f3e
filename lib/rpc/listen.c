/* listen.c - binding the address of a server. */
#include <errno.h>
#include <grpc/grpc_security.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/rpc/internal.h"

#define UNIX_PREFIX "unix:"

/* The library would take a socket away from a server that listens on it; one that nobody answers on is left
 * over from a crash. */
static bool
socket_free(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, err;

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "%s: longer than a socket's name can be\n", path);
		return false;
	}
	if (lstat(path, &st) != 0)
		return true; /* nothing there, or binding will say what is wrong */
	if (!S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "%s: exists, and is no socket\n", path);
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	err = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(fd);
	if (err == ECONNREFUSED && unlink(path) == 0)
		return true;
	fprintf(stderr, "%s: another server listens there\n", path);
	return false;
}

bool
listen_bind(grpc_server *core, const char *address)
{
	bool is_unix = strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0;
	grpc_server_credentials *creds;
	mode_t before;
	int port;

	if (is_unix && !socket_free(address + strlen(UNIX_PREFIX)))
		return false;
	creds = grpc_insecure_server_credentials_create();
	before = umask(0117); /* 0660 */
	port = grpc_server_add_http2_port(core, address, creds);
	umask(before);
	grpc_server_credentials_release(creds);
	if (port == 0)
		fprintf(stderr,
		    "can't listen on %s (taken, not an address of this machine, or not permitted)\n",
		    address);
	return port != 0;
}
