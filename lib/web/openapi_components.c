/* openapi_components.c - what the operations of the document share: schemas, responses, parameters,
 * headers. */
#include <string.h>

#include "lib/web/openapi.h"

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

char *
openapi_camel(struct arena *a, const char *pattern, bool singular)
{
	char *name = arena_alloc(a, strlen(pattern) + 1), *out = name;
	bool capital = true, first_segment = true;

	for (; *pattern != '\0'; pattern++) {
		if (singular && *pattern == '{') {
			pattern += strcspn(pattern, "}");
			if (*pattern == '\0')
				break;
		}
		if (!is_letter(*pattern)) {
			if (singular && first_segment && *pattern == '/' && out > name) {
				first_segment = false;
				if (out[-1] == 's')
					out--;
			}
			capital = true;
			continue;
		}
		*out++ =
		    capital && *pattern >= 'a' && *pattern <= 'z' ? (char)(*pattern - 'a' + 'A') : *pattern;
		capital = false;
	}
	if (singular && first_segment && out > name && out[-1] == 's')
		out--;
	*out = '\0';
	return name;
}

static bool
name_taken(const struct openapi *o, const char *name)
{
	for (size_t i = 0; i < o->schema_count; i++)
		if (strcmp(o->schemas[i].name, name) == 0)
			return true;
	return false;
}

/* PatientCreate, PatientUpdate, ServicePut, AppointmentCancelRequest; Patient for what comes out. */
static const char *
schema_suffix(const struct web_route *route, enum field_use use)
{
	if (use == REPLY)
		return "";
	if (strcmp(route->method, "PATCH") == 0)
		return "Update";
	if (strcmp(route->method, "PUT") == 0)
		return "Put";
	return strchr(route->pattern, '{') == NULL ? "Create" : "Request";
}

const char *
openapi_schema_name(
    struct openapi *o, const struct web_route *route, const struct field *table, enum field_use use)
{
	const char *base, *suffix = schema_suffix(route, use);
	char *name;

	for (size_t i = 0; i < o->schema_count; i++)
		if (o->schemas[i].table == table && o->schemas[i].use == use)
			return o->schemas[i].name;
	base = openapi_camel(o->b->arena, route->pattern, true);
	name = arena_printf(o->b->arena, "%s%s", base, suffix);
	for (int n = 2; name_taken(o, name); n++)
		name = arena_printf(o->b->arena, "%s%s%d", base, suffix, n);
	if (o->schema_count < OPENAPI_SCHEMAS_MAX)
		o->schemas[o->schema_count++] =
		    (struct openapi_schema){ .table = table, .use = use, .name = name };
	return name;
}

void
openapi_response_name(struct buf *b, enum rc rc)
{
	for (const char *s = rc_meaning(rc)->title; *s != '\0'; s++)
		if (is_letter(*s))
			buf_add_char(b, *s);
}

/* The contract's error body and RFC 9457's members. */
static const char error_schema[] =
    "\"Error\":{\"type\":\"object\",\"properties\":{"
    "\"timestamp\":{\"type\":\"string\",\"description\":\"UTC\",\"examples\":[\"2026-11-01 09:30:00\"]},"
    "\"status\":{\"type\":\"integer\"},"
    "\"message\":{\"type\":\"string\",\"description\":\"The field's error where there is one, else a summary\"},"
    "\"path\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"},"
    "\"description\":\"By the name of the member or parameter to blame; left out where there is none\"},"
    "\"requestId\":{\"type\":\"string\"},"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
    "\"title\":{\"type\":\"string\"},"
    "\"detail\":{\"type\":\"string\"},"
    "\"instance\":{\"type\":\"string\"}},"
    "\"required\":[\"timestamp\",\"status\",\"message\",\"path\",\"requestId\",\"type\",\"title\",\"detail\",\"instance\"]}";

static const char parameters[] =
    "\"limit\":{\"name\":\"limit\",\"in\":\"query\",\"description\":\"Most things on one page\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50}},"
    "\"cursor\":{\"name\":\"cursor\",\"in\":\"query\",\"description\":\"Opaque; from the Link of the page before\","
    "\"schema\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_-]+$\"}},"
    "\"If-Match\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"The ETag that the thing must still have\","
    "\"schema\":{\"type\":\"string\",\"examples\":[\"\\\"3\\\"\"]}},"
    "\"If-None-Match\":{\"name\":\"If-None-Match\",\"in\":\"header\",\"description\":\"The ETag that is known already\","
    "\"schema\":{\"type\":\"string\"}},"
    "\"Idempotency-Key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\","
    "\"description\":\"The same request with the same key has its effect once and, for a day, the same answer each time; another with it is 422\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"pattern\":\"^[ -~]+$\"}}";

static const char headers[] =
    "\"ETag\":{\"description\":\"The version, for If-Match\",\"schema\":{\"type\":\"string\"}},"
    "\"Location\":{\"description\":\"Where the new thing is\",\"schema\":{\"type\":\"string\",\"format\":\"uri-reference\"}},"
    "\"Idempotency-Replayed\":{\"description\":\"true where the answer is that of an earlier request with this key\",\"schema\":{\"type\":\"string\"}},"
    "\"Link\":{\"description\":\"The next page, rel=\\\"next\\\"; absent on the last\",\"schema\":{\"type\":\"string\"}},"
    "\"Content-Disposition\":{\"description\":\"Of a file, with its name; JSON has none\",\"schema\":{\"type\":\"string\"}},"
    "\"WWW-Authenticate\":{\"description\":\"Bearer, with an error where there was a token\",\"schema\":{\"type\":\"string\"}},"
    "\"RateLimit-Policy\":{\"description\":\"Most requests of this account or address, q in w seconds; where there is a limit\",\"schema\":{\"type\":\"string\"}},"
    "\"RateLimit\":{\"description\":\"How many of them remain, r, and the seconds until all are there again, t\",\"schema\":{\"type\":\"string\"}},"
    "\"Retry-After\":{\"description\":\"Seconds\",\"schema\":{\"type\":\"integer\"}}";

static const char security_schemes[] =
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\","
    "\"description\":\"The accessToken of a login\"}";

#define ERROR_CONTENT                                                                                        \
	"\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}},"          \
	"\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}"

static void
write_responses(struct buf *b)
{
	buf_add_text(b, "\"responses\":{\"Error\":{\"description\":\"Anything else\"," ERROR_CONTENT "}");
	/* One for each status: the codes before RC_DUPLICATE are what edges see, and the first of a status
	 * names it. */
	for (unsigned rc = RC_OK + 1; rc < RC_DUPLICATE; rc++) {
		const struct rc_meaning *meaning = rc_meaning((enum rc)rc);

		if (meaning->http == rc_meaning((enum rc)(rc - 1))->http)
			continue;
		buf_add_text(b, ",\"");
		openapi_response_name(b, (enum rc)rc);
		buf_add_text(b, "\":{\"description\":");
		buf_add_json(b, meaning->title);
		if (meaning->http == 401)
			buf_add_text(b,
			    ",\"headers\":{\"WWW-Authenticate\":{\"$ref\":\"#/components/headers/WWW-Authenticate\"}}");
		if (meaning->http == 503)
			buf_add_text(b,
			    ",\"headers\":{\"Retry-After\":{\"$ref\":\"#/components/headers/Retry-After\"}}");
		if (meaning->http == 429)
			buf_add_text(b,
			    ",\"headers\":{\"Retry-After\":{\"$ref\":\"#/components/headers/Retry-After\"},"
			    "\"RateLimit-Policy\":{\"$ref\":\"#/components/headers/RateLimit-Policy\"},"
			    "\"RateLimit\":{\"$ref\":\"#/components/headers/RateLimit\"}}");
		buf_add_text(b, "," ERROR_CONTENT "}");
	}
	buf_add_char(b, '}');
}

void
openapi_components(struct openapi *o)
{
	buf_addf(o->b, "\"schemas\":{%s", error_schema);
	for (size_t i = 0; i < o->schema_count; i++) {
		buf_addf(o->b, ",\"%s\":", o->schemas[i].name);
		field_schema(o->b, o->schemas[i].table, o->schemas[i].use);
	}
	buf_add_text(o->b, "},");
	write_responses(o->b);
	buf_addf(o->b, ",\"parameters\":{%s},\"headers\":{%s},\"securitySchemes\":{%s}", parameters, headers,
	    security_schemes);
}
