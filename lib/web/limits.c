/*
 * The generic cell rate algorithm: of a client one number is known, the time at which its quota is whole again.  A request moves it
 * on by a minute / quota, and comes too early where that would be more than a minute ahead.
 *
 * That time and a tag of the client are one word of a fixed table, so that counting is one compare-and-swap.  A keyed hash, whose key is
 * made at random and never leaves the table, gives a client a set of slots and its tag: nobody can look for addresses that share a
 * slot with somebody else.  A slot whose time has come says no more than an empty one, and is free.  Where none is, the one whose time
 * comes first gives way, which is whoever asked least: to make the table forget that it asked too often, a client would have to outdo
 * itself seven times over in its own set, which it doesn't know; and whoever is forgotten starts with a whole quota, never with less.
 *
 * So nothing that the table may hold does more than to let somebody wait for up to two minutes, and no clock or content has to be trusted.
 */
#include "lib/web/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MINUTE_US INT64_C(60000000)

/* Further ahead no time is one of ours: a minute, and another by which somebody may have looked at the clock before somebody else. */
#define FURTHEST_US (2 * MINUTE_US)

#define WAYS 8 /* a line of the processor's cache */
#define SETS 4096

/* A word: 24 bits of tag, 40 of time in microseconds, which is 12 days until it begins again. */
#define TIME_BITS 40
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

/* How often one tries against others that write the same slot, before it is let through uncounted. */
#define TRIES 64

#define MAGIC "MCLIMIT1" /* says what the layout is as well */

struct table {
	char magic[8];
	unsigned char key[crypto_shorthash_KEYBYTES];
	unsigned char unused[64 - 8 - crypto_shorthash_KEYBYTES];
	_Atomic uint64_t slots[SETS][WAYS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock would be another one in each process");

struct limits {
	struct table *table;
};

static void
fill(struct table *table)
{
	/* Of so few bytes it never gives less once the system has started. */
	if (getrandom(table->key, sizeof(table->key), 0) != (ssize_t)sizeof(table->key))
		abort();
	memcpy(table->magic, MAGIC, sizeof(table->magic));
}

static struct table *
map(int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, flags, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* NULL where the file is none of ours, or not of this layout. */
static struct table *
map_existing(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct table *table = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
	    st.st_size == (off_t)sizeof(*table))
		table = map(fd);
	close(fd);
	if (table != NULL && memcmp(table->magic, MAGIC, sizeof(table->magic)) != 0) {
		munmap(table, sizeof(*table));
		table = NULL;
	}
	return table;
}

/* A new one in the place of whatever is there.  A file is never cut while it may be mapped: to touch what is gone would end a process. */
static struct table *
map_new(int directory, const char *name)
{
	char fresh[256];
	struct table *table;
	int fd, err;

	if (snprintf(fresh, sizeof(fresh), "%s.new", name) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	unlinkat(directory, fresh, 0); /* what a process left that was killed here */
	fd = openat(directory, fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	errno = posix_fallocate(fd, 0, sizeof(*table)); /* or a full disk would end us later */
	table = errno == 0 ? map(fd) : NULL;
	close(fd);
	if (table != NULL) {
		fill(table);
		if (renameat(directory, fresh, directory, name) == 0)
			return table;
		munmap(table, sizeof(*table));
	}
	err = errno;
	unlinkat(directory, fresh, 0);
	errno = err;
	return NULL;
}

static struct table *
map_file(const char *path, const char *program)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct table *table = NULL;
	char name[224];

	if (directory < 0)
		return NULL;
	if (snprintf(name, sizeof(name), "%s.limits", program) >= (int)sizeof(name))
		errno = ENAMETOOLONG;
	else if (flock(directory, LOCK_EX) == 0) { /* until it is closed: processes start at the same time */
		table = map_existing(directory, name);
		if (table == NULL)
			table = map_new(directory, name);
	}
	close(directory);
	return table;
}

struct limits *
limits_open(const char *directory, const char *program, const char **ret_why)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (limits == NULL)
		abort();
	*ret_why = NULL;
	if (*directory != '\0') {
		errno = 0;
		limits->table = map_file(directory, program);
		if (limits->table == NULL)
			*ret_why = strerror(errno);
	}
	if (limits->table == NULL) {
		limits->table = map(-1);
		if (limits->table == NULL)
			abort();
		fill(limits->table);
	}
	return limits;
}

void
limits_close(struct limits *limits)
{
	if (limits == NULL)
		return;
	munmap(limits->table, sizeof(*limits->table));
	free(limits);
}

/* How far ahead of now a word's time is: 0 where it has come, or can't be one of ours. */
static int64_t
ahead(uint64_t word, uint64_t now)
{
	uint64_t by = (word - now) & TIME_MASK;

	return by <= FURTHEST_US ? (int64_t)by : 0;
}

/* The client's slot, else the one that is free or gives way; *ret_word is what it holds. */
static _Atomic uint64_t *
choose(_Atomic uint64_t set[WAYS], uint64_t tag, uint64_t now, uint64_t *ret_word)
{
	_Atomic uint64_t *chosen = NULL;
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		int64_t by = ahead(word, now);

		if (word >> TIME_BITS == tag && by > 0) {
			*ret_word = word;
			return &set[i];
		}
		if (by < least) {
			least = by;
			chosen = &set[i];
			*ret_word = word;
		}
	}
	return chosen;
}

bool
limits_take(
    struct limits *limits, const void *key, size_t length, int per_minute, int64_t now_us, struct limit *ret)
{
	int64_t step = MINUTE_US / per_minute, whole = step * per_minute, by = 0;
	uint64_t now = (uint64_t)now_us & TIME_MASK, hash, tag, word, next;
	unsigned char bytes[crypto_shorthash_BYTES];
	_Atomic uint64_t *set, *slot;

	_Static_assert(sizeof(hash) == crypto_shorthash_BYTES, "SipHash-2-4");
	crypto_shorthash(bytes, key, length, limits->table->key);
	memcpy(&hash, bytes, sizeof(hash));
	set = limits->table->slots[hash % SETS];
	tag = hash >> TIME_BITS;
	for (int i = 0; i < TRIES; i++) {
		slot = choose(set, tag, now, &word);
		by = word >> TIME_BITS == tag ? ahead(word, now) : 0;
		if (by + step > whole) {
			*ret = (struct limit){
				.quota = per_minute, .reset_us = by, .wait_us = by + step - whole
			};
			return false;
		}
		next = tag << TIME_BITS | ((now + (uint64_t)(by + step)) & TIME_MASK);
		if (atomic_compare_exchange_weak_explicit(
			slot, &word, next, memory_order_relaxed, memory_order_relaxed))
			break;
	}
	*ret = (struct limit){
		.quota = per_minute,
		.remaining = (int)((whole - by - step) / step),
		.reset_us = by + step,
	};
	return true;
}
