/* openapi.h - a program's part of the OpenAPI 3.1 document, from the tables that it runs on. */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "lib/base/text.h"
#include "lib/web/web.h"

/* A whole document of this program alone; openapi_merge.c joins those of all programs. */
void openapi_write(struct buf *b, const struct web_program *program);

/* --- shared by openapi.c and openapi_components.c --- */

/* What a schema is made of: the same table for the same use is one schema. */
struct openapi_schema {
	const struct field *table;
	enum field_use use;
	const char *name;
};

#define OPENAPI_SCHEMAS_MAX 64

struct openapi {
	struct buf *b;
	const struct web_program *program;
	struct openapi_schema schemas[OPENAPI_SCHEMAS_MAX];
	size_t schema_count;
};

/* The name of table's schema for route, made on first sight. */
const char *openapi_schema_name(
    struct openapi *o, const struct web_route *route, const struct field *table, enum field_use use);

/* "/patients/{id}" as "PatientsId", or without its parameters and with the first segment in the singular,
 * "Patient". */
char *openapi_camel(struct arena *a, const char *pattern, bool singular);

void openapi_components(struct openapi *o);

/* A response of components: its name is the title without spaces. */
void openapi_response_name(struct buf *b, enum rc rc);

#endif
