#include "tests/unit/token/forge.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct forger {
	EVP_PKEY *key;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

struct forger *
forger_new(void)
{
	struct forger *f = must(malloc(sizeof(*f)));

	f->key = must(EVP_EC_gen("P-256"));
	return f;
}

void
forger_free(struct forger *f)
{
	EVP_PKEY_free(f->key);
	free(f);
}

const char *
base64url(struct arena *a, const void *bytes, size_t length)
{
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

	return sodium_bin2base64(
	    arena_alloc(a, size), size, bytes, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static const char *
number(struct arena *a, const struct forger *f, const char *name)
{
	unsigned char bytes[32];
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(f->key, name, &n) != 1 ||
	    BN_bn2binpad(n, bytes, sizeof(bytes)) != sizeof(bytes))
		abort();
	BN_clear_free(n);
	return base64url(a, bytes, sizeof(bytes));
}

const char *
forger_jwk(struct arena *a, const struct forger *f, const char *kid, bool private)
{
	return arena_printf(a,
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"%s%s%s}", kid,
	    number(a, f, OSSL_PKEY_PARAM_EC_PUB_X), number(a, f, OSSL_PKEY_PARAM_EC_PUB_Y),
	    private ? ",\"d\":\"" : "", private ? number(a, f, OSSL_PKEY_PARAM_PRIV_KEY) : "",
	    private ? "\"" : "");
}

const char *
forger_pem(struct arena *a, const struct forger *f)
{
	BIO *bio = must(BIO_new(BIO_s_mem()));
	const char *pem;
	char *bytes;
	long length;

	if (PEM_write_bio_PUBKEY(bio, f->key) != 1)
		abort();
	length = BIO_get_mem_data(bio, &bytes);
	pem = arena_strndup(a, bytes, (size_t)length);
	BIO_free(bio);
	return pem;
}

const void *
forger_point(struct arena *a, const struct forger *f, size_t *ret_length)
{
	unsigned char *point = arena_alloc(a, 65);

	if (EVP_PKEY_get_octet_string_param(f->key, OSSL_PKEY_PARAM_PUB_KEY, point, 65, ret_length) != 1)
		abort();
	return point;
}

struct token_keys *
forger_keys(struct arena *a, const struct forger *f, const char *kid)
{
	const char *set = arena_printf(a, "{\"keys\":[%s]}", forger_jwk(a, f, kid, false)), *why;

	return must(token_keys_parse(set, strlen(set), &why));
}

static const char *
signed_part(struct arena *a, const char *header, const char *claims)
{
	return arena_printf(
	    a, "%s.%s", base64url(a, header, strlen(header)), base64url(a, claims, strlen(claims)));
}

const char *
forge(struct arena *a, const struct forger *f, const char *header, const char *claims)
{
	const char *text = signed_part(a, header, claims);
	EVP_MD_CTX *md = must(EVP_MD_CTX_new());
	unsigned char der[128], raw[64];
	const unsigned char *at = der;
	size_t length = sizeof(der);
	ECDSA_SIG *sig;

	if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, f->key) != 1 ||
	    EVP_DigestSign(md, der, &length, (const unsigned char *)text, strlen(text)) != 1)
		abort();
	sig = must(d2i_ECDSA_SIG(NULL, &at, (long)length));
	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) != 32)
		abort();
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(md);
	return arena_printf(a, "%s.%s", text, base64url(a, raw, sizeof(raw)));
}

const char *
forge_hs256(struct arena *a, const void *key, size_t length, const char *header, const char *claims)
{
	const char *text = signed_part(a, header, claims);
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, length);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
	crypto_auth_hmacsha256_final(&state, mac);
	return arena_printf(a, "%s.%s", text, base64url(a, mac, sizeof(mac)));
}
