/* routes.c - who may have which document, and where it is made. */
#include "fcgi/documents/handlers.h"
#include "lib/web/metrics_route.h"

#define TILL (ROLE_ADMIN | ROLE_STAFF | ROLE_BILLING)
#define ERRORS (1u << RC_NOT_FOUND | 1u << RC_TOO_LARGE)

const struct web_route document_routes[] = {
	{ .method = "GET", .pattern = "/documents/invoices/{id}", .roles = TILL, .handler = documents_invoice,
	  .summary = "An invoice as PDF; 503 while it has no number, which takes a second", .media = "application/pdf", .status = 200,
	  .errors = ERRORS },
	{ .method = "GET", .pattern = "/documents/receipts/{paymentId}", .roles = TILL, .handler = documents_receipt,
	  .summary = "The receipt for a payment as PDF", .media = "application/pdf", .status = 200, .errors = ERRORS },
	{ .method = "GET", .pattern = "/documents/statements/{patientId}", .roles = TILL, .handler = documents_statement,
	  .summary = "What was booked on a patient's account, as PDF", .filters = statement_filters, .media = "application/pdf",
	  .status = 200, .errors = ERRORS },
	METRICS_ROUTE, /* here, since what other programs wrote is read by the one that may do least: its database role can't write */
	WEB_END
};
