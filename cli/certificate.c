#include "cli/certificate.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#define DAY_S (24L * 60 * 60)
#define AUTHORITY_DAYS 3650
#define DAYS 397

/* By which clocks may differ. */
#define EARLY_S (5L * 60)

EVP_PKEY *
certificate_key(void)
{
	return EVP_EC_gen("P-256");
}

const char *
certificate_error(void)
{
	const char *words = ERR_reason_error_string(ERR_get_error());

	return words != NULL ? words : "libcrypto doesn't say why";
}

/* 159 random bits: RFC 5280, section 4.1.2.2, allows 20 octets of a positive number. */
static bool
set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n != NULL && BN_rand(n, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;

	BN_free(n);
	return ok;
}

static bool
set_name(X509 *x, const char *name)
{
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)name, -1, -1, 0) == 1;
}

/* value as x509v3_config(5) has it. */
static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool ok;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension != NULL && X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* All but names, extensions and signature; NULL. */
static X509 *
certificate_begin(EVP_PKEY *key, const char *name, long days)
{
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -EARLY_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), days * DAY_S) != NULL && X509_set_pubkey(x, key) == 1 &&
	    set_name(x, name))
		return x;
	X509_free(x);
	return NULL;
}

static X509 *
certificate_sign(X509 *x, EVP_PKEY *key, bool so_far)
{
	if (so_far && X509_sign(x, key, EVP_sha256()) != 0)
		return x;
	X509_free(x);
	return NULL;
}

X509 *
certificate_of_authority(EVP_PKEY *key)
{
	X509 *x = certificate_begin(key, "MediCore CA", AUTHORITY_DAYS);
	bool ok = x != NULL && X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
		  add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		  add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		  add_extension(x, x, NID_subject_key_identifier, "hash");

	return certificate_sign(x, key, ok);
}

X509 *
certificate_issue(const struct authority *by, EVP_PKEY *key, const char *name, GENERAL_NAMES *names)
{
	X509 *x = certificate_begin(key, name, DAYS);
	bool ok = x != NULL && X509_set_issuer_name(x, X509_get_subject_name(by->certificate)) == 1 &&
		  add_extension(x, by->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
		  add_extension(x, by->certificate, NID_key_usage, "critical,digitalSignature") &&
		  add_extension(x, by->certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
		  add_extension(x, by->certificate, NID_subject_key_identifier, "hash") &&
		  add_extension(x, by->certificate, NID_authority_key_identifier, "keyid:always") &&
		  X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;

	return certificate_sign(x, by->key, ok);
}
