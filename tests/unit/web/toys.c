#include "tests/unit/web/toys.h"

#include <stddef.h>
#include <string.h>

#include "lib/base/arena.h"

#define STREAM_ROWS 20000

struct toy {
	const char *id;
	const char *name;
	const char *maker;
	int64_t place;
	int64_t version;
};

static const struct field toy_fields[] = {
	{ "id", F_UUID, offsetof(struct toy, id), .use = REPLY },
	{ "name", F_TEXT, offsetof(struct toy, name), .use = CREATE | UPDATE | REPLY | REQUIRED, .max = 80 },
	{ "maker", F_UUID, offsetof(struct toy, maker), .use = CREATE | FILTER },
	{ "place", F_INT, offsetof(struct toy, place), .use = REPLY },
	FIELD_END,
};

static const struct field toy_filters[] = {
	{ "name", F_TEXT, offsetof(struct toy, name), .use = FILTER, .max = 80 },
	{ "maker", F_UUID, offsetof(struct toy, maker), .use = FILTER },
	FIELD_END,
};

int toys_streamed;
size_t toys_stream_memory;
struct fake *fake;

static enum rc
find(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct toy toy = { .name = "top", .version = TOY_VERSION };
	enum rc rc = request_id(cx, rq, "id", &toy.id);

	if (rc == RC_OK)
		rc = reply_one(cx, rp, toy_fields, &toy, toy.version);
	return rc;
}

static enum rc
make(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct toy toy = { 0 };
	enum rc rc = request_read(cx, rq, toy_fields, CREATE, &toy);

	toy.id = TOY_ID;
	if (rc == RC_OK)
		rc = reply_created(cx, rp, toy_fields, &toy, toy.id, 1);
	return rc;
}

static enum rc
change(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct toy toy = { .id = TOY_ID };
	int64_t version;
	enum rc rc = request_if_match(cx, rq, &version);

	if (rc == RC_OK && version != 0 && version != TOY_VERSION)
		rc = RC_STALE;
	if (rc == RC_OK)
		rc = request_read(cx, rq, toy_fields, UPDATE, &toy);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, toy_fields, &toy, TOY_VERSION + 1);
	return rc;
}

static enum rc
stream(struct ctx *cx, struct reply *rp)
{
	enum rc rc = reply_stream_begin(cx, rp, toy_fields);
	size_t used = 0;

	for (toys_streamed = 0; rc == RC_OK && toys_streamed < STREAM_ROWS; toys_streamed++) {
		if (toys_streamed == 1000) /* the first piece has gone out, so its buffer has its size */
			used = arena_used(cx->arena);
		rc = reply_stream_row(
		    rp, &(struct toy){ .id = TOY_ID, .name = "top", .place = toys_streamed });
	}
	toys_stream_memory = arena_used(cx->arena) - used;
	return rc == RC_OK ? reply_stream_end(rp) : rc;
}

/* The page begins where the cursor says, and always has a next one. */
static enum rc
list(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct toy filter = { 0 }, found[2] = { { .id = TOY_ID, .place = 1 }, { .id = TOY_ID, .place = 2 } };
	struct page page;
	enum rc rc = request_filters(cx, rq, toy_filters, &filter);

	if (rc == RC_OK)
		rc = request_page(cx, rq, &page);
	if (rc != RC_OK)
		return rc;
	if (!page.asked)
		return stream(cx, rp);
	found[0].name = filter.name;
	found[1].name = page.after;
	found[1].place = page.limit;
	return reply_list(cx, rp, toy_fields, found, 2, sizeof(found[0]), "the last key");
}

static enum rc
put_down(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return reply_created(
	    cx, rp, toy_fields, &(struct toy){ .name = request_segment(rq, "code") }, NULL, 1);
}

static enum rc
act(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return reply_one(
	    cx, rp, toy_fields, &(struct toy){ .name = request_has_body(rq) ? "with" : "without" }, 0);
}

static enum rc
drop(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	(void)rq;
	return reply_nothing(cx, rp);
}

/* After an answer was made already: what a commit that fails looks like. */
static enum rc
fail(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	const char *how = request_segment(rq, "how");
	struct toy toy = { .id = TOY_ID };

	(void)reply_one(cx, rp, toy_fields, &toy, 1);
	if (strcmp(how, "away") == 0)
		return err_detail(cx, RC_UNAVAILABLE, "the server is gone");
	if (strcmp(how, "internal") == 0)
		return err_detail(cx, RC_INTERNAL, "relation toy does not exist");
	if (strcmp(how, "two") == 0) {
		(void)err_field(cx, RC_INVALID, "a\"b", "first");
		return err_field(cx, RC_INVALID, "c", "second");
	}
	(void)reply_stream_begin(cx, rp, toy_fields);
	(void)reply_stream_row(rp, &toy);
	for (int i = 0; i < 1000 && strcmp(how, "late") == 0; i++)
		(void)reply_stream_row(rp, &toy);
	return RC_UNAVAILABLE;
}

static enum rc
bare(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	return reply_status(cx, rp, request_bearer(rq) != NULL ? 200 : 401);
}

static enum rc
kept(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct buf json = { .arena = cx->arena };

	buf_add_json(&json, request_bearer(rq) != NULL ? request_bearer(rq) : "nobody");
	return reply_json(cx, rp, &json, 60);
}

/* Told by the domain, as all that an answer may need. */
static enum rc
slow_down(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	(void)rq;
	(void)rp;
	cx->err.retry_after_s = 7;
	return RC_THROTTLED;
}

static enum rc
table(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	static const struct toy found[] = { { .id = TOY_ID, .name = "=top", .place = -1 }, { .name = "a,b" } };

	(void)rq;
	return reply_list(cx, rp, toy_fields, found, 2, sizeof(*found), "the last key");
}

/* One thing, or the rows of which it consists. */
static enum rc
sheet(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	static const struct toy toy = { .id = TOY_ID, .name = "top" };

	if (request_wants_csv(rq))
		return reply_csv(cx, rp, toy_fields, &toy, 1, sizeof(toy));
	return reply_one(cx, rp, toy_fields, &toy, 0);
}

static enum rc
paper(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	if (strcmp(request_segment(rq, "id"), "torn") == 0)
		return RC_NOT_FOUND;
	return reply_content(cx, rp, "application/pdf", "%PDF\0\xff", 6, "toy \"2026\"\r\nX: y.pdf");
}

static enum rc
silent(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	(void)cx;
	(void)rq;
	(void)rp;
	return RC_OK;
}

static const struct web_route routes[] = {
	{ "GET", "/toys", ROLE_ANYONE, list, "List", .filters = toy_filters, .list = true, .stream = true },
	{ "POST", "/toys", ROLE_ANYONE, make, "Make", .body = toy_fields, .body_use = CREATE, .status = 201 },
	{ "GET", "/toys/bare", ROLE_ANYONE, bare, "Nothing but a status", .status = 200 },
	{ "GET", "/toys/kept", ROLE_ANYONE, kept, "What may be kept", .status = 200 },
	{ "GET", "/toys/too-often", ROLE_ANYONE, slow_down, "Slow down", .status = 200 },
	{ "GET", "/toys/silent", ROLE_ANYONE, silent, "Answer nothing", .status = 200 },
	{ "GET", "/toys/table", ROLE_ANYONE, table, "As a table", .answer = toy_fields, .list = true, .status = 200,
	    .csv = true },
	{ "GET", "/toys/{id}/sheet", ROLE_ANYONE, sheet, "As a sheet", .answer = toy_fields, .status = 200, .csv = true },
	{ "GET", "/toys/{id}/paper", ROLE_ANYONE, paper, "On paper", .status = 200, .media = "application/pdf" },
	{ "GET", "/toys/{id}", ROLE_ANYONE, find, "Find", .status = 200 },
	{ "PATCH", "/toys/{id}", ROLE_ANYONE, change, "Change", .body = toy_fields, .body_use = UPDATE },
	{ "DELETE", "/toys/{id}", ROLE_ANYONE, drop, "Drop", .status = 204 },
	{ "POST", "/toys/{id}/wind", ROLE_ANYONE, act, "Wind up", .body = toy_fields, .body_use = UPDATE },
	{ "PUT", "/shelves/{code}", ROLE_ANYONE, put_down, "Put down", .body = toy_fields,
	    .body_use = CREATE },
	{ "GET", "/failures/{how}", ROLE_ANYONE, fail, "Fail", .status = 200 },
	WEB_END,
};

const struct web_program toys = { .name = "medicore-toys.fcgi", .title = "Toys", .routes = routes };

static const struct web_route keyed_routes[] = {
	{ "POST", "/toys", ROLE_ANYONE, make, "Make", .body = toy_fields, .body_use = CREATE, .status = 201,
	    .once = true },
	WEB_END,
};

const struct web_program keyed_toys = { .name = "medicore-toys.fcgi", .title = "Toys", .routes = keyed_routes };

void
toys_setup(void)
{
	fake = fake_new(&toys, NULL);
}

void
toys_teardown(void)
{
	fake_free(fake);
}

const struct fake_answer *
toys_get(const char *uri, const char *variable, const char *value)
{
	return fake_ask(fake, &(struct fake_request){
				  .uri = uri, .variables = (const char *const[]){ variable, value, NULL } });
}
