/* medicore-patient.fcgi - REST /patients. */
#include "domain/patient/patient.h"
#include "fcgi/patient/handlers.h"
#include "lib/base/config.h"

static const char *
database(void)
{
	return config->database.patient;
}

int
main(int argc, char **argv)
{
	static const struct web_program program = {
		.name = "medicore-patient.fcgi",
		.title = "Patients",
		.routes = patient_routes,
		.database = database,
		.role = "medicore_patient_rest",
		.schema = PATIENT_SCHEMA,
		.domain = "patient",
		.subject = "id",
	};

	return web_main(&program, argc, argv);
}
