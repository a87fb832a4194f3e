/* loop_connection.h - what the files of the engine over lib/loop share: one server, and its connections. */
#ifndef WEB_LOOP_CONNECTION_H
#define WEB_LOOP_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/loop/loop.h"
#include "lib/pg/pg.h"
#include "lib/web/attention.h"
#include "lib/web/engine.h"
#include "lib/web/fcgi_record.h"

#define SECOND_NS INT64_C(1000000000)

struct worker;

struct server {
	const struct web_program *program;
	struct loop *loop;
	struct pg_pool *database; /* NULL: it has none */
	struct loop_call stop;
	bool stopping;
	atomic_bool ended;  /* its thread: sanitizers don't know all ways to join one */
	int64_t drained_ns; /* once stopping: when the last connection is closed, come what may */
	struct fiber *acceptor;
	bool leads; /* see lead.h */
	int64_t leads_since_ns;
	struct fiber_list turn, calm; /* the acceptor, while another leads; while others may since there is much to do here */
	struct connection *idle_first, *idle_last; /* between requests, the one that has been so for longest first */
	unsigned connections, connections_most;
	struct fiber_list room; /* the acceptor, where there are as many as may be */
	struct worker *free;
	unsigned spare, workers_most; /* workers that anybody may take, made or not */
	struct fiber_list waiting;    /* for one */
	int64_t shortest_ns;	   /* that ending an answer has taken */
	unsigned samples;
	bool tcp;
	struct attention attention;
};

struct connection {
	struct server *server;
	struct fiber *fiber;
	struct worker *worker; /* while it has a request */
	struct connection *before, *after; /* of those that are idle */
	int64_t idle_ns; /* since when */
	bool gives_way;  /* it has to make room for another */
	int fd;
	struct fcgi_in in;
};

static inline unsigned
requests_in_hand(const struct server *s)
{
	return s->workers_most - s->spare;
}

/* A fiber's body: requests and answers, until either side ends it.  Takes the connection, which was calloc'ed, its descriptor too. */
void serve_connection(void *connection);

/* After the last: frees those that are free. */
void workers_free(struct server *s);

#endif
