#include "lib/rpc/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/address.h"

#define PEER_NAME_MAX 64

/* A URI's spelling (RFC 3986, section 2.1) of the brackets around an IPv6 address. */
static void
replace(char *text, const char *from, char to)
{
	char *at = strstr(text, from);

	if (at == NULL)
		return;
	*at = to;
	memmove(at + 1, at + strlen(from), strlen(at + strlen(from)) + 1);
}

const char *
peer_address(struct arena *a, const char *peer)
{
	int family = strncmp(peer, "ipv4:", 5) == 0   ? AF_INET
		     : strncmp(peer, "ipv6:", 5) == 0 ? AF_INET6
						      : AF_UNSPEC;
	char text[128], host[INET6_ADDRSTRLEN + 20];
	struct in6_addr binary;
	const char *port;

	if (family == AF_UNSPEC || strlen(peer) >= sizeof(text))
		return "";
	memcpy(text, peer + 5, strlen(peer + 5) + 1);
	replace(text, "%5B", '[');
	replace(text, "%5D", ']');
	if (!address_split(text, host, sizeof(host), &port))
		return "";
	host[strcspn(host, "%")] = '\0'; /* a link's name, which means nothing elsewhere */
	return inet_pton(family, host, &binary) == 1 ? arena_strdup(a, host) : "";
}

bool
peer_name_valid(const char *name, size_t length)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	if (length == 0 || length > PEER_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '\0' || strchr(allowed, name[i]) == NULL)
			return false;
	return true;
}
