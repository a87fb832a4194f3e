/*
 * certificate.h - X.509 certificates (RFC 5280) of an authority of our own, for mutual TLS among our programs.
 *
 * Keys are EC, P-256.  Every function gives NULL where libcrypto fails, which is for want of memory or of chance, and
 * certificate_error says what it said.
 */
#ifndef CLI_CERTIFICATE_H
#define CLI_CERTIFICATE_H

#include <openssl/x509v3.h>

struct authority {
	X509 *certificate;
	EVP_PKEY *key;
};

EVP_PKEY *certificate_key(void);

/* Of an authority that signs with key, and signs itself. */
X509 *certificate_of_authority(EVP_PKEY *key);

/* By authority for key's owner, whose common name is name: as a server it answers to names, and it may call as well. */
X509 *certificate_issue(const struct authority *by, EVP_PKEY *key, const char *name, GENERAL_NAMES *names);

const char *certificate_error(void);

#endif
