#include "lib/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/dates.h"
#include "lib/base/text.h"

#define LINE_MAX_BYTES ((size_t)LOG_LINES_SIZE)

static const char *const level_names[] = { "debug", "info", "warning", "error" };
static const char *log_program = "medicore";
static _Atomic enum log_level log_least = LOG_INFO;

/* A line in the making, on the stack: nothing is allocated, so that running out of memory can be logged too. */
struct line {
	char bytes[LINE_MAX_BYTES];
	size_t length;
};

enum log_level
log_level_named(const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (strcmp(level_names[i], name) == 0)
			return (enum log_level)i;
	return LOG_INFO;
}

void
log_open(const char *program, enum log_level level)
{
	log_program = program;
	log_least = level;
}

void
log_level_set(enum log_level level)
{
	log_least = level;
}

/* text as it is, or nothing where it doesn't fit. */
static void
add(struct line *line, const char *text)
{
	size_t n = strlen(text);

	if (n > sizeof(line->bytes) - line->length)
		return;
	memcpy(line->bytes + line->length, text, n);
	line->length += n;
}

static void
add_number(struct line *line, int64_t n)
{
	char digits[DECIMAL_SIZE];

	decimal_write(digits, n);
	add(line, digits);
}

/* Milliseconds with three decimals. */
static void
add_ms(struct line *line, int64_t ns)
{
	uint64_t us = ((uint64_t)ns + 500) / 1000;
	char decimals[] = ".000";

	digits_write(decimals + 1, us, 3);
	add_number(line, (int64_t)(us / 1000));
	add(line, decimals);
}

/* s as a JSON string of at most max bytes; a character that doesn't fit ends it, a byte that is no UTF-8 becomes '?'. */
static void
add_text(struct line *line, const char *s, size_t max)
{
	size_t n = text_plain(s, strlen(s)), start = line->length;
	char one[8];

	line->bytes[line->length++] = '"';
	if (n + 2 > max)
		n = max > 2 ? max - 2 : 0;
	memcpy(line->bytes + line->length, s, n);
	line->length += n;
	s += n;
	for (; *s != '\0'; s += n) {
		unsigned char c = (unsigned char)*s;

		for (n = 1; c >= 0xc0 && n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80; n++)
			;
		if (!utf8_valid(s, n)) {
			n = 1;
			snprintf(one, sizeof(one), "?");
		} else if (c == '"' || c == '\\') {
			snprintf(one, sizeof(one), "\\%c", c);
		} else if (c < ' ') {
			snprintf(one, sizeof(one), "\\u%04x", c);
		} else {
			snprintf(one, sizeof(one), "%.*s", (int)n, s);
		}
		if (line->length - start + strlen(one) + 1 > max)
			break;
		memcpy(line->bytes + line->length, one, strlen(one));
		line->length += strlen(one);
	}
	line->bytes[line->length++] = '"';
}

static void
add_member(struct line *line, const char *name, const char *value, size_t max)
{
	add(line, ",\"");
	add(line, name);
	add(line, "\":");
	add_text(line, value, max);
}

static void
begin(struct line *line, enum log_level level)
{
	char now[INSTANT_SIZE];

	line->length = 0;
	instant_format(clock_now_us(), now);
	add(line, "{\"time\":\"");
	add(line, now);
	add(line, "\",\"level\":\"");
	add(line, level_names[level]);
	add(line, "\"");
	add_member(line, "program", log_program, 64);
}

/* One write(2), so that lines of several threads and processes don't mix. */
static void
put(const char *bytes, size_t length)
{
	while (write(STDERR_FILENO, bytes, length) < 0 && errno == EINTR)
		;
}

static void
end(struct line *line)
{
	add(line, "}\n");
	put(line->bytes, line->length);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	char message[LINE_MAX_BYTES];
	struct line line;
	va_list ap;

	if (level < log_least)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	begin(&line, level);
	add_member(&line, "message", message, sizeof(line.bytes) - line.length - 32);
	end(&line);
}

static void
add_trace(struct line *line, const char *request, const struct trace *trace)
{
	add_member(line, "request", request, REQUEST_ID_MAX + 2);
	add_member(line, "trace", trace->id, TRACE_ID_SIZE + 1);
	add_member(line, "span", trace->span, SPAN_ID_SIZE + 1);
	if (trace->parent[0] != '\0')
		add_member(line, "parent", trace->parent, SPAN_ID_SIZE + 1);
}

static bool
our_failure(enum rc rc)
{
	return rc_meaning(rc)->http >= 500;
}

/* False: the line is below the level. */
static bool
compose(struct line *line, const struct ctx *cx, const char *method, const char *what, int status, enum rc rc, int64_t started_ns)
{
	enum log_level level = !our_failure(rc) ? LOG_INFO : rc == RC_INTERNAL ? LOG_ERROR : LOG_WARNING;

	if (level < log_least)
		return false;
	begin(line, level);
	add_trace(line, cx->request_id, &cx->trace);
	add_member(line, "method", method, 64);
	add_member(line, "what", what, 256);
	add(line, ",\"status\":");
	add_number(line, status);
	add_member(line, "rc", rc_meaning(rc)->name, 32);
	add(line, ",\"ms\":");
	add_ms(line, clock_monotonic_ns() - started_ns);
	if (our_failure(rc) && cx->err.detail != NULL)
		add_member(line, "detail", cx->err.detail, sizeof(line->bytes) - line->length - 32);
	return true;
}

void
log_request(const struct ctx *cx, const char *method, const char *what, int status, enum rc rc, int64_t started_ns)
{
	struct line line;

	if (compose(&line, cx, method, what, status, rc, started_ns))
		end(&line);
}

static void
end_among(struct line *line, struct log_lines *lines)
{
	add(line, "}\n");
	if (lines->length + line->length > sizeof(lines->bytes))
		log_flush(lines);
	memcpy(lines->bytes + lines->length, line->bytes, line->length);
	lines->length += line->length;
}

void
log_request_among(struct log_lines *lines, const struct ctx *cx, const char *method, const char *what, int status, enum rc rc,
    int64_t started_ns)
{
	struct line line;

	if (compose(&line, cx, method, what, status, rc, started_ns))
		end_among(&line, lines);
}

void
log_flush(struct log_lines *lines)
{
	if (lines->length > 0)
		put(lines->bytes, lines->length);
	lines->length = 0;
}

static const char *
plain(const char *s)
{
	return s == NULL ? "" : request_id_valid(s) ? s : "(other)";
}

void
log_event(const char *request, const struct trace *trace, const char *id, const char *type, const char *verdict, enum rc rc)
{
	struct log_lines one;

	one.length = 0;
	log_event_among(&one, request, trace, id, type, verdict, rc);
	log_flush(&one);
}

void
log_event_among(struct log_lines *lines, const char *request, const struct trace *trace, const char *id, const char *type,
    const char *verdict, enum rc rc)
{
	struct line line;

	if (log_least > LOG_INFO)
		return;
	begin(&line, LOG_INFO);
	add_trace(&line, request, trace);
	add_member(&line, "event", plain(id), REQUEST_ID_MAX + 2);
	add_member(&line, "what", plain(type), REQUEST_ID_MAX + 2);
	add_member(&line, "verdict", verdict, 32);
	add_member(&line, "rc", rc_meaning(rc)->name, 32);
	end_among(&line, lines);
}
