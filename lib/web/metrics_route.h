/* metrics_route.h - what all programs count, over HTTP, for the route table of the one program that the front door asks. */
#ifndef WEB_METRICS_ROUTE_H
#define WEB_METRICS_ROUTE_H

#include "lib/web/web.h"

/* RC_NOT_FOUND for whoever isn't on this machine, or had a proxy of theirs ask. */
web_handler metrics_get;

/* A row of a route table. */
#define METRICS_ROUTE                                                                                                      \
	{ .method = "GET", .pattern = "/metrics", .roles = ROLE_ANYONE, .handler = metrics_get,                            \
	  .summary = "What all programs count, as Prometheus reads it; for this machine alone", .media = "text/plain",     \
	  .status = 200, .errors = 1u << RC_NOT_FOUND, .quiet = true }

#endif
