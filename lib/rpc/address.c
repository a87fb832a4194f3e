#include "lib/rpc/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define PEER_NAME_MAX 64

bool
address_split(const char *address, char *ret_host, size_t size, const char **ret_port)
{
	const char *end = strrchr(address, ':');

	if (end == NULL)
		return false;
	*ret_port = end + 1;
	if (end - address >= 2 && address[0] == '[' && end[-1] == ']') {
		address++;
		end--;
	} else if (memchr(address, ':', (size_t)(end - address)) != NULL) {
		return false; /* "::1:9000" may be read in two ways */
	}
	if (end == address || (size_t)(end - address) >= size)
		return false;
	memcpy(ret_host, address, (size_t)(end - address));
	ret_host[end - address] = '\0';
	return true;
}

bool
address_is_loopback(const char *address)
{
	struct in6_addr six;
	struct in_addr four;
	const char *port;
	char host[256];

	if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return true;
	if (!address_split(address, host, sizeof(host), &port))
		return false;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(host, "localhost") == 0;
}

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
address_of_peer(struct arena *a, const char *peer)
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
