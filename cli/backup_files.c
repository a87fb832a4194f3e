/* backup_files.c - files that must be whole and on the disk before a backup calls itself one. */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/backup.h"
#include "lib/base/whole_file.h"

#define CHUNK ((size_t)256 * 1024)

static bool
complain(struct cli *cli, const char *path)
{
	cli_error(cli, NULL, "%s: %s", path, strerror(errno));
	return false;
}

/* --- a file --- */

static bool
digest(struct arena *a, int fd, char ret_sha256[SHA256_HEX_SIZE], int64_t *ret_size)
{
	unsigned char hash[crypto_hash_sha256_BYTES], *bytes = arena_alloc(a, CHUNK);
	crypto_hash_sha256_state state;
	ssize_t n;

	crypto_hash_sha256_init(&state);
	*ret_size = 0;
	while ((n = read(fd, bytes, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		crypto_hash_sha256_update(&state, bytes, (size_t)n);
		*ret_size += n;
	}
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(ret_sha256, SHA256_HEX_SIZE, hash, sizeof(hash));
	return true;
}

bool
file_digest(struct cli *cli, const char *path, bool sync, char ret_sha256[SHA256_HEX_SIZE], int64_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), error;
	struct arena *a = arena_new();
	bool good;

	good = fd >= 0 && digest(a, fd, ret_sha256, ret_size) && (!sync || fsync(fd) == 0);
	error = errno;
	if (fd >= 0)
		close(fd);
	arena_free(a);
	errno = error;
	return good || complain(cli, path);
}

bool
file_write(struct cli *cli, const char *path, const void *bytes, size_t length, const struct timespec *modified)
{
	return whole_file_write(path, bytes, length, modified) || complain(cli, path);
}

/* --- a directory --- */

bool
directory_make(struct cli *cli, const char *path, bool may_be_there)
{
	if (mkdir(path, 0700) == 0 || (may_be_there && errno == EEXIST))
		return true;
	return complain(cli, path);
}

bool
directory_sync(struct cli *cli, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (!good)
		complain(cli, path);
	if (fd >= 0)
		close(fd);
	return good;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

bool
directory_remove(struct cli *cli, const char *path)
{
	return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT || complain(cli, path);
}
