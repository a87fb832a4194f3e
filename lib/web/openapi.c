#include "lib/web/openapi.h"

#include <string.h>

#include "config.h"
#include "lib/web/authorise.h"
#include "lib/web/route.h"

#define PARAMETER(name) "{\"$ref\":\"#/components/parameters/" name "\"}"

/* Writes JSON's commas: each element calls it first. */
static void
separate(struct buf *b, bool *first)
{
	if (!*first)
		buf_add_char(b, ',');
	*first = false;
}

static bool
has_parameters(const struct web_route *route)
{
	return strchr(route->pattern, '{') != NULL;
}

/* One thing whose version is known: it has an ETag. */
static bool
versioned(const struct web_route *route)
{
	return route->answer != NULL && !route->list && field_find(route->answer, "version") != NULL;
}

/* --- parameters --- */

static bool
ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static void
path_parameter(struct openapi *o, const struct web_route *route, const char *name)
{
	const struct field *row = route->answer != NULL ? field_find(route->answer, name) : NULL;

	if (row == NULL && route->body != NULL)
		row = field_find(route->body, name);
	buf_add_text(o->b, "{\"name\":");
	buf_add_json(o->b, name);
	buf_add_text(o->b, ",\"in\":\"path\",\"required\":true,\"schema\":");
	if (row != NULL)
		field_schema_row(o->b, row, FILTER);
	else if (strcmp(name, "id") == 0 || ends_with(name, "Id"))
		buf_add_text(o->b, "{\"type\":\"string\",\"format\":\"uuid\"}");
	else
		buf_add_text(o->b, "{\"type\":\"string\"}");
	buf_add_char(o->b, '}');
}

static void
path_parameters(struct openapi *o, const struct web_route *route, bool *first)
{
	const char *open = route->pattern, *end;

	while ((open = strchr(open, '{')) != NULL && (end = strchr(open, '}')) != NULL) {
		separate(o->b, first);
		path_parameter(o, route, arena_strndup(o->b->arena, open + 1, (size_t)(end - open) - 1));
		open = end;
	}
}

static void
query_parameters(struct openapi *o, const struct web_route *route, bool *first)
{
	for (const struct field *row = route->filters; row != NULL && row->name != NULL; row++) {
		if ((row->use & FILTER) == 0)
			continue;
		separate(o->b, first);
		buf_add_text(o->b, "{\"name\":");
		buf_add_json(o->b, row->name);
		buf_add_text(o->b, ",\"in\":\"query\",\"schema\":");
		field_schema_row(o->b, row, FILTER);
		buf_add_char(o->b, '}');
	}
	if (route->list) {
		separate(o->b, first);
		buf_add_text(o->b, PARAMETER("limit") "," PARAMETER("cursor"));
	}
}

static void
write_parameters(struct openapi *o, const struct web_route *route)
{
	bool first = true;

	buf_add_text(o->b, ",\"parameters\":[");
	path_parameters(o, route, &first);
	query_parameters(o, route, &first);
	if ((route->errors & 1u << RC_STALE) != 0) {
		separate(o->b, &first);
		buf_add_text(o->b, PARAMETER("If-Match"));
	}
	if (versioned(route) && strcmp(route->method, "GET") == 0) {
		separate(o->b, &first);
		buf_add_text(o->b, PARAMETER("If-None-Match"));
	}
	if (route->once) {
		separate(o->b, &first);
		buf_add_text(o->b, PARAMETER("Idempotency-Key"));
	}
	buf_add_char(o->b, ']');
}

/* --- body and answers --- */

static void
schema_ref(struct openapi *o, const struct web_route *route, const struct field *table, enum field_use use)
{
	buf_addf(o->b, "{\"$ref\":\"#/components/schemas/%s\"}", openapi_schema_name(o, route, table, use));
}

/* A change has to say something; what is made can do without a body that must have nothing in it. */
static bool
body_required(const struct web_route *route)
{
	if (route->body_use == UPDATE)
		return true;
	for (const struct field *row = route->body; row->name != NULL; row++)
		if ((row->use & route->body_use) != 0 && (row->use & REQUIRED) != 0)
			return true;
	return false;
}

static void
write_body(struct openapi *o, const struct web_route *route)
{
	if (route->body == NULL)
		return;
	buf_add_text(o->b, ",\"requestBody\":{");
	if (body_required(route))
		buf_add_text(o->b, "\"required\":true,");
	buf_add_text(o->b, "\"content\":{\"application/json\":{\"schema\":");
	schema_ref(o, route, route->body, route->body_use);
	buf_add_text(o->b, "}}}");
}

static void
write_headers(struct openapi *o, const struct web_route *route, int status)
{
	bool first = true, file = route->csv || route->media != NULL;

	if (!versioned(route) && !route->list && status != 201 && !file)
		return;
	buf_add_text(o->b, ",\"headers\":{");
	if (versioned(route)) {
		separate(o->b, &first);
		buf_add_text(o->b, "\"ETag\":{\"$ref\":\"#/components/headers/ETag\"}");
	}
	if (status == 201) {
		separate(o->b, &first);
		buf_add_text(o->b, "\"Location\":{\"$ref\":\"#/components/headers/Location\"}");
	}
	if (route->once) {
		separate(o->b, &first);
		buf_add_text(
		    o->b, "\"Idempotency-Replayed\":{\"$ref\":\"#/components/headers/Idempotency-Replayed\"}");
	}
	if (route->list) {
		separate(o->b, &first);
		buf_add_text(o->b, "\"Link\":{\"$ref\":\"#/components/headers/Link\"}");
	}
	if (file) {
		separate(o->b, &first);
		buf_add_text(o->b,
		    "\"Content-Disposition\":{\"$ref\":\"#/components/headers/Content-Disposition\"}");
	}
	buf_add_char(o->b, '}');
}

static void
write_success(struct openapi *o, const struct web_route *route, int status)
{
	const char *what = status == 204   ? "Done"
			   : status == 201 ? "Made"
			   : route->list   ? "A list"
			   : route->media  ? "A file"
					   : "As it is now";

	buf_addf(o->b, "\"%d\":{\"description\":\"%s\"", status, what);
	write_headers(o, route, status);
	if (route->answer != NULL) {
		buf_add_text(o->b, ",\"content\":{\"application/json\":{\"schema\":");
		if (route->list)
			buf_add_text(o->b, "{\"type\":\"array\",\"items\":");
		schema_ref(o, route, route->answer, REPLY);
		buf_add_text(o->b, route->list ? "}}" : "}");
		if (route->csv)
			buf_add_text(o->b, ",\"text/csv\":{\"schema\":{\"type\":\"string\"}}");
		buf_add_char(o->b, '}');
	} else if (route->media != NULL) {
		/* Bytes need no schema in OpenAPI 3.1. */
		buf_addf(o->b, ",\"content\":{\"%s\":{}}", route->media);
	}
	buf_add_char(o->b, '}');
}

/* What lib/web itself can answer on this route, and what its handler can. */
static unsigned
route_errors(const struct web_route *route)
{
	unsigned errors = route->errors | 1u << RC_UNAVAILABLE;

	if ((route->roles & ROLE_ANYONE) == 0)
		errors |= 1u << RC_UNAUTHENTICATED | 1u << RC_FORBIDDEN;
	if (has_parameters(route) || route->filters != NULL || route->list || route->body != NULL ||
	    route->once)
		errors |= 1u << RC_INVALID;
	if (route->once)
		errors |= 1u << RC_CONFLICT | 1u << RC_REUSED;
	if (route->body != NULL)
		errors |= 1u << RC_TOO_LARGE | 1u << RC_MEDIA_TYPE;
	if (route->answer != NULL || route->media != NULL)
		errors |= 1u << RC_NOT_ACCEPTABLE;
	if (!route->quiet)
		errors |= 1u << RC_THROTTLED;
	return errors;
}

static void
write_errors(struct openapi *o, const struct web_route *route)
{
	unsigned errors = route_errors(route);
	int written[RC_COUNT];
	size_t count = 0, i;

	for (unsigned rc = RC_OK + 1; rc < RC_COUNT; rc++) {
		int status = rc_meaning((enum rc)rc)->http;

		if ((errors & 1u << rc) == 0)
			continue;
		/* Several codes can be one status. */
		for (i = 0; i < count && written[i] != status; i++)
			;
		if (i < count)
			continue;
		written[count++] = status;
		buf_addf(o->b, ",\"%d\":{\"$ref\":\"#/components/responses/", status);
		openapi_response_name(o->b, (enum rc)rc);
		buf_add_text(o->b, "\"}");
	}
	buf_add_text(o->b, ",\"default\":{\"$ref\":\"#/components/responses/Error\"}");
}

static void
write_responses(struct openapi *o, const struct web_route *route)
{
	buf_add_text(o->b, ",\"responses\":{");
	write_success(o, route, route->status);
	/* PUT makes a thing where there was none. */
	if (strcmp(route->method, "PUT") == 0 && route->status == 200) {
		buf_add_char(o->b, ',');
		write_success(o, route, 201);
	}
	if (versioned(route) && strcmp(route->method, "GET") == 0)
		buf_add_text(
		    o->b, ",\"304\":{\"description\":\"It is still the version that If-None-Match names\"}");
	write_errors(o, route);
	buf_add_char(o->b, '}');
}

/* --- routes --- */

static void
write_roles(struct openapi *o, unsigned roles)
{
	bool first = true;

	buf_add_text(o->b, (roles & ROLE_ANYONE) != 0 ? ",\"security\":[]" : ",\"security\":[{\"bearer\":[]}]");
	buf_add_text(o->b, ",\"x-roles\":[");
	for (size_t i = 0; role_names[i] != NULL; i++) {
		if ((roles & 1u << i) == 0)
			continue;
		separate(o->b, &first);
		buf_add_json(o->b, role_names[i]);
	}
	buf_add_char(o->b, ']');
}

static char *
lower(struct arena *a, const char *method)
{
	char *s = arena_strdup(a, method);

	for (char *c = s; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return s;
}

static void
write_operation(struct openapi *o, const struct web_route *route, const char *tag)
{
	const char *method = lower(o->b->arena, route->method);

	buf_addf(o->b, "\"%s\":{\"operationId\":\"%s%s\",\"tags\":[\"%s\"],\"summary\":", method, method,
	    openapi_camel(o->b->arena, route->pattern, false), tag);
	buf_add_json(o->b, route->summary != NULL ? route->summary : "");
	write_roles(o, route->roles);
	write_parameters(o, route);
	write_body(o, route);
	write_responses(o, route);
	buf_add_char(o->b, '}');
}

static void
write_paths(struct openapi *o, const struct web_route *routes, const char *tag, bool *first)
{
	for (const struct web_route *route = routes; route->method != NULL; route++) {
		const struct web_route *earlier = routes;
		bool first_method = true;

		while (strcmp(earlier->pattern, route->pattern) != 0)
			earlier++;
		if (earlier < route)
			continue; /* with its path */
		separate(o->b, first);
		buf_add_json(o->b, route->pattern);
		buf_add_text(o->b, ":{");
		for (const struct web_route *same = route; same->method != NULL; same++) {
			if (strcmp(same->pattern, route->pattern) != 0)
				continue;
			separate(o->b, &first_method);
			write_operation(o, same, tag);
		}
		buf_add_char(o->b, '}');
	}
}

void
openapi_write(struct buf *b, const struct web_program *program)
{
	struct openapi o = { .b = b, .program = program };
	bool first = true;

	buf_add_text(b,
	    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"MediCore\",\"version\":\"" PACKAGE_VERSION "\","
	    "\"description\":\"A clinic's back end: patients, appointments, invoices.\","
	    "\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"}},\"servers\":[{\"url\":\"/\"}],\"tags\":[{\"name\":");
	buf_add_json(b, program->title);
	buf_add_text(b, "},{\"name\":\"health\"}],\"paths\":{");
	write_paths(&o, program->routes, program->title, &first);
	write_paths(&o, health_routes, "health", &first);
	buf_add_text(b, "},\"components\":{");
	openapi_components(&o);
	buf_add_text(b, "}}\n");
}
