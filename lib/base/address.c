#include "lib/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

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

/* The part between the slashes, as "host:port" by which it is judged: letters, digits and . - : [ ] alone, since what else
 * there may be (user@, a backslash) is read differently by different readers. */
static bool
authority_of(const char *rest, char *ret_address, size_t size)
{
	size_t n = strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]");
	const char *colon, *bracket;

	if (n == 0 || n + sizeof(":80") > size || (rest[n] != '\0' && rest[n] != '/'))
		return false;
	memcpy(ret_address, rest, n);
	ret_address[n] = '\0';
	colon = strrchr(ret_address, ':');
	bracket = strrchr(ret_address, ']');
	if (colon == NULL || (bracket != NULL && bracket > colon))
		memcpy(ret_address + n, ":80", sizeof(":80"));
	return true;
}

bool
url_is_private(const char *url)
{
	char address[256];

	if (strncmp(url, "https://", 8) == 0)
		return authority_of(url + 8, address, sizeof(address));
	return strncmp(url, "http://", 7) == 0 && authority_of(url + 7, address, sizeof(address)) &&
	       address_is_loopback(address);
}
