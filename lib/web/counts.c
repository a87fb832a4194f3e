#include "lib/web/counts.h"

#include "lib/metrics/metrics.h"
#include "lib/web/route.h"

#define STATUS_MAX 599
#define STATUSES_MAX 32

/* What we may answer with, numbered once: a route's series follow each other in that order.  Written before there are threads. */
static int statuses[STATUSES_MAX];
static unsigned status_count, status_number[STATUS_MAX + 1];

static void
add_status(int status)
{
	for (unsigned i = 0; i < status_count; i++)
		if (statuses[i] == status)
			return;
	status_number[status] = status_count;
	statuses[status_count++] = status;
}

static void
number_statuses(void)
{
	static const int good[] = { 200, 201, 204, 304 };

	status_count = 0;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		add_status(good[i]);
	for (enum rc rc = RC_OK; rc < RC_COUNT; rc++)
		add_status(rc_meaning(rc)->http);
}

static void
plan_route(const char *method, const char *pattern, int success)
{
	struct arena *a = arena_new();
	const char *labels = arena_printf(a, "route=\"%s\",method=\"%s\"", pattern, method);

	metrics_series(M_HTTP_SECONDS, labels, false);
	/* From the start those that alerts ask for: a rate is reckoned from a zero that was seen. */
	for (unsigned i = 0; i < status_count; i++)
		metrics_series(M_HTTP_REQUESTS, arena_printf(a, "%s,status=\"%d\"", labels, statuses[i]),
		    statuses[i] == success || statuses[i] == 500 || statuses[i] == 503);
	arena_free(a);
}

static void
plan_routes(const struct web_route *route)
{
	for (; route->method != NULL; route++)
		plan_route(route->method, route->pattern, route->status);
}

void
web_counts_plan(const struct web_program *program)
{
	number_statuses();
	plan_route("(any)", "(none)", 404);
	plan_routes(health_routes);
	plan_routes(program->routes);
}

/* In the order of web_counts_plan. */
static unsigned
number_of(const struct request *rq)
{
	unsigned i = 0;

	if (rq->route == NULL)
		return 0;
	for (; health_routes[i].method != NULL; i++)
		if (rq->route == &health_routes[i])
			return 1 + i;
	return 1 + i + (unsigned)(rq->route - rq->program->routes);
}

void
web_counts_answer(const struct request *rq, int status, int64_t took_ns)
{
	unsigned number = number_of(rq);

	if (status < 0 || status > STATUS_MAX)
		return;
	metrics_observe(M_HTTP_SECONDS, number, took_ns);
	metrics_add(M_HTTP_REQUESTS, number * status_count + status_number[status], 1);
}
