#include "lib/once/once.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/once/once_store.h"
#include "lib/pg/pg.h"

/* At once: a statement has only so much time. */
#define PURGE_BATCH 10000

bool
once_key_valid(const char *key)
{
	size_t n = 0;

	while (key[n] >= ' ' && key[n] <= '~')
		n++;
	return n > 0 && n <= ONCE_KEY_MAX && key[n] == '\0';
}

static struct field_bytes
hash_of(struct ctx *cx, const char *key)
{
	unsigned char *bytes = arena_alloc(cx->arena, crypto_hash_sha256_BYTES);

	crypto_hash_sha256(bytes, (const unsigned char *)key, strlen(key));
	return (struct field_bytes){ .bytes = bytes, .length = crypto_hash_sha256_BYTES };
}

/*
 * A body can hold a password, which a plain hash would let anybody try out who gets to see the table.  So the fingerprint is
 * made with the client's key, and of that only its hash is kept.
 */
static struct field_bytes
fingerprint(struct ctx *cx, const struct once_request *asked)
{
	unsigned char *bytes = arena_alloc(cx->arena, crypto_auth_hmacsha256_BYTES);
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)asked->key, strlen(asked->key));
	/* With its NUL, so that path and body can't be parted elsewhere. */
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)asked->path, strlen(asked->path) + 1);
	crypto_auth_hmacsha256_update(&state, asked->body, asked->length);
	crypto_auth_hmacsha256_final(&state, bytes);
	return (struct field_bytes){ .bytes = bytes, .length = crypto_auth_hmacsha256_BYTES };
}

/* Less than the server gives a statement, so that waiting too long is told from a slow server.  0 would be for ever. */
static int64_t
wait_ms(const struct ctx *cx)
{
	int64_t statement = config->database.statement_timeout_ms;
	int64_t left = ctx_time_left_ms(cx, statement < INT_MAX ? (int)statement : INT_MAX) / 4 * 3;
	int64_t wait = left < ONCE_WAIT_MS ? left : ONCE_WAIT_MS;

	return wait > 0 ? wait : 1;
}

/* Somebody has had the key. */
static enum rc
find_answer(struct ctx *cx, struct once *once)
{
	struct once kept;
	enum rc rc = once_store_find(cx, once, &kept);

	/* Taken, and purged in the same moment: a retry is a new request. */
	if (rc == RC_NOT_FOUND)
		return err_detail(cx, RC_UNAVAILABLE, "an idempotency key vanished");
	if (rc != RC_OK)
		return rc;
	if (kept.fingerprint.length != once->fingerprint.length ||
	    memcmp(kept.fingerprint.bytes, once->fingerprint.bytes, kept.fingerprint.length) != 0)
		return err_set(cx, RC_REUSED, "This idempotency key was used for another request");
	once->answer = kept.answer;
	once->again = true;
	return RC_OK;
}

enum rc
once_begin(struct ctx *cx, const struct once_request *asked, struct once *ret_once)
{
	bool taken = false;
	enum rc rc;

	*ret_once = (struct once){
		.account = cx->account,
		.route = asked->route,
		.key = hash_of(cx, asked->key),
		.fingerprint = fingerprint(cx, asked),
		.wait_ms = wait_ms(cx),
	};
	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = once_store_take(cx, ret_once, &taken);
	if (rc == RC_OK && taken)
		return RC_OK;
	if (rc == RC_OK)
		rc = find_answer(cx, ret_once);
	return pg_end(cx, rc);
}

enum rc
once_end(struct ctx *cx, const struct once *once, enum rc rc)
{
	if (rc == RC_OK)
		rc = once_store_answer(cx, once);
	return pg_end(cx, rc);
}

enum rc
once_purge(struct ctx *cx)
{
	int64_t purged = 0;
	enum rc rc;

	do
		rc = once_store_purge(cx, ONCE_KEEP_S, PURGE_BATCH, &purged);
	while (rc == RC_OK && purged > 0);
	return rc;
}
