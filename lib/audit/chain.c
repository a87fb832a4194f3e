#include "lib/audit/chain.h"

#include <string.h>

static void
derive(const char *key, const char *what, const char *domain, crypto_auth_hmacsha256_state *ret)
{
	unsigned char derived[AUDIT_MAC_SIZE];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key, strlen(key));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)what, strlen(what));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)domain, strlen(domain));
	crypto_auth_hmacsha256_final(&state, derived);
	crypto_auth_hmacsha256_init(ret, derived, sizeof(derived));
	sodium_memzero(derived, sizeof(derived));
}

void
audit_keys_make(const char *key, const char *domain, struct audit_keys *ret)
{
	derive(key, "medicore audit chain ", domain, &ret->chain);
	derive(key, "medicore audit seal ", domain, &ret->seal);
}

static void
add_number(crypto_auth_hmacsha256_state *state, uint64_t n, size_t bytes)
{
	unsigned char text[8];

	for (size_t i = 0; i < bytes; i++)
		text[i] = (unsigned char)(n >> 8 * (bytes - 1 - i));
	crypto_auth_hmacsha256_update(state, text, bytes);
}

static void
add_text(crypto_auth_hmacsha256_state *state, const char *text)
{
	add_number(state, text == NULL ? UINT32_MAX : strlen(text), 4);
	if (text != NULL)
		crypto_auth_hmacsha256_update(state, (const unsigned char *)text, strlen(text));
}

void
audit_mac(const struct audit_keys *keys, const unsigned char before[AUDIT_MAC_SIZE],
    const struct audit_entry *entry, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	const char *const texts[] = { entry->account, entry->role, entry->session, entry->address,
		entry->program, entry->action, entry->thing, entry->patient_id, entry->filter, entry->result,
		entry->request_id };
	crypto_auth_hmacsha256_state state = keys->chain;

	crypto_auth_hmacsha256_update(&state, before, AUDIT_MAC_SIZE);
	add_number(&state, (uint64_t)entry->seq, 8);
	add_number(&state, (uint64_t)entry->at.us, 8);
	add_number(&state, (uint64_t)entry->count, 8);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		add_text(&state, texts[i]);
	crypto_auth_hmacsha256_final(&state, ret_mac);
}

bool
audit_mac_same(const unsigned char a[AUDIT_MAC_SIZE], const unsigned char b[AUDIT_MAC_SIZE])
{
	return sodium_memcmp(a, b, AUDIT_MAC_SIZE) == 0;
}
