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

#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/mapping.h"

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
fill(void *at, const void *closure)
{
	struct table *table = at;

	(void)closure;
	random_bytes(table->key, sizeof(table->key));
	memcpy(table->magic, MAGIC, sizeof(table->magic));
}

static bool
same(const void *at, const void *closure)
{
	(void)closure;
	return memcmp(((const struct table *)at)->magic, MAGIC, sizeof(MAGIC) - 1) == 0;
}

struct limits *
limits_open(const char *directory, const char *program, const char **ret_why)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	char name[224];

	if (limits == NULL)
		abort();
	snprintf(name, sizeof(name), "%s.limits", program);
	limits->table = mapping_open(&(struct mapping){ .directory = directory, .name = name, .mode = 0600,
		.size = sizeof(struct table), .same = same, .fill = fill }, NULL, ret_why);
	return limits;
}

void
limits_close(struct limits *limits)
{
	if (limits == NULL)
		return;
	mapping_close(limits->table, sizeof(*limits->table));
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
