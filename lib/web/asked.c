/* What handlers ask of a request (web.h). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/uuid.h"
#include "lib/web/cursor.h"
#include "lib/web/media.h"
#include "lib/web/request.h"
#include "lib/web/trail.h"

const char *
request_segment(const struct request *rq, const char *name)
{
	const char *at = rq->route->pattern;
	size_t length = strlen(name);

	for (size_t i = 0; *at == '/'; i++, at += strcspn(at, "/")) {
		at++;
		if (*at == '{' && strncmp(at + 1, name, length) == 0 && at[1 + length] == '}')
			return rq->segments[i];
	}
	return NULL;
}

enum rc
request_id(struct ctx *cx, const struct request *rq, const char *name, const char **ret_id)
{
	const char *text = request_segment(rq, name);
	char id[UUID_SIZE];

	if (text == NULL || !uuid_parse(text, strlen(text), id))
		return err_field(cx, RC_INVALID, name, "%s must be a UUID", name);
	*ret_id = arena_strdup(cx->arena, id);
	return RC_OK;
}

enum rc
request_read(
    struct ctx *cx, const struct request *rq, const struct field *table, enum field_use use, void *into)
{
	enum rc rc = field_read(cx, table, use, rq->body, rq->body_length, into);

	trail_subject(rq, table, into);
	return rc;
}

bool
request_wants_csv(const struct request *rq)
{
	return rq->wants_csv;
}

bool
request_has_body(const struct request *rq)
{
	return rq->body_length > 0;
}

static const char *
query_value(const struct request *rq, const char *name)
{
	for (size_t i = 0; i < rq->query_count; i++)
		if (strcmp(rq->query[i].name, name) == 0)
			return rq->query[i].value;
	return NULL;
}

enum rc
request_filters(struct ctx *cx, const struct request *rq, const struct field *table, void *into)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < rq->query_count; i++) {
		const struct query_pair *pair = &rq->query[i];
		const struct field *row = field_find(table, pair->name);

		/* The names were checked before the handler ran: what is no filter is limit or cursor. */
		if (row == NULL || (row->use & FILTER) == 0)
			continue;
		if (field_set(cx, row, FILTER, pair->value, strlen(pair->value), into) != RC_OK)
			rc = RC_INVALID;
	}
	trail_subject(rq, table, into);
	return rc == RC_OK ? field_finish(cx, table, FILTER, into) : rc;
}

enum rc
request_page(struct ctx *cx, const struct request *rq, struct page *ret_page)
{
	const char *limit = query_value(rq, "limit"), *cursor = query_value(rq, "cursor");
	struct page page = { .asked = limit != NULL || cursor != NULL, .limit = PAGE_LIMIT_DEFAULT };
	enum rc rc = RC_OK;

	if (limit != NULL) {
		size_t length = strlen(limit);

		page.limit = length >= 1 && length <= 3 && strspn(limit, "0123456789") == length
				 ? strtol(limit, NULL, 10)
				 : 0;
		if (page.limit < 1 || page.limit > PAGE_LIMIT_MAX)
			rc = err_field(cx, RC_INVALID, "limit",
			    "limit must be a whole number between 1 and %d", PAGE_LIMIT_MAX);
	}
	if (cursor != NULL) {
		page.after = cursor_decode(cx->arena, cursor);
		if (page.after == NULL)
			rc =
			    err_field(cx, RC_INVALID, "cursor", "cursor must be one that a Link header gave");
	}
	if (rc == RC_OK)
		*ret_page = page;
	return rc;
}

enum rc
request_if_match(struct ctx *cx, const struct request *rq, int64_t *ret_version)
{
	const char *header = request_header(rq, "HTTP_IF_MATCH");

	if (header == NULL) {
		*ret_version = 0;
		return RC_OK;
	}
	if (!etag_match(header, ret_version))
		return err_set(cx, RC_STALE, "If-Match names no version that this can have");
	return RC_OK;
}

const char *
request_bearer(const struct request *rq)
{
	const char *header = request_header(rq, "HTTP_AUTHORIZATION");

	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7 + strspn(header + 7, " ");
	return *header == '\0' ? NULL : header;
}
