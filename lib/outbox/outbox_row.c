/* outbox_row.c - an event's envelope. */
#include "lib/base/clock.h"
#include "lib/base/uuid.h"
#include "lib/outbox/outbox.h"

void
outbox_row_init(
    struct ctx *cx, struct outbox_row *row, const char *aggregate, const char *type, const char *aggregate_id)
{
	struct buf headers = { .arena = cx->arena };
	char id[UUID_SIZE], now[INSTANT_SIZE], parent[TRACEPARENT_SIZE];

	uuid_new(id);
	instant_format(clock_now_us(), now);
	trace_parent(&cx->trace, parent);
	buf_addf(&headers, "{\"ce_time\":\"%s\",\"%s_id\":\"%s\",\"request_id\":", now, aggregate, aggregate_id);
	buf_add_json(&headers, cx->request_id);
	buf_addf(&headers, ",\"traceparent\":\"%s\"}", parent);
	*row = (struct outbox_row){
		.id = arena_strdup(cx->arena, id),
		.aggregate = aggregate,
		.type = type,
		.headers = headers.bytes,
	};
}
