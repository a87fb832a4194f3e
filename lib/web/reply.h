/* reply.h - an answer being made. */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"
#include "lib/base/text.h"
#include "lib/web/request.h"
#include "lib/web/web.h"

struct reply {
	struct ctx *cx;
	const struct request *rq;
	int status;         /* 0 while no answer was made */
	struct buf headers; /* those of this answer alone, lines ending in CR LF */
	struct buf content; /* all of it, or with a stream what was not sent yet */
	const char *type;   /* of content; NULL: application/json */
	bool problem;       /* content is application/problem+json */
	int max_age_s;      /* how long others may keep it */
	bool streaming;
	bool sent;                 /* the head is out: nothing can be taken back */
	bool lost;                 /* nobody listens any more */
	const struct field *table; /* of a stream's rows */
	size_t count;              /* things that it holds */
	const char *made;          /* id of a new one */
	const char *about;         /* for the audit trail; also where an error is answered */
};

void reply_init(struct reply *rp, struct ctx *cx, const struct request *rq);

/* One more line of a head. */
void header_add(struct buf *headers, const char *name, const char *value);
void reply_header(struct reply *rp, const char *name, const char *value);

/* 204 with Allow. */
void reply_options(struct reply *rp, const char *allow);

/* Drops what was made and puts rc's error body (contract) in its place. */
void reply_error(struct reply *rp, enum rc rc);

/* Writes what was made.  False where nobody listens. */
bool reply_send(struct reply *rp);

#endif
