/* outbox_row.c - an event's envelope. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/uuid.h"
#include "lib/outbox/outbox.h"

/* W3C Trace Context, version 00: 00-<32 hex>-<16 hex>-<2 hex>. */
static bool
is_traceparent(const char *id)
{
	static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

	if (strlen(id) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i] != '\0'; i++)
		if (form[i] == 'x' ? strchr("0123456789abcdef", id[i]) == NULL : id[i] != form[i])
			return false;
	return true;
}

/* The request's own; or one whose trace id are the digits of its id, where that is a UUID, as those that we make are; else a new
 * one, which request_id beside it ties to the request. */
static const char *
traceparent(struct ctx *cx)
{
	char id[UUID_SIZE];

	if (is_traceparent(cx->request_id))
		return cx->request_id;
	if (!uuid_parse(cx->request_id, strlen(cx->request_id), id))
		uuid_new(id);
	return arena_printf(cx->arena, "00-%.8s%.4s%.4s%.4s%.12s-%.4s%.12s-00", id, id + 9, id + 14, id + 19,
	    id + 24, id + 19, id + 24);
}

void
outbox_row_init(
    struct ctx *cx, struct outbox_row *row, const char *aggregate, const char *type, const char *aggregate_id)
{
	struct buf headers = { .arena = cx->arena };
	char id[UUID_SIZE], now[INSTANT_SIZE];

	uuid_new(id);
	instant_format(clock_now_us(), now);
	buf_addf(&headers, "{\"ce_time\":\"%s\",\"%s_id\":\"%s\",\"request_id\":", now, aggregate, aggregate_id);
	buf_add_json(&headers, cx->request_id);
	buf_addf(&headers, ",\"traceparent\":\"%s\"}", traceparent(cx));
	*row = (struct outbox_row){
		.id = arena_strdup(cx->arena, id),
		.aggregate = aggregate,
		.type = type,
		.headers = headers.bytes,
	};
}
