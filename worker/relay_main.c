/* medicore-relay - takes what a domain's programs leave behind to where it belongs: events out of the outbox, audit entries out of
 * the spool. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/auth/auth.h"
#include "domain/billing/billing.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "worker/collector.h"
#include "worker/process.h"
#include "worker/relay.h"
#include "worker/transport.h"

static const char *
patient_database(void)
{
	return config->database.patient;
}

static const char *
scheduling_database(void)
{
	return config->database.scheduling;
}

static const char *
billing_database(void)
{
	return config->database.billing;
}

static const char *
auth_database(void)
{
	return config->database.auth;
}

static const struct relayed scheduling = {
	.role = "medicore_scheduling_relay",
	.database = scheduling_database,
	.outbox = &scheduling_outbox,
	.direct = true,
};

static const struct relayed billing = {
	.role = "medicore_billing_relay",
	.database = billing_database,
	.outbox = &billing_outbox,
};

static const struct {
	struct trail trail;
	const struct relayed *events; /* NULL: the domain has none */
} databases[] = {
	{ { "patient", "medicore_patient_relay", patient_database, NULL }, NULL },
	{ { "scheduling", "medicore_scheduling_relay", scheduling_database, NULL }, &scheduling },
	{ { "billing", "medicore_billing_relay", billing_database, NULL }, &billing },
	{ { "auth", "medicore_auth_relay", auth_database, auth_purge }, NULL },
};
#define DATABASES (sizeof(databases) / sizeof(*databases))

/* The outbox has a thread and a connection of its own: a broker that is away keeps no audit entry waiting. */
static void *
relay(void *from)
{
	struct transport transport;
	bool ran;

	ran = transport_open(from, &transport);
	if (ran) {
		ran = relay_run(from, &transport);
		transport_close(&transport);
	}
	if (!ran)
		kill(getpid(), SIGTERM); /* which the other one waits for */
	return (void *)(uintptr_t)ran;
}

static bool
run(const struct trail *trail, const struct relayed *from)
{
	void *relayed = (void *)(uintptr_t) true;
	pthread_t thread;
	bool ran;
	int err;

	if (from == NULL)
		return collector_run(trail);
	err = pthread_create(&thread, NULL, relay, (void *)(uintptr_t)from);
	if (err != 0) {
		fprintf(stderr, "medicore-relay: a thread: %s\n", strerror(err));
		return false;
	}
	ran = collector_run(trail);
	if (!ran)
		kill(getpid(), SIGTERM);
	pthread_join(thread, &relayed);
	return ran && relayed != NULL;
}

int
main(int argc, char **argv)
{
	static const struct process process = {
		.name = "medicore-relay",
		.purpose = "Stores a domain's audit trail, and publishes its events: patient, scheduling, billing, auth.",
		.argument = "DATABASE",
	};
	const char *name;
	int status;

	status = process_start(&process, argc, argv, &name);
	if (status >= 0)
		return status;
	for (size_t i = 0; i < DATABASES; i++)
		if (strcmp(databases[i].trail.domain, name) == 0)
			return run(&databases[i].trail, databases[i].events) ? EXIT_SUCCESS : EXIT_FAILURE;
	fprintf(stderr, "medicore-relay: there is no database %s\n", name);
	return 2;
}
