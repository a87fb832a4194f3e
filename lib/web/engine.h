/*
 * engine.h - what a way of getting requests (FastCGI over fibers or over libfcgi, plain CGI, a test's memory) offers to
 * lib/web, and what it gets: one function that answers a request.
 *
 * A further engine fills in struct web_env for each request, calls web_answer from as many threads (or
 * coroutines) as it likes, each with a struct web_worker of its own, and heeds what that returns.
 */
#ifndef WEB_ENGINE_H
#define WEB_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/web/web.h"

struct pg;

/* One request, as its engine sees it. */
struct web_env {
	void *engine; /* handed to each function */

	/* A CGI/1.1 variable (RFC 3875, section 4.1), NULL where it isn't set.  Valid until web_answer
	 * returns. */
	const char *(*get)(void *engine, const char *variable);

	/* The body: bytes read, 0 at its end, less where it broke off. */
	ptrdiff_t (*read)(void *engine, void *into, size_t size);

	/* The answer as CGI has it: "Status: 200 OK", headers, an empty line, content.  False: nobody
	 * listens any more. */
	bool (*write)(void *engine, const void *bytes, size_t length);
};

/* What must happen to the connection that the request came over. */
enum web_end {
	WEB_KEEP,  /* may carry another request */
	WEB_CLOSE, /* end the answer, then close: there may be bytes left of the body */
	WEB_BREAK, /* close without an end: the answer is a fragment, and the client must notice */
};

/* What answers one request after the other; belongs to one thread, or one loop. */
struct web_worker {
	const struct web_program *program;
	struct arena *arena; /* reset by web_answer */
	struct pg *pg;       /* NULL where the program has no database */
	atomic_bool *asked_in_vain; /* set where a request can't be answered now (503); NULL: nobody wants to know */
};

enum web_end web_answer(struct web_worker *worker, const struct web_env *env);

/* The worker's arena and connection; false (said on standard error) where they can't be had. */
bool web_worker_open(struct web_worker *worker, const struct web_program *program);
void web_worker_close(struct web_worker *worker);

/* Serves descriptor 0, a listening socket, until SIGTERM, SIGINT or SIGUSR1, which the caller has blocked.
 * Returns the exit status. */
int engine_fcgi(const struct web_program *program);
int engine_loop(const struct web_program *program);

/* Answers the one request of the environment and descriptors 0 and 1.  Returns the exit status. */
int engine_cgi(const struct web_program *program);

#endif
