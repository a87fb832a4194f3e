#include "lib/token/cache.h"

#include <stdio.h>
#include <string.h>

void
cache_init(struct cache *c)
{
	randombytes_buf(c->key, sizeof(c->key));
	cache_clear(c);
}

void
cache_clear(struct cache *c)
{
	memset(c->entries, 0, sizeof(c->entries));
}

void
cache_hash(const struct cache *c, const char *text, size_t length, unsigned char ret_hash[CACHE_HASH])
{
	crypto_shorthash_siphashx24(ret_hash, (const unsigned char *)text, length, c->key);
}

static size_t
set_of(const unsigned char hash[CACHE_HASH])
{
	return ((size_t)hash[0] << 8 | hash[1]) % CACHE_SETS;
}

const struct cache_entry *
cache_find(const struct cache *c, const unsigned char hash[CACHE_HASH], int64_t now_s)
{
	const struct cache_entry *set = c->entries[set_of(hash)];

	for (size_t i = 0; i < CACHE_WAYS; i++)
		if (set[i].expires_s + TOKEN_LEEWAY_S > now_s && memcmp(set[i].hash, hash, CACHE_HASH) == 0)
			return &set[i];
	return NULL;
}

void
cache_add(struct cache *c, const unsigned char hash[CACHE_HASH], const struct token *token)
{
	struct cache_entry *set = c->entries[set_of(hash)], *into = set;

	for (size_t i = 1; i < CACHE_WAYS; i++)
		if (set[i].expires_s < into->expires_s)
			into = &set[i];
	memcpy(into->hash, hash, CACHE_HASH);
	into->issued_s = token->issued_s;
	into->expires_s = token->expires_s;
	snprintf(into->id, sizeof(into->id), "%s", token->id);
	snprintf(into->account, sizeof(into->account), "%s", token->account);
	snprintf(into->session, sizeof(into->session), "%s", token->session);
	snprintf(into->role, sizeof(into->role), "%s", token->role);
}
