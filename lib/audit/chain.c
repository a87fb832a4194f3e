#include "lib/audit/chain.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory, or without SHA-256 in a library that was cut down: nothing can be vouched for. */
static void
need(bool done)
{
	if (done)
		return;
	fputs("audit: no HMAC-SHA256 from libcrypto\n", stderr);
	abort();
}

static EVP_MAC_CTX *
hmac_new(const void *key, size_t length)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *state = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);

	need(state != NULL && EVP_MAC_init(state, key, length, params) == 1);
	EVP_MAC_free(hmac); /* which state keeps */
	return state;
}

/* Under the same key again. */
static void
begin(EVP_MAC_CTX *state)
{
	need(EVP_MAC_init(state, NULL, 0, NULL) == 1);
}

static void
add(EVP_MAC_CTX *state, const void *bytes, size_t length)
{
	need(EVP_MAC_update(state, bytes, length) == 1);
}

static void
end(EVP_MAC_CTX *state, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	size_t length;

	need(EVP_MAC_final(state, ret_mac, &length, AUDIT_MAC_SIZE) == 1 && length == AUDIT_MAC_SIZE);
}

static EVP_MAC_CTX *
derive(const char *key, const char *what, const char *domain)
{
	EVP_MAC_CTX *state = hmac_new(key, strlen(key));
	unsigned char derived[AUDIT_MAC_SIZE];

	add(state, what, strlen(what));
	add(state, domain, strlen(domain));
	end(state, derived);
	EVP_MAC_CTX_free(state);
	state = hmac_new(derived, sizeof(derived));
	sodium_memzero(derived, sizeof(derived));
	return state;
}

void
audit_keys_make(const char *key, const char *domain, struct audit_keys *ret)
{
	ret->chain = derive(key, "medicore audit chain ", domain);
	ret->seal = derive(key, "medicore audit seal ", domain);
}

void
audit_keys_free(struct audit_keys *keys)
{
	EVP_MAC_CTX_free(keys->chain);
	EVP_MAC_CTX_free(keys->seal);
	*keys = (struct audit_keys){ 0 };
}

static void
add_number(EVP_MAC_CTX *state, uint64_t n, size_t bytes)
{
	unsigned char text[8];

	for (size_t i = 0; i < bytes; i++)
		text[i] = (unsigned char)(n >> 8 * (bytes - 1 - i));
	add(state, text, bytes);
}

static void
add_text(EVP_MAC_CTX *state, const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);

	add_number(state, text == NULL ? UINT32_MAX : length, 4);
	add(state, text, length);
}

void
audit_mac(const struct audit_keys *keys, const unsigned char before[AUDIT_MAC_SIZE],
    const struct audit_entry *entry, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	const char *const texts[] = { entry->account, entry->role, entry->session, entry->address,
		entry->program, entry->action, entry->thing, entry->patient_id, entry->filter, entry->result,
		entry->request_id };

	begin(keys->chain);
	add(keys->chain, before, AUDIT_MAC_SIZE);
	add_number(keys->chain, (uint64_t)entry->seq, 8);
	add_number(keys->chain, (uint64_t)entry->at.us, 8);
	add_number(keys->chain, (uint64_t)entry->count, 8);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		add_text(keys->chain, texts[i]);
	end(keys->chain, ret_mac);
}

void
audit_seal_mac(const struct audit_keys *keys, const char *text, size_t length, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	begin(keys->seal);
	add(keys->seal, text, length);
	end(keys->seal, ret_mac);
}

bool
audit_mac_same(const unsigned char a[AUDIT_MAC_SIZE], const unsigned char b[AUDIT_MAC_SIZE])
{
	return sodium_memcmp(a, b, AUDIT_MAC_SIZE) == 0;
}
