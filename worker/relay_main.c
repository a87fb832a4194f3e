/* medicore-relay - takes what a domain's programs leave behind to where it belongs: events out of the outbox, audit entries out of
 * the spool, invoices to their numbers. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/auth/auth.h"
#include "domain/billing/billing.h"
#include "domain/patient/patient.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "worker/collector.h"
#include "worker/invoices.h"
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
	.look_ms = 200,
	.outbox = &billing_outbox, /* not direct: nobody here takes them */
};

/* Each a thread with a connection of its own: a broker that is away keeps no audit entry and no invoice waiting. */
#define TASKS_MAX 2

struct duty {
	struct trail trail;
	int schema;
	const struct relayed *events; /* NULL: the domain has none */
	bool invoices;                /* are looked after */
};

static const struct duty duties[] = {
	{ { "patient", "medicore_patient_relay", patient_database, NULL }, PATIENT_SCHEMA, NULL, false },
	{ { "scheduling", "medicore_scheduling_relay", scheduling_database, NULL }, SCHEDULING_SCHEMA, &scheduling, false },
	{ { "billing", "medicore_billing_relay", billing_database, NULL }, BILLING_SCHEMA, &billing, true },
	{ { "auth", "medicore_auth_relay", auth_database, auth_purge }, AUTH_SCHEMA, NULL, false },
};
#define DUTIES (sizeof(duties) / sizeof(*duties))

/* How a thread ended; the others are to end with one that couldn't do its work. */
static void *
ended(bool ran)
{
	if (!ran)
		process_stop();
	return (void *)(uintptr_t)ran;
}

static void *
relay_events(void *arg)
{
	const struct duty *duty = arg;
	struct transport transport;
	bool ran;

	ran = transport_open(duty->events, &transport);
	if (ran) {
		ran = relay_run(duty->events, &transport);
		transport_close(&transport);
	}
	return ended(ran);
}

static void *
look_after_invoices(void *arg)
{
	const struct duty *duty = arg;

	return ended(invoices_run(duty->trail.database(), duty->trail.role));
}

static void
count(const struct duty *duty)
{
	char name[64];

	snprintf(name, sizeof(name), "medicore-relay-%s", duty->trail.domain);
	process_count(name, METRICS_AUDIT | (duty->events != NULL ? METRICS_OUTBOX : 0) | (duty->invoices ? METRICS_INVOICES : 0));
}

static bool
run(const struct duty *duty)
{
	void *(*const tasks[TASKS_MAX])(void *) = {
		duty->events != NULL ? relay_events : NULL,
		duty->invoices ? look_after_invoices : NULL,
	};
	pthread_t threads[TASKS_MAX];
	bool started[TASKS_MAX] = { false }, ran = true;
	void *result;

	for (size_t i = 0; i < TASKS_MAX; i++) {
		int err = tasks[i] == NULL ? 0 : pthread_create(&threads[i], NULL, tasks[i], (void *)(uintptr_t)duty);

		started[i] = tasks[i] != NULL && err == 0;
		if (err != 0) {
			fprintf(stderr, "medicore-relay: a thread: %s\n", strerror(err));
			ran = ended(false) != NULL;
		}
	}
	if (ended(collector_run(&duty->trail)) == NULL)
		ran = false;
	for (size_t i = 0; i < TASKS_MAX; i++)
		if (started[i]) {
			pthread_join(threads[i], &result);
			ran = ran && result != NULL;
		}
	process_end();
	return ran;
}

static int
do_duty(const struct duty *duty)
{
	int status;

	count(duty);
	status = process_schema(duty->trail.database(), duty->trail.role, duty->schema);
	if (status >= 0)
		return status;
	return run(duty) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static const struct process process = {
		.name = "medicore-relay",
		.purpose = "Stores a domain's audit trail, publishes its events, numbers its invoices: patient, scheduling, billing, auth.",
		.argument = "DATABASE",
	};
	const char *name;
	int status;

	status = process_start(&process, argc, argv, &name);
	if (status >= 0)
		return status;
	for (size_t i = 0; i < DUTIES; i++)
		if (strcmp(duties[i].trail.domain, name) == 0)
			return do_duty(&duties[i]);
	fprintf(stderr, "medicore-relay: there is no database %s\n", name);
	return 2;
}
