/*
 * trace.h - W3C Trace Context: what ties a request's lines together, whichever program wrote them.
 *
 * A trace is one client's request with all that follows from it, a span one program's part.  tracestate is not passed on: nobody here
 * reads it, and it may hold anything.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>

#define TRACE_ID_SIZE 33 /* each with the final NUL */
#define SPAN_ID_SIZE 17
#define TRACEPARENT_SIZE 56

struct trace {
	char id[TRACE_ID_SIZE];
	char parent[SPAN_ID_SIZE]; /* the span that asked for this one; "": it is the first */
	char span[SPAN_ID_SIZE];
	bool sampled; /* as the first one said */
};

/* A trace of its own. */
void trace_begin(struct trace *t);

/* Makes t, which was begun, a part of the trace that traceparent is of; false, and nothing, where it is none (NULL too). */
bool trace_join(struct trace *t, const char *traceparent);

/* What t tells those that it asks. */
void trace_parent(const struct trace *t, char ret_traceparent[TRACEPARENT_SIZE]);

#endif
