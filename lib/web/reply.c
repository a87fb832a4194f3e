#include "lib/web/reply.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/web/cursor.h"
#include "lib/web/media.h"
#include "lib/web/route.h"
#include "lib/web/trail.h"

void
reply_init(struct reply *rp, struct ctx *cx, const struct request *rq)
{
	*rp = (struct reply){
		.cx = cx,
		.rq = rq,
		.headers = { .arena = cx->arena },
		.content = { .arena = cx->arena },
	};
}

void
header_add(struct buf *headers, const char *name, const char *value)
{
	buf_add_text(headers, name);
	buf_add_text(headers, ": ");
	buf_add_text(headers, value);
	buf_add_text(headers, "\r\n");
}

void
reply_header(struct reply *rp, const char *name, const char *value)
{
	header_add(&rp->headers, name, value);
}

/* RFC 6750, section 3: no error code where there was no token. */
static void
challenge(struct reply *rp)
{
	reply_header(rp, "WWW-Authenticate",
	    rp->rq->token_refused ? "Bearer error=\"invalid_token\"" : "Bearer");
}

static void
start(struct reply *rp, int status)
{
	rp->status = status;
	rp->headers.length = 0;
	rp->content.length = 0;
	rp->type = NULL;
	rp->problem = false;
	rp->max_age_s = 0;
	rp->streaming = false;
	rp->count = 0;
	rp->made = NULL;
}

static int
success_status(const struct request *rq)
{
	return rq->route->status == 0 ? 200 : rq->route->status;
}

static void
add_etag(struct reply *rp, int64_t version)
{
	if (version <= 0)
		return;
	buf_add_text(&rp->headers, "ETag: \"");
	buf_add_number(&rp->headers, version);
	buf_add_text(&rp->headers, "\"\r\n");
}

enum rc
reply_one(struct ctx *cx, struct reply *rp, const struct field *table, const void *thing, int64_t version)
{
	const char *known = request_header(rp->rq, "HTTP_IF_NONE_MATCH");
	bool get = strcmp(rp->rq->route->method, "GET") == 0;

	(void)cx;
	start(rp, success_status(rp->rq));
	rp->count = 1;
	trail_subject(rp->rq, table, thing);
	add_etag(rp, version);
	if (get && known != NULL && version > 0 && etag_none_match(known, version))
		rp->status = 304;
	else
		field_write(&rp->content, table, thing);
	return RC_OK;
}

enum rc
reply_created(struct ctx *cx, struct reply *rp, const struct field *table, const void *thing, const char *id,
    int64_t version)
{
	struct buf path = { .arena = cx->arena };
	enum rc rc;

	buf_add_text(&path, rp->rq->path);
	if (id != NULL) {
		buf_add_char(&path, '/');
		percent_encode(&path, id);
	}
	rc = reply_created_at(cx, rp, table, thing, path.bytes, version);
	rp->made = id;
	return rc;
}

enum rc
reply_created_at(struct ctx *cx, struct reply *rp, const struct field *table, const void *thing,
    const char *path, int64_t version)
{
	start(rp, 201);
	rp->count = 1;
	rp->made = strrchr(path, '/') + 1;
	trail_subject(rp->rq, table, thing);
	add_etag(rp, version);
	reply_header(rp, "Location", arena_printf(cx->arena, "%s%s", config->web.public_url, path));
	field_write(&rp->content, table, thing);
	return RC_OK;
}

/* The same question about the page that begins after key. */
static void
add_link(struct reply *rp, const char *key)
{
	const struct request *rq = rp->rq;
	struct buf link = { .arena = rp->cx->arena };
	struct page page = { .limit = PAGE_LIMIT_DEFAULT };

	(void)request_page(rp->cx, rq, &page);
	buf_addf(&link, "<%s%s?", config->web.public_url, rq->path);
	for (size_t i = 0; i < rq->query_count; i++) {
		if (strcmp(rq->query[i].name, "limit") == 0 || strcmp(rq->query[i].name, "cursor") == 0)
			continue;
		percent_encode(&link, rq->query[i].name);
		buf_add_char(&link, '=');
		percent_encode(&link, rq->query[i].value);
		buf_add_char(&link, '&');
	}
	buf_addf(&link, "cursor=%s&limit=%lld>; rel=\"next\"", cursor_encode(rp->cx->arena, key),
	    (long long)page.limit);
	reply_header(rp, "Link", link.bytes);
}

/* The answer as a file; its name has nothing in it that would need quoting. */
static void
add_file(struct reply *rp, const char *type, const char *filename)
{
	char *name = arena_strdup(rp->cx->arena, filename);

	rp->type = type;
	if (name == NULL)
		return;
	for (char *s = name; *s != '\0'; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') && !(*s >= '0' && *s <= '9') &&
		    strchr("._-", *s) == NULL)
			*s = '_';
	reply_header(rp, "Content-Disposition", arena_printf(rp->cx->arena, "attachment; filename=\"%s\"", name));
}

/* "statement.csv" of "/accounts/{patientId}/statement": nothing that says whose it is. */
static const char *
csv_filename(struct arena *a, const char *pattern)
{
	const char *name = "list";
	size_t length = strlen(name);

	for (const char *at = pattern; *at == '/'; at += strcspn(at, "/")) {
		at++;
		if (*at != '{') {
			name = at;
			length = strcspn(at, "/");
		}
	}
	return arena_printf(a, "%.*s.csv", (int)length, name);
}

enum rc
reply_csv(struct ctx *cx, struct reply *rp, const struct field *table, const void *things, size_t count, size_t size)
{
	start(rp, success_status(rp->rq));
	rp->count = count;
	add_file(rp, "text/csv; charset=utf-8; header=present", csv_filename(cx->arena, rp->rq->route->pattern));
	field_csv_head(&rp->content, table);
	for (size_t i = 0; i < count; i++)
		field_csv(&rp->content, table, (const char *)things + i * size);
	return RC_OK;
}

enum rc
reply_content(
    struct ctx *cx, struct reply *rp, const char *type, const void *bytes, size_t length, const char *filename)
{
	(void)cx;
	start(rp, success_status(rp->rq));
	rp->count = 1;
	add_file(rp, type, filename);
	buf_add(&rp->content, bytes, length);
	return RC_OK;
}

static void
add_json_list(struct buf *b, const struct field *table, const void *things, size_t count, size_t size)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(b, ',');
		field_write(b, table, (const char *)things + i * size);
	}
	buf_add_char(b, ']');
}

enum rc
reply_list(struct ctx *cx, struct reply *rp, const struct field *table, const void *things, size_t count,
    size_t size, const char *next)
{
	if (rp->rq->wants_csv)
		(void)reply_csv(cx, rp, table, things, count, size);
	else {
		start(rp, success_status(rp->rq));
		rp->count = count;
		add_json_list(&rp->content, table, things, count, size);
	}
	if (next != NULL)
		add_link(rp, next);
	return RC_OK;
}

void
reply_about(struct reply *rp, const char *thing)
{
	rp->about = thing;
}

enum rc
reply_nothing(struct ctx *cx, struct reply *rp)
{
	return reply_status(cx, rp, 204);
}

enum rc
reply_status(struct ctx *cx, struct reply *rp, int status)
{
	(void)cx;
	start(rp, status);
	if (status == 401)
		challenge(rp);
	return RC_OK;
}

enum rc
reply_json(struct ctx *cx, struct reply *rp, const struct buf *json, int max_age_s)
{
	(void)cx;
	start(rp, success_status(rp->rq));
	rp->max_age_s = max_age_s;
	buf_add(&rp->content, json->bytes, json->length);
	return RC_OK;
}

void
reply_options(struct reply *rp, const char *allow)
{
	start(rp, 204);
	reply_header(rp, "Allow", allow);
}

static void
add_member(struct buf *b, const char *name, const char *text)
{
	if (b->length > 1)
		buf_add_char(b, ',');
	buf_add_json(b, name);
	buf_add_char(b, ':');
	buf_add_json(b, text);
}

static void
add_field_errors(struct buf *b, const struct err_field *f)
{
	buf_add_text(b, ",\"errors\":{");
	for (; f != NULL; f = f->next) {
		buf_add_json(b, f->name);
		buf_add_char(b, ':');
		buf_add_json(b, f->message);
		if (f->next != NULL)
			buf_add_char(b, ',');
	}
	buf_add_char(b, '}');
}

void
reply_error(struct reply *rp, enum rc rc)
{
	const struct rc_meaning *meaning = rc_meaning(rc);
	const char *message = err_message(rp->cx, rc), *allow;
	time_t now = (time_t)(clock_now_us() / 1000000);
	char timestamp[sizeof("yyyy-MM-dd HH:mm:ss")];
	struct tm tm;

	start(rp, meaning->http);
	rp->problem = rp->rq->takes_problem;
	strftime(timestamp, sizeof(timestamp), "%Y-%m-%d %H:%M:%S", gmtime_r(&now, &tm));
	buf_add_char(&rp->content, '{');
	add_member(&rp->content, "timestamp", timestamp);
	buf_addf(&rp->content, ",\"status\":%d", meaning->http);
	add_member(&rp->content, "message", message);
	add_member(&rp->content, "path", rp->rq->path);
	if (rp->cx->err.fields != NULL)
		add_field_errors(&rp->content, rp->cx->err.fields);
	add_member(&rp->content, "requestId", rp->cx->request_id);
	/* RFC 9457, section 4.2.1: "about:blank" says no more than the status does; the title is its
	 * phrase. */
	add_member(&rp->content, "type", "about:blank");
	add_member(&rp->content, "title", meaning->title);
	add_member(&rp->content, "detail", message);
	add_member(&rp->content, "instance", rp->rq->path);
	buf_add_char(&rp->content, '}');
	if (rc == RC_METHOD && (allow = route_allow(rp->cx, rp->rq)) != NULL)
		reply_header(rp, "Allow", allow);
	if (meaning->http == 401)
		challenge(rp);
	if (meaning->http == 503)
		reply_header(rp, "Retry-After", "1");
	if (rc == RC_THROTTLED)
		reply_header(rp, "Retry-After",
		    arena_printf(rp->cx->arena, "%lld", (long long)(rp->cx->err.retry_after_s > 0 ? rp->cx->err.retry_after_s : 1)));
}
