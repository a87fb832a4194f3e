/* routes.c - who may ask what of /services and /invoices, and where it is answered. */
#include "domain/billing/billing.h"
#include "fcgi/billing/handlers.h"
#include "lib/web/audit_route.h"

#define TILL (ROLE_ADMIN | ROLE_STAFF | ROLE_BILLING)
#define PRICERS (ROLE_ADMIN | ROLE_BILLING)

#define ERR(rc) (1u << (rc))

const struct web_route billing_routes[] = {
	{ .method = "GET", .pattern = "/services", .roles = TILL, .handler = services_list,
	  .summary = "The price list", .answer = service_fields, .list = true, .status = 200 },
	{ .method = "GET", .pattern = "/services/{code}", .roles = TILL, .handler = services_get,
	  .summary = "One service and its price", .answer = service_fields, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) },
	{ .method = "PUT", .pattern = "/services/{code}", .roles = PRICERS, .handler = services_put,
	  .summary = "Set what a service costs: 201 where it is new; invoices that are there keep their price",
	  .body = service_fields, .body_use = CREATE, .answer = service_fields, .status = 200,
	  .errors = ERR(RC_STALE) },
	{ .method = "GET", .pattern = "/invoices", .roles = TILL, .handler = invoices_list,
	  .summary = "Invoices, oldest first", .filters = invoice_filters, .answer = invoice_fields, .list = true,
	  .status = 200 },
	{ .method = "POST", .pattern = "/invoices", .roles = TILL, .handler = invoices_create,
	  .summary = "Issue an invoice; with an Idempotency-Key the same request again gives the same invoice",
	  .body = invoice_fields, .body_use = CREATE, .answer = invoice_fields, .status = 201,
	  .errors = ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_UNAVAILABLE), .once = true },
	{ .method = "GET", .pattern = "/invoices/{id}", .roles = TILL, .handler = invoices_get,
	  .summary = "One invoice", .answer = invoice_fields, .status = 200, .errors = ERR(RC_NOT_FOUND) },
	AUDIT_ROUTE("billing"),
	WEB_END
};
