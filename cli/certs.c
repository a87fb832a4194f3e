/* certs.c - medicore certs: an authority and certificates for mutual TLS among our programs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/certificate.h"
#include "cli/cli.h"
#include "lib/rpc/peer.h"

/* Who serves, and who calls the patient service. */
static const char *const everybody[] = { "patientd", "billingd", "scheduling", "billing", "billing-worker",
	"operator" };

struct certs {
	struct cli *cli;
	char directory[PATH_MAX];
	struct authority authority;
};

static const char *
path_of(const struct certs *c, const char *name, const char *suffix)
{
	return arena_printf(c->cli->arena, "%s/%s%s", c->directory, name, suffix);
}

static bool
complain(const struct certs *c, const char *mend, const char *path, const char *why)
{
	cli_error(c->cli, mend, "%s: %s", path, why);
	return false;
}

/* --- files --- */

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Made beside its place and put there when it is whole, so that nobody ever reads half of it.  Exactly one of key and
 * certificate. */
static bool
write_file(const struct certs *c, const char *path, mode_t mode, EVP_PKEY *key, X509 *certificate)
{
	const char *beside = arena_printf(c->cli->arena, "%s.new", path);
	FILE *f = NULL;
	bool ok;
	int fd;

	(void)unlink(beside); /* of a run that was cut off */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f == NULL)
		return complain(c, NULL, beside, strerror(errno));
	ok = key != NULL ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1
			 : PEM_write_X509(f, certificate) == 1;
	ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
	ok = fclose(f) == 0 && ok && rename(beside, path) == 0;
	return ok || complain(c, NULL, path, strerror(errno));
}

static EVP_PKEY *
read_key(const struct certs *c, const char *path)
{
	static char no_phrase[] = "";
	FILE *f = fopen(path, "re");
	EVP_PKEY *key;

	if (f == NULL) {
		complain(c, NULL, path, strerror(errno));
		return NULL;
	}
	key = PEM_read_PrivateKey(f, NULL, NULL, no_phrase);
	fclose(f);
	if (key == NULL)
		complain(c, NULL, path, "there is no private key (PEM, without a pass phrase) in it");
	return key;
}

static X509 *
read_certificate(const struct certs *c, const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *certificate;

	if (f == NULL) {
		complain(c, NULL, path, strerror(errno));
		return NULL;
	}
	certificate = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	if (certificate == NULL)
		complain(c, NULL, path, "there is no certificate (PEM) in it");
	return certificate;
}

static bool
open_directory(struct certs *c, const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return complain(c, NULL, path, strerror(errno));
	return realpath(path, c->directory) != NULL || complain(c, NULL, path, strerror(errno));
}

/* --- the authority --- */

static bool
make_authority(struct certs *c, const char *certificate, const char *key)
{
	struct authority *a = &c->authority;

	a->key = certificate_key();
	a->certificate = a->key != NULL ? certificate_of_authority(a->key) : NULL;
	if (a->certificate == NULL)
		return complain(c, NULL, certificate, certificate_error());
	if (!write_file(c, key, 0600, a->key, NULL) ||
	    !write_file(c, certificate, 0644, NULL, a->certificate))
		return false;
	printf("%s: made; %s signs for it\n", certificate, key);
	return true;
}

/* What it signed is worth what its key is: another one in its place would make all of that worthless. */
static bool
open_authority(struct certs *c)
{
	const char *certificate = path_of(c, "ca", ".crt"), *key = path_of(c, "ca", ".key");
	struct authority *a = &c->authority;

	if (!exists(certificate) && !exists(key))
		return make_authority(c, certificate, key);
	a->certificate = read_certificate(c, certificate);
	a->key = a->certificate != NULL ? read_key(c, key) : NULL;
	if (a->key == NULL)
		return false;
	if (X509_check_private_key(a->certificate, a->key) != 1)
		return complain(c, "an authority is not made anew: take another directory", key,
		    "it is not the key of ca.crt");
	return true;
}

static void
close_authority(struct certs *c)
{
	X509_free(c->authority.certificate);
	EVP_PKEY_free(c->authority.key);
}

/* --- the names that a certificate is for --- */

static bool
add_name(GENERAL_NAMES *names, int type, const char *value)
{
	GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, type, value, 0);

	if (name == NULL)
		return false;
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool
is_host_name(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";

	return *text != '\0' && strlen(text) <= 253 && text[strspn(text, allowed)] == '\0';
}

/* "dns:HOST" or "ip:ADDRESS" */
static bool
add_given(GENERAL_NAMES *names, const char *text)
{
	if (strncmp(text, "dns:", 4) == 0)
		return is_host_name(text + 4) && add_name(names, GEN_DNS, text + 4);
	return strncmp(text, "ip:", 3) == 0 && add_name(names, GEN_IPADD, text + 3);
}

/* "dns:HOST,ip:ADDRESS,…" */
static bool
add_list(const struct certs *c, GENERAL_NAMES *names, const char *list)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		const char *one = arena_strndup(c->cli->arena, list, n);

		if (!add_given(names, one)) {
			cli_usage(c->cli, "'%s': dns:HOST or ip:ADDRESS is needed", one);
			return false;
		}
		list += n + (list[n] == ',');
	}
	return true;
}

/* Those of the certificate that is renewed. */
static GENERAL_NAMES *
names_before(const struct certs *c, const char *path)
{
	X509 *before = read_certificate(c, path);
	GENERAL_NAMES *names = NULL;

	if (before != NULL)
		names = X509_get_ext_d2i(before, NID_subject_alt_name, NULL, NULL);
	X509_free(before);
	return names;
}

/* Those of this machine alone. */
static GENERAL_NAMES *
names_here(const char *name)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	if (names != NULL && add_name(names, GEN_DNS, name) && add_name(names, GEN_DNS, "localhost") &&
	    add_name(names, GEN_IPADD, "127.0.0.1") && add_name(names, GEN_IPADD, "::1"))
		return names;
	GENERAL_NAMES_free(names);
	return NULL;
}

/* --- a certificate --- */

static void
report(const char *path, X509 *certificate)
{
	struct tm until;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1)
		printf("%s: good until %04d-%02d-%02d\n", path, until.tm_year + 1900, until.tm_mon + 1,
		    until.tm_mday);
}

/* The key stays when a certificate is renewed: then there is no moment in which the two don't fit. */
static EVP_PKEY *
open_key(const struct certs *c, const char *path)
{
	EVP_PKEY *key;

	if (exists(path))
		return read_key(c, path);
	key = certificate_key();
	if (key != NULL && write_file(c, path, 0600, key, NULL))
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static bool
issue(const struct certs *c, const char *name, GENERAL_NAMES *names)
{
	const char *path = path_of(c, name, ".crt");
	EVP_PKEY *key = open_key(c, path_of(c, name, ".key"));
	X509 *certificate = key != NULL ? certificate_issue(&c->authority, key, name, names) : NULL;
	bool ok = certificate != NULL && write_file(c, path, 0644, NULL, certificate);

	if (key != NULL && certificate == NULL)
		complain(c, NULL, path, certificate_error());
	if (ok)
		report(path, certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ok;
}

/* NAME or NAME=dns:HOST,ip:ADDRESS */
static int
make(const struct certs *c, const char *asked)
{
	size_t n = strcspn(asked, "=");
	const char *name = arena_strndup(c->cli->arena, asked, n), *path = path_of(c, name, ".crt");
	bool renew = asked[n] == '\0' && exists(path);
	GENERAL_NAMES *names;
	int status = CLI_FAILED;

	if (!peer_name_valid(name, n) || *name == '.' || strcmp(name, "ca") == 0)
		return cli_usage(c->cli,
		    "'%s': a name has 1 to 64 letters, digits, '.', '_' or '-', and is not 'ca'", name);
	names = renew ? names_before(c, path) : names_here(name);
	if (names == NULL)
		return cli_error(
		    c->cli, "name its hosts again: NAME=dns:HOST,ip:ADDRESS", "%s: can't be renewed", path);
	if (asked[n] == '=' && !add_list(c, names, asked + n + 1))
		status = CLI_USAGE;
	else if (issue(c, name, names))
		status = CLI_DONE;
	GENERAL_NAMES_free(names);
	return status;
}

static void
advise(const struct certs *c, const char *name)
{
	name = arena_strndup(c->cli->arena, name, strcspn(name, "="));
	printf("\nA program's settings, here %s's (in a file that several share, each its own by the "
	       "environment:\n"
	       "MEDICORE__TLS__CERTIFICATE, MEDICORE__TLS__KEY):\n\n"
	       "[tls]\n"
	       "certificate = %s\n"
	       "key = %s\n"
	       "ca = %s\n\n"
	       "Let its user own its key (chown), and keep ca.key away from the servers.\n",
	    name, path_of(c, name, ".crt"), path_of(c, name, ".key"), path_of(c, "ca", ".crt"));
}

static int
make_all(struct certs *c, const char *directory, const char *const *names, size_t count)
{
	int status = CLI_DONE;

	if (!open_directory(c, directory) || !open_authority(c))
		return CLI_FAILED;
	for (size_t i = 0; i < count && status == CLI_DONE; i++)
		status = make(c, names[i]);
	if (status == CLI_DONE)
		advise(c, names[0]);
	return status;
}

int
verb_certs(struct cli *cli, int argc, char **argv)
{
	struct certs c = { .cli = cli };
	int status;

	if (argc < 2 || argv[1][0] == '-')
		return cli_usage(cli, "which directory?");
	if (argc > 2)
		status = make_all(&c, argv[1], (const char *const *)argv + 2, (size_t)argc - 2);
	else
		status = make_all(&c, argv[1], everybody, sizeof(everybody) / sizeof(*everybody));
	close_authority(&c);
	return status;
}
