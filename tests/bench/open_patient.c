/* medicore-patient.fcgi as it would be if nobody had to say who asks: what logins and the audit trail cost is the difference. */
#include <assert.h>

#include "domain/patient/patient.h"
#include "fcgi/patient/handlers.h"
#include "lib/base/config.h"

#define ROUTES_MAX 16

static const char *
database(void)
{
	return config->database.patient;
}

int
main(int argc, char **argv)
{
	static struct web_route routes[ROUTES_MAX];
	static const struct web_program program = {
		.name = "medicore-patient.fcgi",
		.title = "Patients",
		.routes = routes,
		.database = database,
		.role = "medicore_patient_rest",
		.schema = PATIENT_SCHEMA,
	};

	for (size_t i = 0; patient_routes[i].method != NULL; i++) {
		assert(i + 1 < ROUTES_MAX);
		routes[i] = patient_routes[i];
		routes[i].roles = ROLE_ANYONE;
	}
	return web_main(&program, argc, argv);
}
