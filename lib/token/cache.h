/*
 * cache.h - tokens that were verified, by a hash of their whole text: SipHash-2-4 of 128 bits under a key made at random, which never
 * leaves the process.  Nobody sees a hash, so nobody can find a text that has another's but by guessing 128 bits.
 */
#ifndef TOKEN_CACHE_H
#define TOKEN_CACHE_H

#include <sodium.h>

#include "lib/base/uuid.h"
#include "lib/token/internal.h"

#define CACHE_HASH crypto_shorthash_siphashx24_BYTES
#define CACHE_SETS 512
#define CACHE_WAYS 4

struct cache_entry {
	unsigned char hash[CACHE_HASH];
	int64_t issued_s, expires_s; /* expires_s 0: free */
	char id[UUID_SIZE], account[UUID_SIZE], session[UUID_SIZE];
	char role[ROLE_MAX + 1];
};

struct cache {
	unsigned char key[crypto_shorthash_siphashx24_KEYBYTES];
	struct cache_entry entries[CACHE_SETS][CACHE_WAYS];
};

void cache_init(struct cache *c);
void cache_clear(struct cache *c);

void cache_hash(const struct cache *c, const char *text, size_t length, unsigned char ret_hash[CACHE_HASH]);

/* NULL where it isn't there, or has expired at now_s. */
const struct cache_entry *cache_find(
    const struct cache *c, const unsigned char hash[CACHE_HASH], int64_t now_s);

/* In the place of that which ends first, of the few that share it. */
void cache_add(struct cache *c, const unsigned char hash[CACHE_HASH], const struct token *token);

#endif
