#include "tests/unit/web/fake_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

struct fake {
	struct web_worker worker;
	struct arena *arena; /* of the answer */
	const struct fake_request *request;
	size_t body_length;
	char length[24];
	struct buf out;
	struct fake_answer answer;
};

static const char *
fake_get(void *engine, const char *variable)
{
	struct fake *fake = engine;
	const struct fake_request *request = fake->request;
	const char *query = strchr(request->uri, '?');

	for (const char *const *v = request->variables; v != NULL && *v != NULL; v += 2)
		if (strcmp(v[0], variable) == 0)
			return v[1];
	if (strcmp(variable, "REQUEST_METHOD") == 0)
		return request->method != NULL ? request->method : request->body != NULL ? "POST" : "GET";
	if (strcmp(variable, "REQUEST_URI") == 0)
		return request->uri;
	if (strcmp(variable, "QUERY_STRING") == 0)
		return query == NULL ? "" : query + 1;
	if (strcmp(variable, "CONTENT_TYPE") == 0)
		return request->type != NULL   ? request->type
		       : request->body != NULL ? "application/json"
					       : NULL;
	if (strcmp(variable, "CONTENT_LENGTH") == 0 && request->body != NULL)
		return fake->length;
	return NULL;
}

/* In small pieces, as from a network. */
static ptrdiff_t
fake_read(void *engine, void *into, size_t size)
{
	struct fake *fake = engine;
	size_t left = fake->body_length - fake->answer.body_read;

	if (left == 0) {
		fake->answer.ended_read = !fake->request->breaks_off;
		return fake->request->breaks_off ? -1 : 0;
	}
	size = size > 1000 ? 1000 : size;
	size = size > left ? left : size;
	memcpy(into, fake->request->body + fake->answer.body_read, size);
	fake->answer.body_read += size;
	return (ptrdiff_t)size;
}

static bool
fake_write(void *engine, const void *bytes, size_t length)
{
	struct fake *fake = engine;

	buf_add(&fake->out, bytes, length);
	fake->answer.writes++;
	return fake->request->hangs_up_after == 0 || fake->out.length < fake->request->hangs_up_after;
}

struct fake *
fake_new(const struct web_program *program, struct pg *pg)
{
	static const struct config defaults = {
		.web = { .threads = 1, .body_max = 65536, .request_timeout_ms = 10000, .public_url = "" },
		.database = { .statement_timeout_ms = 5000, .connect_timeout_ms = 1000 },
		.billing = { .currency = "USD" },
		.scheduling = { .zone = "UTC" },
		.log = { .level = "error" },
	};
	struct fake *fake = calloc(1, sizeof(*fake));

	if (fake == NULL)
		abort();
	if (config == NULL || config->web.body_max == 0) { /* nobody has read one */
		config = &defaults;
		log_open("test", LOG_ERROR);
	}
	fake->worker = (struct web_worker){ .program = program, .arena = arena_new(), .pg = pg };
	fake->arena = arena_new();
	return fake;
}

void
fake_free(struct fake *fake)
{
	arena_free(fake->worker.arena);
	arena_free(fake->arena);
	free(fake);
}

const struct fake_answer *
fake_ask(struct fake *fake, const struct fake_request *request)
{
	struct web_env env = { .engine = fake, .get = fake_get, .read = fake_read, .write = fake_write };
	const char *end;

	arena_reset(fake->arena);
	fake->out = (struct buf){ .arena = fake->arena };
	fake->answer = (struct fake_answer){ 0 };
	fake->request = request;
	fake->body_length = request->body == NULL       ? 0
			    : request->body_length != 0 ? request->body_length
							: strlen(request->body);
	snprintf(fake->length, sizeof(fake->length), "%zu", fake->body_length);
	fake->answer.end = web_answer(&fake->worker, &env);
	fake->answer.head = fake->answer.body = "";
	if (fake->out.length == 0 || (end = strstr(fake->out.bytes, "\r\n\r\n")) == NULL)
		return &fake->answer;
	fake->answer.head = arena_strndup(fake->arena, fake->out.bytes, (size_t)(end + 2 - fake->out.bytes));
	fake->answer.body = end + 4;
	fake->answer.body_length = fake->out.length - (size_t)(end + 4 - fake->out.bytes);
	if (strncmp(fake->answer.head, "Status: ", 8) == 0)
		fake->answer.status = (int)strtol(fake->answer.head + 8, NULL, 10);
	return &fake->answer;
}

const char *
fake_header(struct fake *fake, const char *name)
{
	size_t length = strlen(name);
	const char *line = fake->answer.head, *end;

	for (; (end = strstr(line, "\r\n")) != NULL; line = end + 2)
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return arena_strndup(
			    fake->arena, line + length + 2, (size_t)(end - line) - length - 2);
	return NULL;
}
