/*
 * config.h - the settings, from an INI file and the environment.
 *
 * One table (config.c) has a row for each setting: section, key, type, default, unit, help.  It parses, checks
 * and prints --print-config.  Each can also be set as MEDICORE__SECTION__KEY, which wins over
 * the file; a secret's file as MEDICORE__SECTION__KEY_FILE or `key_file`.  An unknown setting or a bad value is
 * an error that names file, line and reason.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/arena.h"

struct config {
	struct {
		const char *host;	     /* directory of the unix socket, or a host name */
		int port;
		const char *admin;	     /* role that `medicore migrate` connects as */
		const char *password;	     /* secret; NULL: none */
		const char *patient;	     /* names of the databases */
		const char *scheduling;
		const char *billing;
		const char *auth;
		int64_t connect_timeout_ms;
		int64_t statement_timeout_ms;
	} database;
	struct {
		const char *engine;	     /* of FastCGI programs */
		int threads;		     /* per FastCGI program */
		int64_t body_max;	     /* bytes of a request's body */
		int64_t request_timeout_ms;  /* all of a request but a streaming answer */
		const char *public_url;	     /* "" : paths only, in Location and Link */
		int rate;		     /* most requests a minute of one client; 0: any number */
		int rate_loopback;	     /* the same for clients on this machine */
		const char *state;	     /* directory of what a program's processes share; "": nothing */
	} web;
	struct {
		const char *url;	     /* without a slash at its end: where keys and ended logins are asked for */
		const char *programs_secret; /* secret; NULL: none */
		const char *keys;	     /* directory of private keys */
		const char *issuer, *audience;
		int64_t access_lifetime_s, refresh_lifetime_s;
		int64_t hash_memory;	     /* bytes of one argon2id */
		int hash_passes;
		int hashes_at_once;	     /* per process */
		int login_failures;	     /* in a row, before the next have to wait; 0: never */
	} auth;
	struct {
		const char *spool;	     /* directory */
		const char *key;	     /* secret; NULL: none */
		const char *seal;	     /* directory */
	} audit;
	struct {
		const char *certificate, *key, *ca; /* PEM files; "": none */
	} tls;
	struct {
		const char *listen;	     /* host:port */
		int64_t stop_grace_ms;
	} patientd, billingd;
	struct {
		const char *target;	     /* where patient.PatientService answers */
		int64_t timeout_ms;
	} patient_service;
	struct {
		const char *transport;	     /* "kafka" or "direct" */
		const char *brokers;	     /* bootstrap list; "" with direct */
		const char *tls;	     /* "yes": mutual TLS to the brokers; NULL or "no": in clear */
		const char *socket;	     /* path of the worker's unix socket, with direct */
		int partitions;
		int replication;
		int batch;		     /* events taken at once */
		const char *instance;	     /* group.instance.id of this worker: static membership */
		int64_t keep_s;		     /* how long published outbox rows stay */
	} events;
	struct {
		const char *currency;	     /* where a request names none */
		int terms_days;		     /* from issue to due date */
		const char *series;	     /* before the year in numbers: "A-" makes A-2026-000123 */
		int late_hours;		     /* cancelled later than this before the start costs; 0: never */
		const char *late_service;    /* the fee's service code; "": none */
		const char *no_show_service; /* the same for who didn't come */
	} billing;
	struct {
		const char *zone;	     /* IANA name: the clinic's own, and where a booking names none */
	} scheduling;
	struct {
		const char *name, *address, *phone, *tax_number; /* as documents show them; address in lines parted by "; " */
	} clinic;
	struct {
		const char *directory;	     /* of a file for each program; "": none */
	} metrics;
	struct {
		const char *level;	     /* debug, info, warning, error */
	} log;
};

/* The only global: filled by config_load at start-up.  What it points to never changes; config_reload puts other settings in its place, so two
 * looks at it may see two of them, and nothing is freed. */
extern const struct config *_Atomic config;

/* Reads path (NULL: $MEDICORE_CONFIG, else the installed medicore.conf if there is one, else defaults alone), then the
 * environment.  Prints each error as "file:line: reason" to standard error and returns false. */
bool config_load(const char *path);

/* What a reload has done. */
struct config_change {
	const char *wrong;   /* lines that say why nothing was taken; NULL: all is well */
	const char *taken;   /* names of the settings that changed; NULL: none */
	const char *waiting; /* names of those that a new start would change; NULL: none */
};

/* Reads the same again, and takes what may be taken at any moment.  False where anything is wrong, or a secret that there was may not be read
 * any more: then all stays as it is.  One thread at a time. */
bool config_reload(struct arena *a, struct config_change *ret_change);

/* "file:line", or the variable's name; NULL: the default is in force. */
const char *config_where(const char *section, const char *key);

/* The value as it is in force, as text; NULL: a secret that there is none of. */
const char *config_text(const char *section, const char *key);

/* The file whose content it is, whether or not we may read that; NULL: none. */
const char *config_secret_file(const char *section, const char *key);

/* Every setting with its value and where it comes from, as a file that config_load takes; secrets are not shown. */
void config_print(FILE *to);

#endif
