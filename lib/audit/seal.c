/* seal.c - "1 SEQ MAC SEAL\n" in a file: where a chain ends, itself under a MAC. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/audit/chain.h"
#include "lib/base/config.h"
#include "lib/base/whole_file.h"

#define HEX_SIZE (2 * AUDIT_MAC_SIZE + 1)
#define SEAL_SIZE 256

/* What the seal's own MAC covers: all before it. */
static int
signed_part(const struct audit_head *head, char ret_text[SEAL_SIZE])
{
	char hex[HEX_SIZE];

	sodium_bin2hex(hex, sizeof(hex), head->mac, sizeof(head->mac));
	return snprintf(ret_text, SEAL_SIZE, "1 %" PRId64 " %s ", head->seq, hex);
}

static void
seal_text(const struct audit_keys *keys, const struct audit_head *head, char ret_text[SEAL_SIZE])
{
	unsigned char mac[AUDIT_MAC_SIZE];
	char hex[HEX_SIZE];
	size_t n = (size_t)signed_part(head, ret_text);

	audit_seal_mac(keys, ret_text, n, mac);
	sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
	snprintf(ret_text + n, SEAL_SIZE - n, "%s\n", hex);
}

/* Only what seal_text would have written of what is read here is taken. */
static bool
seal_parse(const char *text, const struct audit_keys *keys, struct audit_head *ret)
{
	struct audit_head head = { 0 };
	char again[SEAL_SIZE], *end;
	size_t length;

	if (strncmp(text, "1 ", 2) != 0)
		return false;
	head.seq = strtoll(text + 2, &end, 10);
	if (*end != ' ' ||
	    sodium_hex2bin(head.mac, sizeof(head.mac), end + 1, strlen(end + 1) < HEX_SIZE ? 0 : HEX_SIZE - 1,
		NULL, &length, NULL) != 0 ||
	    length != sizeof(head.mac) || head.seq < 0)
		return false;
	seal_text(keys, &head, again);
	if (strlen(text) != strlen(again) || sodium_memcmp(text, again, strlen(again)) != 0)
		return false;
	*ret = head;
	return true;
}

static bool
seal_path(const char *domain, char ret_path[4096])
{
	int n = snprintf(ret_path, 4096, "%s/%s", config->audit.seal, domain);

	if (n < 0 || n >= 4096)
		errno = ENAMETOOLONG;
	return n > 0 && n < 4096;
}

enum seal_state
audit_seal_read(const char *domain, const struct audit_keys *keys, struct audit_head *ret)
{
	char path[4096], text[SEAL_SIZE];
	ssize_t n;
	int fd;

	if (!seal_path(domain, path))
		return SEAL_UNREAD;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? SEAL_NONE : SEAL_UNREAD;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return SEAL_UNREAD;
	text[n] = '\0';
	return seal_parse(text, keys, ret) ? SEAL_GOOD : SEAL_BROKEN;
}

/* What root writes, by the operator's command, is to be read by the relay: the directory's owner, whose it becomes. */
bool
audit_seal_write(const char *domain, const struct audit_keys *keys, const struct audit_head *head)
{
	char path[4096], text[SEAL_SIZE];

	if (!seal_path(domain, path))
		return false;
	seal_text(keys, head, text);
	return whole_file_write(path, text, strlen(text), NULL);
}
