/* routes.c - who may ask what of /patients, and where it is answered. */
#include "domain/patient/patient.h"
#include "fcgi/patient/handlers.h"
#include "lib/web/audit_route.h"

#define FRONT_DESK (ROLE_ADMIN | ROLE_STAFF)
#define READERS (FRONT_DESK | ROLE_DOCTOR | ROLE_BILLING)

#define ERR(rc) (1u << (rc))

const struct web_route patient_routes[] = {
	{ .method = "GET", .pattern = "/patients", .roles = READERS, .handler = patients_list,
	  .summary = "All patients as a stream, or a page of them where limit or cursor is given",
	  .filters = patient_filters, .answer = patient_fields, .list = true, .stream = true, .status = 200 },
	{ .method = "POST", .pattern = "/patients", .roles = FRONT_DESK, .handler = patients_create,
	  .summary = "Register a patient", .body = patient_fields, .body_use = CREATE,
	  .answer = patient_fields, .status = 201, .errors = ERR(RC_CONFLICT), .once = true },
	{ .method = "GET", .pattern = "/patients/{id}", .roles = READERS, .handler = patients_get,
	  .summary = "One patient", .answer = patient_fields, .status = 200, .errors = ERR(RC_NOT_FOUND) },
	{ .method = "PATCH", .pattern = "/patients/{id}", .roles = FRONT_DESK, .handler = patients_change,
	  .summary = "Change what is given of a patient; null and what is left out stay as they are",
	  .body = patient_fields, .body_use = UPDATE, .answer = patient_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "DELETE", .pattern = "/patients/{id}", .roles = FRONT_DESK, .handler = patients_delete,
	  .summary = "Remove a patient; the e-mail address is free again", .status = 204,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_STALE) },
	AUDIT_ROUTE("patient"),
	WEB_END
};
