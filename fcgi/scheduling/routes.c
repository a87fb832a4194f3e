/* routes.c - who may ask what of /appointments, and where it is answered. */
#include "fcgi/scheduling/handlers.h"
#include "lib/web/audit_route.h"

#define CARE (ROLE_ADMIN | ROLE_STAFF | ROLE_DOCTOR)

#define ERR(rc) (1u << (rc))

const struct web_route scheduling_routes[] = {
	{ .method = "GET", .pattern = "/appointments", .roles = CARE, .handler = appointments_list,
	  .summary = "Appointments in order of their start; those that overlap [from, to)",
	  .filters = appointment_filters, .answer = appointment_fields, .list = true, .status = 200 },
	{ .method = "POST", .pattern = "/appointments", .roles = CARE, .handler = appointments_book,
	  .summary = "Book an appointment", .body = appointment_fields, .body_use = CREATE,
	  .answer = appointment_fields, .status = 201,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_UNAVAILABLE), .once = true },
	{ .method = "GET", .pattern = "/appointments/{id}", .roles = CARE, .handler = appointments_get,
	  .summary = "One appointment", .answer = appointment_fields, .status = 200, .errors = ERR(RC_NOT_FOUND) },
	{ .method = "POST", .pattern = "/appointments/{id}/cancel", .roles = CARE, .handler = appointments_cancel,
	  .summary = "Cancel an appointment; again changes nothing", .body = appointment_cancel_fields,
	  .body_use = CREATE, .answer = appointment_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "POST", .pattern = "/appointments/{id}/reschedule", .roles = CARE, .handler = appointments_reschedule,
	  .summary = "Move an appointment to another time, and perhaps provider; again changes nothing",
	  .body = appointment_reschedule_fields, .body_use = CREATE, .answer = appointment_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "POST", .pattern = "/appointments/{id}/check-in", .roles = CARE, .handler = appointments_check_in,
	  .summary = "The patient has come; again changes nothing", .answer = appointment_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "POST", .pattern = "/appointments/{id}/complete", .roles = CARE, .handler = appointments_complete,
	  .summary = "The patient was treated; again changes nothing", .answer = appointment_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	{ .method = "POST", .pattern = "/appointments/{id}/no-show", .roles = CARE, .handler = appointments_no_show,
	  .summary = "The patient didn't come; again changes nothing", .answer = appointment_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE) },
	AUDIT_ROUTE("scheduling"),
	WEB_END
};
