/*
 * web.c - whole requests through lib/web with an engine in memory: lines of CGI variables (NAME=value), an
 * empty line, the body. Whatever comes, the answer has a status, and JSON where it says so.
 */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/field/json_check.h"
#include "lib/web/engine.h"
#include "lib/web/keyed.h"
#include "tests/unit/field/thing.h"

#define VARIABLES_MAX 16

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct asked {
	const char *variables[VARIABLES_MAX];
	size_t variable_count;
	const char *body;
	size_t body_left;
	struct buf answer;
};

static const char *
get(void *engine, const char *variable)
{
	const struct asked *asked = engine;
	size_t n = strlen(variable);

	for (size_t i = 0; i < asked->variable_count; i++)
		if (strncmp(asked->variables[i], variable, n) == 0 && asked->variables[i][n] == '=')
			return asked->variables[i] + n + 1;
	return NULL;
}

static ptrdiff_t
read_body(void *engine, void *into, size_t size)
{
	struct asked *asked = engine;
	size_t n = size < asked->body_left ? size : asked->body_left;

	memcpy(into, asked->body, n);
	asked->body += n;
	asked->body_left -= n;
	return (ptrdiff_t)n;
}

static bool
write_answer(void *engine, const void *bytes, size_t length)
{
	struct asked *asked = engine;

	buf_add(&asked->answer, bytes, length);
	return true;
}

/* --- a program with a route of each kind --- */

static enum rc
list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct thing filter = { 0 };
	struct page page;
	enum rc rc = request_filters(cx, rq, thing_fields, &filter);

	if (rc == RC_OK)
		rc = request_page(cx, rq, &page);
	if (rc == RC_OK)
		rc = reply_list(cx, rp, thing_fields, &filter, 1, sizeof(filter), page.after);
	return rc;
}

static enum rc
create(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct thing asked = { 0 };
	const char *key;
	enum rc rc = request_read(cx, rq, thing_fields, CREATE, &asked);

	if (rc == RC_OK)
		rc = keyed_read(cx, rq, &key);
	if (rc == RC_OK)
		rc = reply_created(cx, rp, thing_fields, &asked, "1e621f4c-db30-c273-49e9-2dcad508a9cb", 1);
	return rc;
}

static enum rc
change(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct thing asked = { 0 };
	int64_t version;
	enum rc rc = request_id(cx, rq, "id", &asked.id);

	if (rc == RC_OK)
		rc = request_if_match(cx, rq, &version);
	if (rc == RC_OK)
		rc = request_read(cx, rq, thing_fields, UPDATE, &asked);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, thing_fields, &asked, version + 1);
	return rc;
}

static enum rc
get_by_code(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct thing t = { .note = request_segment(rq, "code") };

	return reply_one(cx, rp, thing_fields, &t, 7);
}

static const struct web_route routes[] = {
	{ .method = "GET", .pattern = "/things", .roles = ROLE_ANYONE, .handler = list, .filters = thing_fields,
	  .answer = thing_fields, .list = true, .status = 200 },
	{ .method = "POST", .pattern = "/things", .roles = ROLE_ANYONE, .handler = create, .body = thing_fields,
	  .body_use = CREATE, .answer = thing_fields, .status = 201 },
	{ .method = "PATCH", .pattern = "/things/{id}", .roles = ROLE_ANYONE, .handler = change, .body = thing_fields,
	  .body_use = UPDATE, .answer = thing_fields, .status = 200 },
	{ .method = "GET", .pattern = "/codes/{code}", .roles = ROLE_ANYONE, .handler = get_by_code,
	  .answer = thing_fields, .status = 200 },
	WEB_END
};

static const struct web_program program = { .name = "medicore-fuzz.fcgi", .title = "things", .routes = routes };

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return config_load("/dev/null") ? 0 : 1;
}

/* Splits the input, of which text is a NUL-terminated copy. */
static void
take(struct asked *asked, char *text, size_t size)
{
	char *line = text, *end = text + size, *newline;

	while (line < end && *line != '\n' && asked->variable_count < VARIABLES_MAX) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (newline == NULL)
			newline = end;
		*newline = '\0';
		asked->variables[asked->variable_count++] = line;
		line = newline < end ? newline + 1 : end;
	}
	asked->body = line < end ? line + 1 : end;
	asked->body_left = (size_t)(end - asked->body);
}

static void
must_be_an_answer(const struct buf *answer)
{
	const char *content, *json;
	struct json_fault fault;
	size_t length;

	if (answer->length < 12 || memcmp(answer->bytes, "Status: ", 8) != 0)
		abort();
	content = memmem(answer->bytes, answer->length, "\r\n\r\n", 4);
	if (content == NULL)
		abort();
	json = memmem(answer->bytes, (size_t)(content - answer->bytes), "json", 4);
	content += 4;
	length = answer->length - (size_t)(content - answer->bytes);
	if (json != NULL && length > 0 && json_check(content, length, &fault) != RC_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *kept;
	struct web_worker worker = { .program = &program };
	struct asked asked = { 0 };
	struct web_env env = { .engine = &asked, .get = get, .read = read_body, .write = write_answer };
	struct arena *own = arena_new();

	if (kept == NULL)
		kept = arena_new();
	worker.arena = kept;
	asked.answer.arena = own;
	take(&asked, arena_strndup(own, (const char *)data, size), size);
	web_answer(&worker, &env);
	must_be_an_answer(&asked.answer);
	arena_free(own);
	return 0;
}
