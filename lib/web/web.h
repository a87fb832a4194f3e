/*
 * web.h - REST programs: a route table in, FastCGI (or plain CGI) out.
 *
 * Handlers read as plain blocking code and know nothing of threads.  A program is a const table of routes
 * and web_main.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/field/field.h"
#include "lib/field/page.h"

/* Who may take a route; the default, 0, is nobody. */
enum web_role {
	ROLE_ADMIN = 1 << 0,
	ROLE_STAFF = 1 << 1,
	ROLE_DOCTOR = 1 << 2,
	ROLE_BILLING = 1 << 3,
	ROLE_AUDITOR = 1 << 4,
	ROLE_ANYONE = 1 << 5, /* no login needed */
};

struct audit_spool;
struct limits;
struct request;
struct reply;

typedef enum rc web_handler(struct ctx *cx, const struct request *rq, struct reply *rp);

struct web_route {
	const char *method;  /* GET serves HEAD as well; OPTIONS and Allow come from the table */
	const char *pattern; /* "/patients/{id}": a segment in braces is a parameter */
	unsigned roles;      /* of enum web_role */
	web_handler *handler;
	const char *summary;         /* one line, for OpenAPI */
	const struct field *body;    /* what the body is read by; NULL: none expected */
	enum field_use body_use;     /* CREATE, UPDATE or KEYS */
	const struct field *filters; /* rows with FILTER are the query parameters; NULL: none */
	const struct field *answer;  /* what the answer is written by; NULL: none */
	bool list;                   /* the answer is an array; limit and cursor are taken */
	bool stream;                 /* … and without either, all of it */
	int status;                  /* of success: 200, 201, 204 */
	unsigned errors;             /* OpenAPI: mask of 1u << enum rc that the handler can give besides the
				      * usual ones; with RC_STALE it takes If-Match */
	bool once;                   /* makes something: with an Idempotency-Key once, and the same answer
				      * each time (lib/once); needs a login and a database */
	bool quiet;                  /* programs ask it all the time: no log line while all is well */
	bool csv;                    /* answers with text/csv where Accept prefers it: reply_list does so, else the handler
				      * asks request_wants_csv */
	const char *media;           /* what it answers with by reply_content, "application/pdf"; NULL: JSON */
	bool audited;                /* goes into the audit trail although it needs no login, as a login itself */
};
#define WEB_END { .method = NULL }

struct web_program {
	const char *name;  /* "medicore-patient.fcgi" */
	const char *title; /* OpenAPI tag */
	const struct web_route *routes;
	const char *(*database)(void); /* its name, from config */
	const char *role;              /* database role */
	int schema;                    /* number of the newest migration it knows */
	const char *domain;            /* whose audit trail its routes are noted in: all that need a login;
					* NULL: none */
	const char *subject; /* name of the parameter or member, a UUID, that says which patient a thing is
			      * about; NULL: none does */
	unsigned counts;           /* further groups of lib/metrics that it counts */
	struct audit_spool *spool; /* web_main's, as the next */
	struct limits *limits;	   /* NULL, a test's: anybody may ask as often as they like */
	/* Whose access token it is: fills in cx's account, role and session, or returns RC_UNAUTHENTICATED, or
	 * RC_UNAVAILABLE where that can't be told now.  NULL: web_main sets one that asks auth for its keys. */
	enum rc (*authenticate)(struct ctx *cx, const char *token);
	void (*start)(void); /* once, after the configuration is read, before threads; may be NULL */
	void (*stop)(void);  /* may be NULL */
};

/* main() of a program: --help, --version, --openapi, --routes, --print-config, --config FILE; else serves
 * descriptor 0 until SIGTERM: as FastCGI where it is a listening socket, as CGI for one request where it is not.
 * Returns the exit status. */
int web_main(const struct web_program *program, int argc, char **argv);

/* --- in a handler: what was asked --- */

/* A UUID parameter of the path, in lower case.  RC_INVALID, blaming name, where it is none. */
enum rc request_id(struct ctx *cx, const struct request *rq, const char *name, const char **ret_id);
const char *request_segment(
    const struct request *rq, const char *name); /* as text, percent-decoded, valid UTF-8 */

/* The body by the route's table; an empty body where one is due is malformed JSON. */
enum rc request_read(
    struct ctx *cx, const struct request *rq, const struct field *table, enum field_use use, void *into);

/* Of a route with .csv: whether its answer is due as CSV. */
bool request_wants_csv(const struct request *rq);

/* False where the request came without a body, for routes that can do without one. */
bool request_has_body(const struct request *rq);

/* Query parameters by the route's filters; unknown, repeated or malformed ones are RC_INVALID. */
enum rc request_filters(struct ctx *cx, const struct request *rq, const struct field *table, void *into);

/* limit and cursor; struct page is lib/field/page.h's. */
enum rc request_page(struct ctx *cx, const struct request *rq, struct page *ret_page);

/* If-Match: RC_OK with 0 for none or "*", else the version named; RC_STALE for what no version of ours can
 * be. */
enum rc request_if_match(struct ctx *cx, const struct request *rq, int64_t *ret_version);

/* The token of `Authorization: Bearer TOKEN` (RFC 6750; the scheme in any case), else NULL.  Nothing is known of it. */
const char *request_bearer(const struct request *rq);

/* --- in a handler: the answer, exactly one on RC_OK; lib/web answers any other rc --- */

/* 200 (or the route's status) with one thing; ETag from version where it is > 0. */
enum rc reply_one(
    struct ctx *cx, struct reply *rp, const struct field *table, const void *thing, int64_t version);

/* 201 with Location /collection/{id} (the request's path, a slash and id; with id NULL, for a PUT, that
 * path itself) and ETag. */
enum rc reply_created(struct ctx *cx, struct reply *rp, const struct field *table, const void *thing,
    const char *id, int64_t version);

/* A bare array; next (NULL: this is the last page) becomes the opaque cursor of Link: <…>; rel="next". */
enum rc reply_list(struct ctx *cx, struct reply *rp, const struct field *table, const void *things,
    size_t count, size_t size, const char *next);

/* The same as a CSV file, whatever was asked for: a line of the members' names, then the things. */
enum rc reply_csv(struct ctx *cx, struct reply *rp, const struct field *table, const void *things, size_t count,
    size_t size);

/* Bytes of the route's media type, as a file; type and bytes live as long as the arena.  Other characters than
 * letters, digits, '.', '_' and '-' of filename become '_'; NULL: to be shown rather than saved. */
enum rc reply_content(struct ctx *cx, struct reply *rp, const char *type, const void *bytes, size_t length,
    const char *filename);

/* The same where the new thing is not below the request's path: path is all of it, percent-encoded. */
enum rc reply_created_at(struct ctx *cx, struct reply *rp, const struct field *table, const void *thing,
    const char *path, int64_t version);

enum rc reply_nothing(struct ctx *cx, struct reply *rp); /* 204 */

/* Nothing but a status, for the routes whose clients rely on an empty body. */
enum rc reply_status(struct ctx *cx, struct reply *rp, int status);

/* 200 with JSON that the handler made; anybody may keep it for max_age_s seconds, 0: nobody. */
enum rc reply_json(struct ctx *cx, struct reply *rp, const struct buf *json, int max_age_s);

/* For the audit trail: what the request is about, where neither its path nor its answer says so. */
void reply_about(struct reply *rp, const char *thing);

/* A bare array that goes out as it is made, at flat memory: begin, any number of rows, end.  Once it has
 * begun an error can only cut the answer short, so that the client sees broken JSON rather than a shorter
 * list. */
enum rc reply_stream_begin(struct ctx *cx, struct reply *rp, const struct field *table);
enum rc reply_stream_row(struct reply *rp, const void *row);
enum rc reply_stream_end(struct reply *rp);

#endif
