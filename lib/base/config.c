#include "lib/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/address.h"
#include "lib/base/config_table.h"
#include "lib/base/text.h"

#define AT(member) offsetof(struct config, member)
#define LIVE(member) (AT(member) | SETTING_LIVE)
#define MINUTE_MS INT64_C(60000)
#define DAY_S INT64_C(86400)

/* clang-format off */
const struct setting settings[] = {
	{ "database", "host", S_TEXT, AT(database.host), "/var/run/postgresql", NULL, 1, 0,
	  "Directory of PostgreSQL's socket, or a host name; several, parted by commas: the one that takes writes." },
	{ "database", "port", S_INT, AT(database.port), "5432", NULL, 1, 65535,
	  "Port of PostgreSQL; also names its socket." },
	{ "database", "admin", S_TEXT, AT(database.admin), "postgres", NULL, 1, 0,
	  "Role that medicore migrate connects as." },
	{ "database", "password", S_SECRET, LIVE(database.password), NULL, NULL, 0, 0,
	  "Password of the programs' roles, where the server asks for one." },
	{ "database", "patient", S_TEXT, AT(database.patient), "medicore_patient", NULL, 1, 0,
	  "Name of the patients' database." },
	{ "database", "scheduling", S_TEXT, AT(database.scheduling), "medicore_scheduling", NULL, 1, 0,
	  "Name of the appointments' database." },
	{ "database", "billing", S_TEXT, AT(database.billing), "medicore_billing", NULL, 1, 0,
	  "Name of the invoices' database." },
	{ "database", "auth", S_TEXT, AT(database.auth), "medicore_auth", NULL, 1, 0,
	  "Name of the accounts' database." },
	{ "database", "connect_timeout", S_MS, LIVE(database.connect_timeout_ms), "2s", "duration", 1, 10 * MINUTE_MS,
	  "How long a connection may take to be made." },
	{ "database", "statement_timeout", S_MS, AT(database.statement_timeout_ms), "5s", "duration", 1, 60 * MINUTE_MS,
	  "How long a statement may take." },

	{ "web", "engine", S_CHOICE, AT(web.engine), "loop", "loop, libfcgi", 1, 0,
	  "How a FastCGI program takes requests: by one loop for all of them, or by libfcgi and a thread for each request or kept connection; "
	  "then see medicore-httpd(5)." },
	{ "web", "threads", S_INT, AT(web.threads), "8", NULL, 1, 1024,
	  "Database connections of a FastCGI program's process; with engine = libfcgi also the requests that it answers at once." },
	{ "web", "body_max", S_BYTES, LIVE(web.body_max), "64KiB", "size", 1024, INT64_C(1) << 30,
	  "Most bytes of a request's body." },
	{ "web", "request_timeout", S_MS, LIVE(web.request_timeout_ms), "10s", "duration", 1, 60 * MINUTE_MS,
	  "How long a request may take; an answer that streams is free of it." },
	{ "web", "public_url", S_TEXT, LIVE(web.public_url), "", NULL, 0, 0,
	  "What Location and Link begin with; empty: they are paths." },

	{ "web", "rate", S_INT, LIVE(web.rate), "1200", "requests a minute", 0, 1000000,
	  "Most requests of one client, which is an account or, without a login, an address; 0: any number." },
	{ "web", "rate_loopback", S_INT, LIVE(web.rate_loopback), "0", "requests a minute", 0, 1000000,
	  "The same for clients on this machine." },
	{ "web", "state", S_TEXT, AT(web.state), "", NULL, 0, 0,
	  "Directory where a program's processes share what they count; empty: each counts for itself." },

	{ "auth", "url", S_TEXT, AT(auth.url), "http://127.0.0.1:8080", NULL, 1, 0,
	  "Where the other programs ask for public keys and for logins that were ended." },
	{ "auth", "programs_secret", S_SECRET, AT(auth.programs_secret), NULL, NULL, 16, 255,
	  "By which medicore-auth.fcgi knows the other programs; the same for all of them." },
	{ "auth", "keys", S_TEXT, AT(auth.keys), LOCALSTATEDIR "/lib/medicore/keys", NULL, 1, 0,
	  "Directory of the private keys that sign tokens; only medicore-auth.fcgi reads it." },
	{ "auth", "issuer", S_TEXT, AT(auth.issuer), "medicore", NULL, 1, 255,
	  "The iss of tokens." },
	{ "auth", "audience", S_TEXT, AT(auth.audience), "medicore", NULL, 1, 255,
	  "The aud of tokens." },
	{ "auth", "access_lifetime", S_SECONDS, LIVE(auth.access_lifetime_s), "15m", "duration", 1, DAY_S,
	  "How long an access token is good." },
	{ "auth", "refresh_lifetime", S_SECONDS, LIVE(auth.refresh_lifetime_s), "7d", "duration", 1, 365 * DAY_S,
	  "How long a refresh token is good." },
	{ "auth", "hash_memory", S_BYTES, LIVE(auth.hash_memory), "19MiB", "size", INT64_C(19) << 20, INT64_C(1) << 30,
	  "Memory that one argon2id of a password takes." },
	{ "auth", "hash_passes", S_INT, LIVE(auth.hash_passes), "2", NULL, 2, 100,
	  "How often it walks through that." },
	{ "auth", "hashes_at_once", S_INT, AT(auth.hashes_at_once), "2", NULL, 1, 64,
	  "Passwords that one process hashes at once; twice as many may wait, the rest get 503 at once." },
	{ "auth", "login_failures", S_INT, LIVE(auth.login_failures), "5", NULL, 0, 1000,
	  "Failed logins in a row before the next have to wait; 0: they never do." },

	{ "audit", "spool", S_TEXT, AT(audit.spool), LOCALSTATEDIR "/spool/medicore/audit", NULL, 1, 0,
	  "Directory where programs note who read or changed what, until the relay has stored it." },
	{ "audit", "key", S_SECRET, AT(audit.key), NULL, NULL, 32, 255,
	  "Key of the chain of audit entries; the relay and medicore audit know it." },
	{ "audit", "seal", S_TEXT, AT(audit.seal), LOCALSTATEDIR "/lib/medicore/audit", NULL, 1, 0,
	  "Directory where the relay seals the end of each chain." },

	{ "tls", "certificate", S_TEXT, AT(tls.certificate), "", NULL, 0, 0,
	  "Certificate (PEM) of our gRPC, for addresses other than loopback (empty: loopback only), and by which auth and Kafka know us." },
	{ "tls", "key", S_TEXT, AT(tls.key), "", NULL, 0, 0,
	  "Its private key (PEM)." },
	{ "tls", "ca", S_TEXT, AT(tls.ca), "", NULL, 0, 0,
	  "Certificates (PEM) that sign those who may call, and those whom we call: gRPC, https, Kafka." },

	{ "patientd", "listen", S_ADDRESS, AT(patientd.listen), "127.0.0.1:9000", "host:port", 1, 0,
	  "Where medicore-patientd answers." },
	{ "patientd", "stop_grace", S_MS, AT(patientd.stop_grace_ms), "10s", "duration", 0, 60 * MINUTE_MS,
	  "How long calls under way may go on after SIGTERM." },
	{ "billingd", "listen", S_ADDRESS, AT(billingd.listen), "127.0.0.1:9001", "host:port", 1, 0,
	  "Where medicore-billingd answers." },
	{ "billingd", "stop_grace", S_MS, AT(billingd.stop_grace_ms), "10s", "duration", 0, 60 * MINUTE_MS,
	  "How long calls under way may go on after SIGTERM." },

	{ "patient_service", "target", S_ADDRESS, AT(patient_service.target), "127.0.0.1:9000", "host:port", 1, 0,
	  "Where patient.PatientService answers, for those who verify patients." },
	{ "patient_service", "timeout", S_MS, LIVE(patient_service.timeout_ms), "500ms", "duration", 1, 10 * MINUTE_MS,
	  "How long its answer may take." },

	{ "events", "transport", S_CHOICE, AT(events.transport), "direct", "direct, kafka", 1, 0,
	  "How bookings reach billing: over Kafka, or directly over a socket on one server." },
	{ "events", "brokers", S_TEXT, AT(events.brokers), "127.0.0.1:9092", NULL, 0, 0,
	  "Kafka's bootstrap list, host:port parted by commas." },
	{ "events", "tls", S_CHOICE, AT(events.tls), "no", "no, yes", 1, 0,
	  "Whether Kafka is spoken to by mutual TLS, with the files of [tls]." },
	{ "events", "socket", S_TEXT, AT(events.socket), RUNSTATEDIR "/medicore/worker/events.sock", NULL, 1, 0,
	  "The billing worker's unix socket, with the direct transport." },
	{ "events", "partitions", S_INT, AT(events.partitions), "6", NULL, 1, 10000,
	  "Partitions of the topics that medicore migrate makes." },
	{ "events", "replication", S_INT, AT(events.replication), "1", NULL, 1, 100,
	  "Copies that Kafka keeps of each of them." },
	{ "events", "batch", S_INT, AT(events.batch), "500", NULL, 1, 1000,
	  "Most events taken at once." },
	{ "events", "instance", S_NAME, AT(events.instance), "billing-worker-1", NULL, 1, 0,
	  "Name of this billing worker among its group; each has its own." },
	{ "events", "keep", S_SECONDS, LIVE(events.keep_s), "7d", "duration", 0, 3650 * DAY_S,
	  "How long published events can be published again." },

	{ "billing", "currency", S_CURRENCY, AT(billing.currency), "USD", "ISO 4217", 1, 0,
	  "Currency where a request names none." },
	{ "billing", "terms_days", S_INT, LIVE(billing.terms_days), "30", "days", 0, 3650,
	  "How long an invoice has to be paid, where it names no date itself." },
	{ "billing", "series", S_TEXT, LIVE(billing.series), "", NULL, 0, 20,
	  "What invoice numbers begin with, before the year." },
	{ "billing", "late_hours", S_INT, LIVE(billing.late_hours), "0", "hours", 0, 8760,
	  "Who cancels later than this before the start pays late_service; 0: nobody does." },
	{ "billing", "late_service", S_TEXT, LIVE(billing.late_service), "", NULL, 0, 64,
	  "Service code of that fee; empty: none." },
	{ "billing", "no_show_service", S_TEXT, LIVE(billing.no_show_service), "", NULL, 0, 64,
	  "Service code of the fee for who didn't come; empty: none." },
	{ "scheduling", "zone", S_ZONE, AT(scheduling.zone), "UTC", "IANA time zone", 1, 0,
	  "The clinic's time zone: it decides what day it is, and where a booking names none." },
	{ "clinic", "name", S_TEXT, LIVE(clinic.name), "MediCore Clinic", NULL, 1, 200,
	  "Name of the clinic on its documents." },
	{ "clinic", "address", S_TEXT, LIVE(clinic.address), "", NULL, 0, 500,
	  "Its address there; lines are parted by \"; \"." },
	{ "clinic", "phone", S_TEXT, LIVE(clinic.phone), "", NULL, 0, 64,
	  "Its telephone number there." },
	{ "clinic", "tax_number", S_TEXT, LIVE(clinic.tax_number), "", NULL, 0, 64,
	  "Its tax number there." },
	{ "metrics", "directory", S_TEXT, AT(metrics.directory), RUNSTATEDIR "/medicore/metrics", NULL, 0, 0,
	  "Directory where programs count, for `medicore metrics` and Prometheus; empty: nobody sees it." },
	{ "log", "level", S_CHOICE, LIVE(log.level), "info", "debug, info, warning, error", 1, 0,
	  "Least level that is logged." },
	{ .section = NULL }
};
/* clang-format on */

static const struct config nothing;
static struct settings_read *loaded; /* what is in force */
static const char *loaded_path;	     /* config_load's */

const struct config *_Atomic config = &nothing;

bool
config_load(const char *path)
{
	struct settings_read *r = settings_read(path, stderr);

	if (r == NULL)
		return false;
	settings_forget(loaded); /* a test's: programs load once */
	loaded = r;
	loaded_path = path;
	config = &r->values;
	return true;
}

/* --- again --- */

static void
take_value(const struct setting *s, const struct settings_read *from, struct settings_read *into)
{
	bool is_int = s->type == S_INT, is_number = s->type == S_BYTES || s->type == S_MS || s->type == S_SECONDS;
	size_t size = is_int ? sizeof(int) : is_number ? sizeof(int64_t) : sizeof(const char *);

	memcpy((char *)&into->values + setting_at(s), (const char *)&from->values + setting_at(s), size);
	into->sources[s - settings] = from->sources[s - settings];
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
add_name(struct buf *names, const struct setting *s)
{
	buf_addf(names, "%s%s.%s", names->length == 0 ? "" : ", ", s->section, s->key);
}

/* What changed is taken where that is safe; the rest stays as it is in what was read, and is named. */
static void
merge(struct settings_read *fresh, struct buf *taken, struct buf *waiting)
{
	for (const struct setting *s = settings; s->section != NULL; s++) {
		if (same_text(fresh->sources[s - settings].text, loaded->sources[s - settings].text))
			continue;
		add_name(setting_live(s) ? taken : waiting, s);
		if (!setting_live(s))
			take_value(s, loaded, fresh);
	}
}

/* To a program that may not read its file a secret isn't set, but one that it had is not unset by that. */
static bool
secrets_there(const struct settings_read *fresh, FILE *say)
{
	bool there = true;

	for (const struct setting *s = settings; s->section != NULL; s++) {
		const struct setting_source *from = &fresh->sources[s - settings];

		if (from->file == NULL || from->text != NULL || loaded->sources[s - settings].text == NULL)
			continue;
		fprintf(say, "%s: [%s] %s_file: %s: may not be read any more\n", from->where, s->section, s->key, from->file);
		there = false;
	}
	return there;
}

bool
config_reload(struct arena *a, struct config_change *ret_change)
{
	struct buf taken = { .arena = a }, waiting = { .arena = a };
	struct settings_read *fresh;
	char *said = NULL;
	size_t length = 0;
	FILE *say = open_memstream(&said, &length);

	*ret_change = (struct config_change){ 0 };
	if (say == NULL)
		abort();
	fresh = settings_read(loaded_path, say);
	if (fresh != NULL && !secrets_there(fresh, say)) {
		settings_forget(fresh);
		fresh = NULL;
	}
	fclose(say);
	ret_change->wrong = fresh == NULL ? arena_strdup(a, said) : NULL;
	free(said);
	if (fresh == NULL)
		return false;
	merge(fresh, &taken, &waiting);
	ret_change->taken = taken.length > 0 ? taken.bytes : NULL;
	ret_change->waiting = waiting.length > 0 ? waiting.bytes : NULL;
	fresh->before = loaded;
	loaded = fresh;
	config = &fresh->values;
	return true;
}

/* --- shown --- */

static const char *
type_name(const struct setting *s)
{
	if (s->unit != NULL)
		return s->unit;
	return s->type == S_INT ? "number" : s->type == S_SECRET ? "secret" : "text";
}

void
config_print(FILE *to)
{
	const char *section = "";

	for (const struct setting *s = settings; s->section != NULL; s++) {
		const struct setting_source *from = &loaded->sources[s - settings];

		if (strcmp(section, s->section) != 0)
			fprintf(to, "%s[%s]\n", *section == '\0' ? "" : "\n", s->section);
		section = s->section;
		fprintf(to, "# %s\n# %s%s; from %s\n", s->help, type_name(s), setting_live(s) ? ", taken by a reload" : "",
		    from->where == NULL ? "its default" : from->where);
		if (s->type != S_SECRET)
			fprintf(to, "%s = %s\n", s->key, from->text);
		else
			fprintf(to, "# %s %s\n", s->key, from->text == NULL ? "is not set" : "is set, and not shown");
	}
}

static const struct setting_source *
source_of(const char *section, const char *key)
{
	const struct setting *s = settings;

	while (strcmp(s->section, section) != 0 || strcmp(s->key, key) != 0)
		s++; /* it is there: whoever asks has it by heart */
	return &loaded->sources[s - settings];
}

const char *
config_where(const char *section, const char *key)
{
	return source_of(section, key)->where;
}

const char *
config_text(const char *section, const char *key)
{
	return source_of(section, key)->text;
}

const char *
config_secret_file(const char *section, const char *key)
{
	return source_of(section, key)->file;
}
