/*
 * key_files.c - the directory of private keys: one file each, KID.jwk, that only its owner reads.
 *
 * A key's age is its file's.  It signs from KEY_LEARNT_S on until a newer one does, and is needed for as long as a refresh
 * token that it signed last is good.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/base/whole_file.h"
#include "lib/token/internal.h"

#define FILE_MAX 4096 /* a key's file has about 250 bytes */
#define SUFFIX ".jwk"

static bool
is_key_file(const char *name)
{
	size_t length = strlen(name), suffix = strlen(SUFFIX);

	return length > suffix && length <= KID_MAX + suffix && name[0] != '.' &&
	       strcmp(name + length - suffix, SUFFIX) == 0;
}

/* The private key of one file.  NULL, or why not. */
static const char *
file_read(int directory, const char *name, struct token_key *ret)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct json_object *jwk;
	char text[FILE_MAX];
	const char *why;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return "a key's file can't be opened";
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) != 0) {
		close(fd);
		return "a key's file is none, or others than its owner can read it";
	}
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || n == sizeof(text))
		return "a key's file can't be read, or is too long";
	jwk = json_read(text, (size_t)n, &why);
	sodium_memzero(text, (size_t)n);
	if (jwk == NULL)
		return why;
	why = key_read(jwk, true, ret);
	json_object_put(jwk);
	if (why == NULL && (strlen(ret->kid) + strlen(SUFFIX) != strlen(name) ||
			       strncmp(ret->kid, name, strlen(ret->kid)) != 0)) {
		key_release(ret);
		return "a key's file has another name than its key";
	}
	ret->made_s = st.st_mtim.tv_sec;
	return why;
}

/* Opens it in *ret_stream; NULL, or why not. */
static const char *
directory_open(const char *path, DIR **ret_stream)
{
	*ret_stream = opendir(path);
	return *ret_stream == NULL ? "the directory of keys can't be read" : NULL;
}

/* Calls each for every key file until one says why not. */
static const char *
directory_walk(
    DIR *stream, const char *(*each)(void *closure, int directory, const char *name), void *closure)
{
	const struct dirent *entry;
	const char *why = NULL;

	while (why == NULL && (entry = readdir(stream)) != NULL)
		if (is_key_file(entry->d_name))
			why = each(closure, dirfd(stream), entry->d_name);
	return why;
}

static const char *
keys_add_file(void *closure, int directory, const char *name)
{
	struct token_keys *keys = closure;
	const char *why;

	if (keys->count == KEYS_MAX)
		return "the directory has too many keys";
	why = file_read(directory, name, &keys->keys[keys->count]);
	if (why == NULL)
		keys->count++;
	return why;
}

struct token_keys *
token_keys_read(const char *directory, const char **ret_why)
{
	struct token_keys *keys;
	DIR *stream;

	*ret_why = directory_open(directory, &stream);
	if (*ret_why != NULL)
		return NULL;
	keys = keys_new(KEYS_MAX);
	*ret_why = directory_walk(stream, keys_add_file, keys);
	if (*ret_why == NULL && keys->count == 0)
		*ret_why = "the directory has no key";
	closedir(stream);
	if (*ret_why != NULL) {
		token_keys_unref(keys);
		return NULL;
	}
	return keys;
}

/* --- making and removing --- */

struct key_file {
	char name[KID_MAX + sizeof(SUFFIX)];
	int64_t made_s;
};

struct key_files {
	size_t count;
	struct key_file files[KEYS_MAX];
};

static const char *
files_add(void *closure, int directory, const char *name)
{
	struct key_files *all = closure;
	struct stat st;

	if (all->count == KEYS_MAX)
		return "the directory has too many keys";
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : "a key's file can't be looked at";
	snprintf(all->files[all->count].name, sizeof(all->files[0].name), "%s", name);
	all->files[all->count++].made_s = st.st_mtim.tv_sec;
	return NULL;
}

static int
older_first(const void *a, const void *b)
{
	const struct key_file *x = a, *y = b;

	return (x->made_s > y->made_s) - (x->made_s < y->made_s);
}

/* Room for one more.  A key is done with once the tokens that it signed last have ended, which it did until its successor
 * signed. */
static const char *
prune(DIR *stream, int64_t now_s)
{
	int64_t needed_s = KEY_LEARNT_S + config->auth.refresh_lifetime_s + TOKEN_LEEWAY_S;
	struct key_files all = { .count = 0 };
	const char *why;
	size_t left;

	why = directory_walk(stream, files_add, &all);
	if (why != NULL)
		return why;
	left = all.count;
	qsort(all.files, all.count, sizeof(all.files[0]), older_first);
	for (size_t i = 0; i + 1 < all.count; i++) {
		if (all.files[i + 1].made_s + needed_s >= now_s)
			continue;
		if (unlinkat(dirfd(stream), all.files[i].name, 0) != 0 && errno != ENOENT)
			return "an old key can't be removed";
		left--;
	}
	/* One more, and nobody could read them. */
	return left < KEYS_MAX ? NULL
			       : "the directory has as many keys as it may; the oldest is needed until its "
				 "last token ends";
}

/* Readable by the directory's owner alone: of others only root may make it, who gives it away. */
static bool
file_write(int directory, const char *path, const char *text)
{
	struct stat st;

	return fstat(directory, &st) == 0 && (geteuid() == 0 || st.st_uid == geteuid()) &&
	       whole_file_write(path, text, strlen(text), NULL) && fsync(directory) == 0;
}

/* A new key as the text of its file; free(3) it. */
static char *
key_text(const char *kid)
{
	cjose_jwk_t *jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, NULL);
	char *text = NULL;

	if (jwk != NULL && cjose_jwk_set_kid(jwk, kid, strlen(kid), NULL))
		text = cjose_jwk_to_json(jwk, true, NULL);
	cjose_jwk_release(jwk);
	return text;
}

bool
token_key_make(struct arena *a, const char *directory, const char **ret_kid, const char **ret_why)
{
	char kid[UUID_SIZE], *text;
	DIR *stream;

	if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
		*ret_why = "the directory of keys can't be made";
		return false;
	}
	*ret_why = directory_open(directory, &stream);
	if (*ret_why != NULL)
		return false;
	*ret_why = prune(stream, clock_now_us() / 1000000);
	if (*ret_why != NULL) {
		closedir(stream);
		return false;
	}
	uuid_new(kid);
	text = key_text(kid);
	if (text == NULL || !file_write(dirfd(stream), arena_printf(a, "%s/%s" SUFFIX, directory, kid), text))
		*ret_why = "the key can't be made or written";
	if (text != NULL)
		sodium_memzero(text, strlen(text));
	free(text);
	closedir(stream);
	*ret_kid = arena_strdup(a, kid);
	return *ret_why == NULL;
}
