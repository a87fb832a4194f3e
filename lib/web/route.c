#include "lib/web/route.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* Takes the next segment off *pattern, which begins with a slash. */
static bool
pattern_segment(const char **pattern, const char **ret_at, size_t *ret_length)
{
	if (**pattern != '/')
		return false;
	*ret_at = *pattern + 1;
	*ret_length = strcspn(*ret_at, "/");
	*pattern = *ret_at + *ret_length;
	return true;
}

static bool
path_fits(const char *pattern, const struct request *rq)
{
	const char *at;
	size_t length, i;

	for (i = 0; pattern_segment(&pattern, &at, &length); i++) {
		if (i >= rq->segment_count || i >= SEGMENTS_MAX)
			return false;
		if (*at == '{'
			? *rq->segments[i] == '\0'
			: strlen(rq->segments[i]) != length || memcmp(rq->segments[i], at, length) != 0)
			return false;
	}
	return i == rq->segment_count;
}

static bool
method_serves(const char *routes_method, const char *asked)
{
	return strcmp(routes_method, asked) == 0 ||
	       (strcmp(asked, "HEAD") == 0 && strcmp(routes_method, "GET") == 0);
}

/* The first route of a table, from route on, that fits the path, and with method (NULL: any). */
static const struct web_route *
find_from(const struct web_route *route, const struct request *rq, const char *method)
{
	for (; route->method != NULL; route++)
		if (path_fits(route->pattern, rq) && (method == NULL || method_serves(route->method, method)))
			return route;
	return NULL;
}

enum rc
route_find(struct request *rq)
{
	rq->route = find_from(rq->program->routes, rq, rq->method);
	if (rq->route == NULL)
		rq->route = find_from(health_routes, rq, rq->method);
	if (rq->route != NULL)
		return RC_OK;
	if (find_from(rq->program->routes, rq, NULL) != NULL || find_from(health_routes, rq, NULL) != NULL)
		return RC_METHOD;
	return RC_NOT_FOUND;
}

const char *
route_allow(struct ctx *cx, const struct request *rq)
{
	struct buf allow = { .arena = cx->arena };

	for (size_t i = 0; i < METHODS; i++)
		if (find_from(rq->program->routes, rq, methods[i]) != NULL ||
		    find_from(health_routes, rq, methods[i]) != NULL)
			buf_addf(&allow, "%s, ", methods[i]);
	if (allow.length == 0)
		return NULL;
	buf_add_text(&allow, "OPTIONS");
	return allow.bytes;
}

static bool
method_known(const char *method)
{
	for (size_t i = 0; i < METHODS; i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

bool
route_check(const struct web_program *program)
{
	for (const struct web_route *route = program->routes; route->method != NULL; route++) {
		const char *why = NULL;

		if (route->roles == 0)
			why = "is open to nobody: say who may take it";
		else if (route->handler == NULL)
			why = "has no handler";
		else if (route->once && ((route->roles & ROLE_ANYONE) != 0 || program->database == NULL))
			why = "takes an Idempotency-Key, without a login or a database to tell whose it is";
		else if (!method_known(route->method) || strcmp(route->method, "HEAD") == 0)
			why = "has a method that routes can't have";
		else if (route->csv && (route->stream || route->media != NULL))
			why = "can't answer with CSV as well as so";
		if (why != NULL) {
			fprintf(stderr, "%s: %s %s %s\n", program->name, route->method, route->pattern, why);
			return false;
		}
	}
	return true;
}
