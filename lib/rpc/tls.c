#include "lib/rpc/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/address.h"
#include "lib/base/config.h"

/* How often the library looks whether the files have changed. */
#define REFRESH_S 5

/* --- are the files fit for it? --- */

static bool
is_set(const char *setting)
{
	return setting != NULL && *setting != '\0'; /* NULL: a test that read no configuration */
}

static const char *
settings_missing(struct arena *a)
{
	const struct {
		const char *name, *value;
	} needed[] = {
		{ "certificate", config->tls.certificate },
		{ "key", config->tls.key },
		{ "ca", config->tls.ca },
	};
	const char *missing = "";

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!is_set(needed[i].value))
			missing =
			    arena_printf(a, "%s%s%s", missing, *missing != '\0' ? ", " : "", needed[i].name);
	return *missing == '\0' ? NULL : arena_printf(a, "[tls] %s not set", missing);
}

/* The file open, or NULL and *ret_why. */
static FILE *
open_file(struct arena *a, const char *path, const char **ret_why)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		*ret_why = arena_printf(a, "%s: %s", path, strerror(errno));
	return f;
}

static X509 *
read_certificate(struct arena *a, const char *path, const char **ret_why)
{
	FILE *f = open_file(a, path, ret_why);
	X509 *certificate;

	if (f == NULL)
		return NULL;
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (certificate == NULL)
		*ret_why = arena_printf(a, "%s: there is no certificate (PEM) in it", path);
	return certificate;
}

static EVP_PKEY *
read_key(struct arena *a, const char *path, const char **ret_why)
{
	static char no_phrase[] = ""; /* rather than being asked for one on the terminal */
	FILE *f = open_file(a, path, ret_why);
	EVP_PKEY *key;

	if (f == NULL)
		return NULL;
	key = PEM_read_PrivateKey(f, NULL, NULL, no_phrase);
	fclose(f);
	if (key == NULL)
		*ret_why =
		    arena_printf(a, "%s: there is no private key (PEM, without a pass phrase) in it", path);
	return key;
}

static const char *
pair_trouble(struct arena *a, X509 *certificate, EVP_PKEY *key)
{
	if (X509_check_private_key(certificate, key) != 1)
		return arena_printf(
		    a, "%s: it is not the key of %s", config->tls.key, config->tls.certificate);
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		return arena_printf(a, "%s: the certificate has expired", config->tls.certificate);
	return NULL;
}

const char *
tls_trouble(struct arena *a)
{
	const char *why = settings_missing(a);
	X509 *certificate = NULL, *ca = NULL;
	EVP_PKEY *key = NULL;

	if (why == NULL)
		certificate = read_certificate(a, config->tls.certificate, &why);
	if (why == NULL)
		key = read_key(a, config->tls.key, &why);
	if (why == NULL)
		ca = read_certificate(a, config->tls.ca, &why);
	if (why == NULL)
		why = pair_trouble(a, certificate, key);
	X509_free(certificate);
	X509_free(ca);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return why;
}

/* --- credentials --- */

/* NULL, and said, where there can be none. */
static grpc_tls_credentials_options *
options_new(const char *doing, const char *address)
{
	grpc_tls_certificate_provider *files;
	grpc_tls_credentials_options *options;
	struct arena *a = arena_new();
	const char *why = tls_trouble(a);

	if (why != NULL)
		fprintf(stderr,
		    "%s %s: it is not loopback, so mutual TLS is needed: %s\n"
		    "  medicore certs DIRECTORY makes certificates, and says what to set\n",
		    doing, address, why);
	arena_free(a);
	if (why != NULL)
		return NULL;
	files = grpc_tls_certificate_provider_file_watcher_create(
	    config->tls.key, config->tls.certificate, config->tls.ca, REFRESH_S);
	options = grpc_tls_credentials_options_create();
	grpc_tls_credentials_options_set_certificate_provider(options, files);
	grpc_tls_certificate_provider_release(files);
	grpc_tls_credentials_options_watch_root_certs(options);
	grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
	return options;
}

grpc_server_credentials *
tls_server_credentials(const char *address)
{
	grpc_tls_credentials_options *options;

	if (address_is_loopback(address))
		return grpc_insecure_server_credentials_create();
	options = options_new("can't listen on", address);
	if (options == NULL)
		return NULL;
	grpc_tls_credentials_options_set_cert_request_type(
	    options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
	return grpc_tls_server_credentials_create(options);
}

/* The library checks that the server's certificate is of the host that we call, unless told otherwise. */
grpc_channel_credentials *
tls_channel_credentials(const char *address)
{
	grpc_tls_credentials_options *options;

	if (address_is_loopback(address))
		return grpc_insecure_credentials_create();
	options = options_new("can't call", address);
	return options == NULL ? NULL : grpc_tls_credentials_create(options);
}
