/* medicore-relay - publishes a database's outbox. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "worker/process.h"
#include "worker/relay.h"
#include "worker/transport.h"

static const char *
scheduling_database(void)
{
	return config->database.scheduling;
}

static const struct outbox outboxes[] = {
	{ "scheduling", "medicore_scheduling_relay", scheduling_database, outbox_pending, outbox_published,
	    outbox_purge },
};

static const struct outbox *
find_outbox(const char *name)
{
	for (size_t i = 0; i < sizeof(outboxes) / sizeof(*outboxes); i++)
		if (strcmp(outboxes[i].name, name) == 0)
			return &outboxes[i];
	fprintf(stderr, "medicore-relay: no outbox in %s\n", name);
	return NULL;
}

int
main(int argc, char **argv)
{
	static const struct process process = {
		.name = "medicore-relay",
		.purpose = "Publishes the events of a domain's database: scheduling.",
		.argument = "DATABASE",
	};
	const struct outbox *outbox;
	struct transport transport;
	const char *name;
	int status;
	bool ran;

	status = process_start(&process, argc, argv, &name);
	if (status >= 0)
		return status;
	outbox = find_outbox(name);
	if (outbox == NULL)
		return 2;
	if (!transport_open(&transport))
		return EXIT_FAILURE;
	ran = relay_run(outbox, &transport);
	transport_close(&transport);
	return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}
