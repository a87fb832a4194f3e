/* audit_route.h - a domain's audit trail over REST, for the route table of the program that has its database. */
#ifndef WEB_AUDIT_ROUTE_H
#define WEB_AUDIT_ROUTE_H

#include "lib/audit/audit_store.h"
#include "lib/web/web.h"

web_handler audit_get;

/* A row of a route table. */
#define AUDIT_ROUTE(domain) \
	{ .method = "GET", .pattern = "/audit/" domain, .roles = ROLE_ADMIN | ROLE_AUDITOR, .handler = audit_get, \
	  .summary = "Who read or changed what, the latest first; those in [from, to)", .filters = audit_filters, \
	  .answer = audit_fields, .list = true, .status = 200 }

#endif
