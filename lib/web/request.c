#include "lib/web/request.h"

#include <string.h>

#include "lib/base/text.h"

const char *
request_header(const struct request *rq, const char *variable)
{
	const char *value = rq->env->get(rq->env->engine, variable);

	return value == NULL || *value == '\0' ? NULL : value;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

const char *
percent_decode(struct arena *a, const char *text, size_t length, bool query)
{
	char *decoded = arena_alloc(a, length + 1);
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '+' && query) {
			c = ' ';
		} else if (c == '%') {
			int high = length - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

			if (low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		decoded[n++] = c;
	}
	decoded[n] = '\0';
	return utf8_valid(decoded, n) ? decoded : NULL;
}

static void
add_escaped(struct buf *b, const char *s, size_t length, const char *as_they_are)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)s[i];

		/* strchr would find the NUL at the end of the set as well. */
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr(as_they_are, c) != NULL)) {
			buf_add_char(b, (char)c);
		} else {
			buf_add_char(b, '%');
			buf_add_char(b, hex[c >> 4]);
			buf_add_char(b, hex[c & 15]);
		}
	}
}

void
percent_encode(struct buf *b, const char *s)
{
	add_escaped(b, s, strlen(s), "-._~");
}

/* What RFC 3986 allows in a path, escapes included: a raw path goes into headers and error bodies as it is,
 * but for characters that no URI has (servers let some through). */
static const char path_characters[] = "-._~!$&'()*+,;=:@/%";

/* The path as the client sent it.  REQUEST_URI keeps an escaped slash apart from a slash, which SCRIPT_NAME
 * and PATH_INFO don't; those are for servers that don't set it. */
static void
find_path(struct request *rq, struct buf *path)
{
	const char *uri = rq->uri, *script = request_header(rq, "SCRIPT_NAME"), *info;
	size_t skip, name;

	if (uri == NULL) {
		info = request_header(rq, "PATH_INFO");
		if (script != NULL)
			add_escaped(path, script, strlen(script), "-._~!$&'()*+,;=:@/");
		if (info != NULL)
			add_escaped(path, info, strlen(info), "-._~!$&'()*+,;=:@/");
		return;
	}
	if (*uri != '/') { /* absolute-form (RFC 9112, section 3.2.2) */
		const char *authority = strstr(uri, "://");

		uri = authority == NULL ? uri : authority + 3 + strcspn(authority + 3, "/?");
	}
	/* A CGI program below /cgi-bin: the program's own name in the path is the server's business. */
	skip = script == NULL ? 0 : strlen(script);
	name = strlen(rq->program->name);
	if (skip > name && strcmp(script + skip - name, rq->program->name) == 0 &&
	    script[skip - name - 1] == '/' && strncmp(uri, script, skip) == 0)
		uri += skip;
	add_escaped(path, uri, strcspn(uri, "?#"), path_characters);
}

enum rc
request_parse_path(struct ctx *cx, struct request *rq)
{
	struct buf path = { .arena = cx->arena };
	const char *at, *segment;
	size_t length;

	rq->method = request_header(rq, "REQUEST_METHOD");
	if (rq->method == NULL)
		rq->method = "GET";
	rq->head = strcmp(rq->method, "HEAD") == 0;
	rq->uri = request_header(rq, "REQUEST_URI");
	find_path(rq, &path);
	rq->path = path.length == 0 ? "/" : path.bytes;
	for (at = rq->path; *at == '/'; at += length) {
		at++;
		length = strcspn(at, "/");
		if (rq->segment_count == SEGMENTS_MAX) {
			rq->segment_count++;
			break;
		}
		segment = percent_decode(cx->arena, at, length, false);
		if (segment == NULL)
			return err_set(cx, RC_INVALID,
			    "The path has an escape that is wrong, a NUL, or text that is no UTF-8");
		rq->segments[rq->segment_count++] = segment;
	}
	return RC_OK;
}

static bool
query_name_known(const struct web_route *route, const char *name)
{
	const struct field *row;

	if (route->list && (strcmp(name, "limit") == 0 || strcmp(name, "cursor") == 0))
		return true;
	row = route->filters == NULL ? NULL : field_find(route->filters, name);
	return row != NULL && (row->use & FILTER) != 0;
}

static enum rc
check_query_name(struct ctx *cx, const struct request *rq, const char *name)
{
	if (!query_name_known(rq->route, name))
		return err_field(cx, RC_INVALID, name, "%s is not a known query parameter", name);
	for (size_t i = 0; i < rq->query_count; i++)
		if (strcmp(rq->query[i].name, name) == 0)
			return err_field(cx, RC_INVALID, name, "%s is given more than once", name);
	return RC_OK;
}

enum rc
request_parse_query(struct ctx *cx, struct request *rq)
{
	const char *at = request_header(rq, "QUERY_STRING"), *mark;
	enum rc rc = RC_OK;
	size_t length;

	if (at == NULL && rq->uri != NULL && (mark = strchr(rq->uri, '?')) != NULL)
		at = mark + 1;
	if (at == NULL)
		return RC_OK;
	rq->query = arena_zalloc_n(cx->arena, QUERY_MAX, sizeof(*rq->query));
	for (; *at != '\0'; at += length + (at[length] == '&')) {
		struct query_pair pair;
		size_t name;

		length = strcspn(at, "&");
		name = strcspn(at, "=&");
		if (length == 0)
			continue;
		if (rq->query_count == QUERY_MAX)
			return err_set(cx, RC_INVALID, "There are more than %d query parameters", QUERY_MAX);
		pair.name = percent_decode(cx->arena, at, name, true);
		pair.value =
		    name == length ? "" : percent_decode(cx->arena, at + name + 1, length - name - 1, true);
		if (pair.name == NULL)
			return err_set(cx, RC_INVALID,
			    "A query parameter's name has an escape that is wrong, a NUL, or text that is no "
			    "UTF-8");
		if (check_query_name(cx, rq, pair.name) != RC_OK)
			rc = RC_INVALID;
		else if (pair.value == NULL)
			rc = err_field(cx, RC_INVALID, pair.name,
			    "%s has an escape that is wrong, a NUL, or text that is no UTF-8", pair.name);
		if (pair.value == NULL) /* what notes the question later needs one */
			pair.value = "";
		rq->query[rq->query_count++] = pair;
	}
	return rc;
}
