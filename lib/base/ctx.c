#include "lib/base/ctx.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/uuid.h"

/* strspn would first make a table of all these, for each id. */
static bool
id_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

bool
request_id_valid(const char *id)
{
	size_t n = 0;

	while (n <= REQUEST_ID_MAX && id_character(id[n]))
		n++;
	return n > 0 && n <= REQUEST_ID_MAX && id[n] == '\0';
}

void
ctx_init(struct ctx *cx, struct arena *a, struct pg *pg)
{
	char id[UUID_SIZE];

	uuid_new(id);
	*cx = (struct ctx){
		.arena = a,
		.pg = pg,
		.request_id = arena_strdup(a, id),
		.account = "",
		.role = "",
		.session = "",
		.address = "",
	};
	trace_begin(&cx->trace);
}

void
err_clear(struct ctx *cx)
{
	cx->err = (struct err){ 0 };
}

enum rc
err_set(struct ctx *cx, enum rc rc, const char *fmt, ...)
{
	va_list ap;

	if (cx->err.message != NULL)
		return rc;
	va_start(ap, fmt);
	cx->err.message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return rc;
}

enum rc
err_detail(struct ctx *cx, enum rc rc, const char *fmt, ...)
{
	va_list ap;

	if (cx->err.detail != NULL)
		return rc;
	va_start(ap, fmt);
	cx->err.detail = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	return rc;
}

enum rc
err_field(struct ctx *cx, enum rc rc, const char *name, const char *fmt, ...)
{
	struct err_field **end, *f;
	va_list ap;

	for (end = &cx->err.fields; *end != NULL; end = &(*end)->next)
		if (strcmp((*end)->name, name) == 0)
			return rc;
	f = arena_zalloc(cx->arena, sizeof(*f));
	f->name = arena_strdup(cx->arena, name);
	va_start(ap, fmt);
	f->message = arena_vprintf(cx->arena, fmt, ap);
	va_end(ap);
	*end = f;
	cx->err.field_count++;
	return rc;
}

const char *
err_message(struct ctx *cx, enum rc rc)
{
	if (cx->err.message != NULL)
		return cx->err.message;
	if (cx->err.field_count == 1)
		return cx->err.fields->message;
	if (cx->err.field_count > 1)
		return arena_printf(cx->arena, "Validation failed: %u errors found", cx->err.field_count);
	return rc_meaning(rc)->title;
}

int
ctx_time_left_ms(const struct ctx *cx, int max)
{
	int64_t left;

	if (cx->deadline_ns == 0)
		return max;
	left = (cx->deadline_ns - clock_monotonic_ns()) / 1000000;
	if (left <= 0)
		return 0;
	return left < max ? (int)left : max;
}

static void
run_here(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

static void (*offload_run)(void (*fn)(void *arg), void *arg) = run_here;

void
offload(void (*fn)(void *arg), void *arg)
{
	offload_run(fn, arg);
}

void
offload_set(void (*run)(void (*fn)(void *arg), void *arg))
{
	offload_run = run;
}
