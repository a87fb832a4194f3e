/*
 * log.h - one JSON object a line on standard error.  Only edges and main programs log, never lib/ or domain/
 * (style: habit 13), and never names, e-mail addresses, tokens, or texts that hold them.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* By its name in the configuration; LOG_INFO for one that is none. */
enum log_level log_level_named(const char *name);

/* program appears in each line; lines below level are dropped.  Call once, before threads start. */
void log_open(const char *program, enum log_level level);
void log_level_set(enum log_level level); /* at any time */

/* log_line's type: for those who don't log, but have something to say to whoever does. */
typedef void log_fn(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* {"time":…,"level":…,"program":…,"message":…}; one write(2) a line, cut at 4 KiB. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The one line of a request, call or message.  what is the route's pattern or the method's name (never a raw path:
 * it may hold a search for a name), status what the caller was told; err.detail goes in where rc is a
 * failure of ours. */
void log_request(const struct ctx *cx, const char *method, const char *what, int status, enum rc rc,
    int64_t started_ns);

/* The same for several that end together: their lines leave by one write(2) of up to LOG_LINES_SIZE bytes, which a pipe takes in one piece.  lines
 * starts as zeros, and log_flush ends it. */
#define LOG_LINES_SIZE 4096
struct log_lines {
	char bytes[LOG_LINES_SIZE];
	size_t length;
};
void log_request_among(struct log_lines *lines, const struct ctx *cx, const char *method, const char *what, int status, enum rc rc,
    int64_t started_ns);
void log_flush(struct log_lines *lines);

/* The one line of an event that went through the caller's hands, by request: trace is the caller's part of the event's.  An id or a type that
 * isn't made as ours are is not repeated: it came from outside. */
void log_event(const char *request, const struct trace *trace, const char *id, const char *type, const char *verdict, enum rc rc);
void log_event_among(struct log_lines *lines, const char *request, const struct trace *trace, const char *id, const char *type,
    const char *verdict, enum rc rc);

#endif
