/* routes.c - who may ask what of billing, and where it is answered. */
#include "domain/billing/account.h"
#include "domain/billing/billing.h"
#include "fcgi/billing/handlers.h"
#include "lib/web/audit_route.h"

#define TILL (ROLE_ADMIN | ROLE_STAFF | ROLE_BILLING)
#define PRICERS (ROLE_ADMIN | ROLE_BILLING)
#define READERS (ROLE_ADMIN | ROLE_BILLING | ROLE_AUDITOR)

#define ERR(rc) (1u << (rc))
#define CHANGED (ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT) | ERR(RC_STALE))
#define MADE (ERR(RC_NOT_FOUND) | ERR(RC_CONFLICT))

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
	{ .method = "PATCH", .pattern = "/invoices/{id}", .roles = TILL, .handler = invoices_update,
	  .summary = "Change a draft; lines replace all there were", .body = invoice_fields, .body_use = UPDATE,
	  .answer = invoice_fields, .status = 200, .errors = CHANGED },
	{ .method = "POST", .pattern = "/invoices/{id}/issue", .roles = TILL, .handler = invoices_issue,
	  .summary = "Issue a draft", .answer = invoice_fields, .status = 200, .errors = CHANGED },
	{ .method = "POST", .pattern = "/invoices/{id}/void", .roles = PRICERS, .handler = invoices_void,
	  .summary = "Call it off, where nothing is paid", .answer = invoice_fields, .status = 200, .errors = CHANGED },
	{ .method = "POST", .pattern = "/invoices/{id}/write-off", .roles = PRICERS, .handler = invoices_write_off,
	  .summary = "Give up what is unpaid", .answer = invoice_fields, .status = 200, .errors = CHANGED },
	{ .method = "GET", .pattern = "/invoices/{id}/credit-notes", .roles = TILL, .handler = credit_notes_list,
	  .summary = "Credit notes on it, oldest first", .answer = credit_note_fields, .list = true, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) },
	{ .method = "POST", .pattern = "/invoices/{id}/credit-notes", .roles = PRICERS, .handler = credit_notes_create,
	  .summary = "Lower what is owed", .body = credit_note_fields, .body_use = CREATE, .answer = credit_note_fields,
	  .status = 201, .errors = MADE, .once = true },
	{ .method = "GET", .pattern = "/invoices/{id}/payments", .roles = TILL, .handler = payments_list,
	  .summary = "What was paid on it, oldest first", .answer = payment_fields, .list = true, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) },
	{ .method = "POST", .pattern = "/invoices/{id}/payments", .roles = TILL, .handler = payments_create,
	  .summary = "Take a payment; more than is owed is refused, or becomes credit where that is asked for",
	  .body = payment_fields, .body_use = CREATE, .answer = payment_fields, .status = 201, .errors = MADE, .once = true },
	{ .method = "GET", .pattern = "/payments/{id}", .roles = TILL, .handler = payments_get,
	  .summary = "One payment", .answer = payment_fields, .status = 200, .errors = ERR(RC_NOT_FOUND) },
	{ .method = "POST", .pattern = "/payments/{id}/reverse", .roles = PRICERS, .handler = payments_reverse,
	  .summary = "It bounced: its invoice is open again", .answer = payment_fields, .status = 200, .errors = CHANGED },
	{ .method = "GET", .pattern = "/payments/{id}/refunds", .roles = TILL, .handler = refunds_list,
	  .summary = "What was given back of it, oldest first", .answer = refund_fields, .list = true, .status = 200,
	  .errors = ERR(RC_NOT_FOUND) },
	{ .method = "POST", .pattern = "/payments/{id}/refunds", .roles = PRICERS, .handler = refunds_create,
	  .summary = "Give back part of a payment, or all of it", .body = refund_fields, .body_use = CREATE,
	  .answer = refund_fields, .status = 201, .errors = MADE, .once = true },
	{ .method = "GET", .pattern = "/accounts/{patientId}", .roles = TILL, .handler = accounts_get,
	  .summary = "What a patient owes and has", .answer = account_fields, .status = 200,
	  .errors = MADE | ERR(RC_UNAVAILABLE) },
	{ .method = "GET", .pattern = "/accounts/{patientId}/statement", .roles = TILL, .handler = accounts_statement,
	  .summary = "How a patient's balance came about, by day", .filters = statement_filters,
	  .answer = statement_fields, .status = 200, .errors = MADE | ERR(RC_UNAVAILABLE), .csv = true },
	{ .method = "GET", .pattern = "/reports/revenue", .roles = READERS, .handler = reports_revenue,
	  .summary = "What was earned, by day, month or service; what was received, by method",
	  .filters = revenue_filters, .answer = revenue_fields, .status = 200, .errors = ERR(RC_CONFLICT), .csv = true },
	{ .method = "GET", .pattern = "/reports/ageing", .roles = READERS, .handler = reports_ageing,
	  .summary = "What is owed today, by days since it was due", .answer = ageing_report_fields, .status = 200,
	  .errors = ERR(RC_CONFLICT), .csv = true },
	AUDIT_ROUTE("billing"),
	WEB_END
};
