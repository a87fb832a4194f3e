/* outbox_store.h - the insert of an outbox's rows, for statements that write what they tell of as well. */
#ifndef OUTBOX_OUTBOX_STORE_H
#define OUTBOX_OUTBOX_STORE_H

#include "lib/outbox/outbox.h"

/* Rows as one array for each column, and the insert that takes them as its parameters, OUTBOX_INTO("$1", …), in this order. */
struct outbox_columns {
	const char *ids, *aggregates, *keys, *types, *payloads, *headers;
};

struct outbox_columns outbox_columns(struct ctx *cx, const struct outbox_row *rows, size_t count);

/* seq follows the order of the arrays: one invoice's events of one transaction stay in theirs. */
#define OUTBOX_INTO(ids, aggregates, keys, types, payloads, headers) \
	"insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)" \
	" select id, aggregate, key, type, payload, headers from unnest(" ids "::uuid[], " aggregates "::text[], " keys "::text[]," \
	" " types "::text[], " payloads "::bytea[], " headers "::jsonb[]) with ordinality" \
	" as e (id, aggregate, key, type, payload, headers, n) order by n"

/* Members of the statement's struct whole that has them as member in. */
#define OUTBOX_COLUMNS(whole, in) \
	{ .name = "eventIds", .type = F_TEXT, .at = offsetof(whole, in.ids) }, \
	{ .name = "eventAggregates", .type = F_TEXT, .at = offsetof(whole, in.aggregates) }, \
	{ .name = "eventKeys", .type = F_TEXT, .at = offsetof(whole, in.keys) }, \
	{ .name = "eventTypes", .type = F_TEXT, .at = offsetof(whole, in.types) }, \
	{ .name = "eventPayloads", .type = F_TEXT, .at = offsetof(whole, in.payloads) }, \
	{ .name = "eventHeaders", .type = F_TEXT, .at = offsetof(whole, in.headers) }

#define TAKES_OUTBOX "eventIds eventAggregates eventKeys eventTypes eventPayloads eventHeaders"

#endif
