/* medicore-scheduling.fcgi - REST /appointments. */
#include "domain/scheduling/scheduling.h"
#include "fcgi/scheduling/handlers.h"
#include "grpc/patient_client.h"
#include "lib/base/config.h"
#include "lib/metrics/metrics.h"
#include "worker/event_codec.h"

const struct scheduling_ports scheduling_ports = {
	.patients_exist = patient_client_exist,
	.encode_booked = event_encode_booked,
	.encode_cancelled = event_encode_cancelled,
	.encode_rescheduled = event_encode_rescheduled,
	.encode_checked_in = event_encode_checked_in,
	.encode_completed = event_encode_completed,
	.encode_no_show = event_encode_no_show,
};

static const char *
database(void)
{
	return config->database.scheduling;
}

int
main(int argc, char **argv)
{
	static const struct web_program program = {
		.name = "medicore-scheduling.fcgi",
		.title = "Scheduling",
		.routes = scheduling_routes,
		.database = database,
		.role = "medicore_scheduling_rest",
		.schema = SCHEDULING_SCHEMA,
		.domain = "scheduling",
		.subject = "patientId",
		.counts = METRICS_GRPC_CLIENT,
		.start = patient_client_start,
		.stop = patient_client_stop,
	};

	return web_main(&program, argc, argv);
}
