/*
 * fake_engine.h - an engine whose requests come from memory, so that a program's routes and handlers are
 * tested without a server:
 *
 * 	struct fake *fake = fake_new(&program, NULL);
 * 	const struct fake_answer *answer = fake_ask(fake, &(struct fake_request){ .uri = "/patients/x" });
 *
 * 	ck_assert_int_eq(answer->status, 400);
 */
#ifndef UNIT_WEB_FAKE_ENGINE_H
#define UNIT_WEB_FAKE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/web/engine.h"

struct fake_request {
	const char *method; /* NULL: GET, or POST where there is a body */
	const char *uri;    /* as on the request line: "/things?name=x" */
	const char *body;   /* NULL: none */
	size_t body_length; /* 0: body is text */
	const char *type;   /* Content-Type; NULL: application/json where there is a body; "": none */
	/* CGI variables besides, name and value in turn, ending with NULL: { "HTTP_ACCEPT", "text/html",
	 * NULL } */
	const char *const *variables;
	bool breaks_off;       /* the body ends before its end */
	size_t hangs_up_after; /* the client is gone after so many bytes of the answer; 0: it stays */
};

/* Lives until the next fake_ask or fake_free. */
struct fake_answer {
	int status;
	const char *head; /* lines ending in CR LF */
	const char *body;
	size_t body_length;
	size_t writes;    /* pieces that it came in */
	size_t body_read; /* bytes of the request's body that were taken */
	bool ended_read;  /* … and its end was seen */
	enum web_end end;
};

struct fake;

/* Sets config to defaults where nobody has; pg (NULL: none) stays the caller's. */
struct fake *fake_new(const struct web_program *program, struct pg *pg);
void fake_free(struct fake *fake);

const struct fake_answer *fake_ask(struct fake *fake, const struct fake_request *request);

/* A header's value, NULL where it isn't there; whatever its case. */
const char *fake_header(struct fake *fake, const char *name);

#endif
