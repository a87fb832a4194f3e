/*
 * fcgi_record.h - FastCGI's records (its specification, version 1) as bytes in memory, without any input or output: what a web server
 * sent, and what it gets.  A connection carries one request at a time; who begins another meanwhile is told so.
 */
#ifndef WEB_FCGI_RECORD_H
#define WEB_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"

#define FCGI_HEAD_SIZE ((size_t)8)
#define FCGI_CONTENT_MOST ((size_t)65535)

/* Of a request's variables together, names and lengths included: web servers of ours take no more than a quarter of it from clients. */
#define FCGI_PARAMS_MOST ((size_t)64 * 1024)

enum fcgi_is {
	FCGI_SHORT,    /* more bytes are needed first: fcgi_room */
	FCGI_REQUEST,  /* a request's variables are all there: fcgi_params_read */
	FCGI_BODY,     /* some of its body is: fcgi_take */
	FCGI_BODY_END, /* that was all of it */
	FCGI_ABORTED,  /* the web server doesn't want the answer any more */
	FCGI_REPLY,    /* the web server is owed .reply, reply_length bytes, whatever else goes on */
	FCGI_WRONG,    /* nothing on this connection can be believed any more */
};

enum fcgi_stage { FCGI_IDLE, FCGI_IN_PARAMS, FCGI_IN_BODY, FCGI_ALL_READ };

/* What a connection brings; all zero, with a number of requests, at its beginning. */
struct fcgi_in {
	unsigned char *bytes; /* NULL or malloc'ed */
	size_t room, at, end; /* of bytes; what wasn't looked at yet is at … end */
	size_t content_left;  /* of the record in hand, a piece of body */
	size_t skip;	      /* after that: what is nobody's */
	enum fcgi_stage stage;
	uint16_t id; /* the request's */
	bool keep;   /* whether it wants the connection kept */
	bool over;   /* once the reply is out, the connection has to end */
	size_t params_at, params_length;
	unsigned capacity; /* requests that the program answers at once, for who asks */
	unsigned char reply[128];
	size_t reply_length;
};

/* What comes next. */
enum fcgi_is fcgi_next(struct fcgi_in *in);

/* Where further bytes go: at least one; then fcgi_filled.  Variables that were read stay where they are. */
unsigned char *fcgi_room(struct fcgi_in *in, size_t *ret_size);
void fcgi_filled(struct fcgi_in *in, size_t length);

/* After FCGI_BODY: some of it, at least one byte. */
size_t fcgi_take(struct fcgi_in *in, void *into, size_t size);

/* The request has its answer; what is left of it is skipped. */
void fcgi_answered(struct fcgi_in *in);

/* Nothing of a request or a record has come yet. */
bool fcgi_between(const struct fcgi_in *in);

void fcgi_forget(struct fcgi_in *in);

/* --- a request's variables --- */

struct fcgi_param {
	const char *name, *value; /* the value ends with a NUL, the name doesn't */
	uint32_t name_length;
	uint32_t next; /* in its bucket; 0: none */
};

struct fcgi_params {
	struct fcgi_param *all; /* from 1 */
	uint32_t buckets[64];
};

/* In place, where fcgi_next left them, until fcgi_answered.  False: they aren't what they should be. */
bool fcgi_params_read(struct fcgi_params *p, struct arena *a, const struct fcgi_in *in);

/* NULL where there is none; the first, where there are several of a name. */
const char *fcgi_params_get(const struct fcgi_params *p, const char *name);

/* --- answers --- */

/* The head of a piece of answer, of FCGI_CONTENT_MOST bytes at most. */
void fcgi_stdout_head(unsigned char into[FCGI_HEAD_SIZE], uint16_t id, size_t length);

/* What follows the last piece. */
#define FCGI_END_SIZE ((size_t)24)
void fcgi_end(unsigned char into[FCGI_END_SIZE], uint16_t id);

#endif
