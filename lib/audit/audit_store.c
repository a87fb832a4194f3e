/* audit_store.c - every statement about trails. */
#include "lib/audit/audit_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/pg/pg.h"

#define AT(member) offsetof(struct audit_entry, member)

/* clang-format off */
#define ENTRY_FIELDS \
	{ .name = "seq", .type = F_INT, .at = AT(seq), .use = REPLY, .help = "Its place in the trail" }, \
	{ .name = "at", .type = F_INSTANT, .at = AT(at), .use = REPLY, .help = "When it was answered" }, \
	{ .name = "account", .type = F_TEXT, .at = AT(account), .use = REPLY | NULLABLE, \
	  .help = "Who asked: an account's id, or a program" }, \
	{ .name = "role", .type = F_TEXT, .at = AT(role), .use = REPLY | NULLABLE }, \
	{ .name = "session", .type = F_TEXT, .at = AT(session), .use = REPLY | NULLABLE }, \
	{ .name = "address", .type = F_TEXT, .at = AT(address), .use = REPLY | NULLABLE }, \
	{ .name = "program", .type = F_TEXT, .at = AT(program), .use = REPLY | NULLABLE }, \
	{ .name = "action", .type = F_TEXT, .at = AT(action), .use = REPLY, .help = "A route, or a gRPC method" }, \
	{ .name = "thing", .type = F_TEXT, .at = AT(thing), .max = AUDIT_LINE_MAX, .use = REPLY | NULLABLE, \
	  .help = "What the path named, or what was made" }, \
	{ .name = "patientId", .type = F_UUID, .at = AT(patient_id), .use = REPLY | NULLABLE }, \
	{ .name = "filter", .type = F_TEXT, .at = AT(filter), .max = AUDIT_LINE_MAX, .use = REPLY | NULLABLE, \
	  .help = "What was searched or asked for" }, \
	{ .name = "count", .type = F_INT, .at = AT(count), .use = REPLY, .help = "How many things the answer held" }, \
	{ .name = "result", .type = F_TEXT, .at = AT(result), .use = REPLY }, \
	{ .name = "requestId", .type = F_TEXT, .at = AT(request_id), .use = REPLY | NULLABLE }
#define COLUMNS \
	"seq, at, account, role, session, address, program, action, thing, patient_id, filter, count, result, request_id"

const struct field audit_fields[] = {
	ENTRY_FIELDS,
	FIELD_END,
};

static const struct field row_fields[] = {
	ENTRY_FIELDS,
	{ .name = "mac", .type = F_BYTES, .at = offsetof(struct audit_row, mac) },
	FIELD_END,
};
/* clang-format on */

/* --- read by people --- */

const struct field audit_filters[] = {
	{ .name = "account", .type = F_TEXT, .at = offsetof(struct audit_filter, account), .use = FILTER },
	{ .name = "patientId",
	    .type = F_UUID,
	    .at = offsetof(struct audit_filter, patient_id),
	    .use = FILTER },
	{ .name = "from", .type = F_INSTANT, .at = offsetof(struct audit_filter, from), .use = FILTER },
	{ .name = "to", .type = F_INSTANT, .at = offsetof(struct audit_filter, to), .use = FILTER },
	FIELD_END,
};

struct list_args {
	int64_t before, max;
	const char *account, *patient_id;
	struct instant from, to;
};

static const struct field list_args_fields[] = {
	{ .name = "before", .type = F_INT, .at = offsetof(struct list_args, before) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct list_args, max) },
	{ .name = "account", .type = F_TEXT, .at = offsetof(struct list_args, account) },
	{ .name = "patientId", .type = F_UUID, .at = offsetof(struct list_args, patient_id) },
	{ .name = "from", .type = F_INSTANT, .at = offsetof(struct list_args, from) },
	{ .name = "to", .type = F_INSTANT, .at = offsetof(struct list_args, to) },
	FIELD_END,
};

#define LIST                                                                                                 \
	"select " COLUMNS                                                                                    \
	" from audit where seq < $1::bigint and at >= coalesce($3::timestamptz, '-infinity')"                \
	" and at < coalesce($4::timestamptz, 'infinity')"
#define NEWEST " order by seq desc limit $2::bigint"

/* A statement for each index that can answer. */
static const struct pg_stmt list_all = {
	.name = "audit_list",
	.kind = PG_READ,
	.sql = LIST NEWEST,
	.takes = "before max from to",
	.in = list_args_fields,
	.out = audit_fields,
};

static const struct pg_stmt list_by_account = {
	.name = "audit_list_by_account",
	.kind = PG_READ,
	.sql = LIST " and account = $5" NEWEST,
	.takes = "before max from to account",
	.in = list_args_fields,
	.out = audit_fields,
};

static const struct pg_stmt list_by_patient = {
	.name = "audit_list_by_patient",
	.kind = PG_READ,
	.sql = LIST " and ($5::text is null or account = $5) and patient_id = $6::uuid" NEWEST,
	.takes = "before max from to account patientId",
	.in = list_args_fields,
	.out = audit_fields,
};

/* The cursor is a seq; it comes from outside. */
static enum rc
before_of(struct ctx *cx, const char *after, int64_t *ret_before)
{
	char *end;
	long long n;

	*ret_before = INT64_MAX;
	if (after == NULL)
		return RC_OK;
	n = strtoll(after, &end, 10);
	if (strlen(after) > 19 || strspn(after, "0123456789") != strlen(after) || end == after || n < 1)
		return err_field(cx, RC_INVALID, "cursor", "cursor must be one that a Link header gave");
	*ret_before = n;
	return RC_OK;
}

enum rc
audit_list(struct ctx *cx, const struct audit_filter *filter, struct audit_entry **ret_entries,
    size_t *ret_count, bool *ret_more)
{
	const struct pg_stmt *stmt = filter->patient_id != NULL ? &list_by_patient
				     : filter->account != NULL  ? &list_by_account
								: &list_all;
	struct list_args args = {
		.max = filter->page.limit + 1,
		.account = filter->account,
		.patient_id = filter->patient_id,
		.from = filter->from,
		.to = filter->to,
	};
	size_t count;
	enum rc rc;

	rc = before_of(cx, filter->page.after, &args.before);
	if (rc == RC_OK)
		rc = pg_fetch_all(cx, stmt, &args, sizeof(**ret_entries), ret_entries, &count);
	if (rc != RC_OK)
		return rc;
	*ret_more = count > (size_t)filter->page.limit;
	*ret_count = *ret_more ? (size_t)filter->page.limit : count;
	return RC_OK;
}

/* --- written by the relay --- */

/* bytea's text form. */
#define MAC_TEXT_SIZE (2 + 2 * AUDIT_MAC_SIZE + 1)

static const char *
mac_text(const unsigned char mac[AUDIT_MAC_SIZE], char ret_text[MAC_TEXT_SIZE])
{
	ret_text[0] = '\\';
	ret_text[1] = 'x';
	hex_write(ret_text + 2, mac, AUDIT_MAC_SIZE);
	return ret_text;
}

static void
add_number(struct pg_rows *rows, int64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, n);
	pg_rows_add(rows, text);
}

enum rc
audit_store_insert(struct ctx *cx, const struct audit_entry *entries,
    const unsigned char (*macs)[AUDIT_MAC_SIZE], size_t count)
{
	struct pg_rows rows = PG_ROWS(cx->arena);
	char at[INSTANT_SIZE], mac[MAC_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		const struct audit_entry *e = &entries[i];

		add_number(&rows, e->seq);
		instant_format(e->at.us, at);
		pg_rows_add(&rows, at);
		pg_rows_add(&rows, e->account);
		pg_rows_add(&rows, e->role);
		pg_rows_add(&rows, e->session);
		pg_rows_add(&rows, e->address);
		pg_rows_add(&rows, e->program);
		pg_rows_add(&rows, e->action);
		pg_rows_add(&rows, e->thing);
		pg_rows_add(&rows, e->patient_id);
		pg_rows_add(&rows, e->filter);
		add_number(&rows, e->count);
		pg_rows_add(&rows, e->result);
		pg_rows_add(&rows, e->request_id);
		pg_rows_add(&rows, mac_text(macs[i], mac));
		pg_rows_end(&rows);
	}
	return pg_copy(cx, "copy audit (" COLUMNS ", mac) from stdin", &rows);
}

/* --- read for the chain --- */

struct after_args {
	int64_t seq, max;
};

static const struct field after_fields[] = {
	{ .name = "seq", .type = F_INT, .at = offsetof(struct after_args, seq) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct after_args, max) },
	FIELD_END,
};

static const struct pg_stmt last_row = {
	.name = "audit_last",
	.kind = PG_READ,
	.sql = "select coalesce(max(seq), 0) as seq from audit",
	.out = after_fields,
};

static const struct pg_stmt rows_after = {
	.name = "audit_after",
	.kind = PG_READ,
	.sql = "select " COLUMNS ", mac from audit where seq > $1::bigint order by seq limit $2::bigint",
	.takes = "seq max",
	.in = after_fields,
	.out = row_fields,
};

static const struct pg_stmt all_rows = {
	.name = "audit_all",
	.kind = PG_READ,
	.sql = "select " COLUMNS ", mac from audit order by seq",
	.out = row_fields,
};

enum rc
audit_store_last(struct ctx *cx, int64_t *ret_seq)
{
	struct after_args found;
	enum rc rc = pg_fetch_one(cx, &last_row, NULL, &found);

	if (rc == RC_OK)
		*ret_seq = found.seq;
	return rc;
}

enum rc
audit_store_after(struct ctx *cx, int64_t seq, int64_t max, struct audit_row **ret_rows, size_t *ret_count)
{
	struct after_args args = { .seq = seq, .max = max };

	return pg_fetch_all(cx, &rows_after, &args, sizeof(**ret_rows), ret_rows, ret_count);
}

enum rc
audit_store_for_each(struct ctx *cx, enum rc (*each)(void *closure, const void *row), void *closure)
{
	return pg_for_each(cx, &all_rows, NULL, sizeof(struct audit_row), each, closure);
}

/* --- how far the spool is stored --- */

static const struct field position_fields[] = {
	{ .name = "file", .type = F_TEXT, .at = offsetof(struct audit_position, file) },
	{ .name = "position", .type = F_INT, .at = offsetof(struct audit_position, position) },
	FIELD_END,
};

struct move_args {
	const char *files, *positions;
};

static const struct field move_fields[] = {
	{ .name = "files", .type = F_TEXT, .at = offsetof(struct move_args, files) },
	{ .name = "positions", .type = F_TEXT, .at = offsetof(struct move_args, positions) },
	FIELD_END,
};

static const struct pg_stmt all_positions = {
	.name = "audit_positions",
	.kind = PG_READ,
	.sql = "select file, position from audit_spool",
	.out = position_fields,
};

static const struct pg_stmt move_positions = {
	.name = "audit_move",
	.kind = PG_WRITE,
	.sql = "insert into audit_spool (file, position) select * from unnest($1::text[], $2::bigint[])"
	       " on conflict (file) do update set position = excluded.position",
	.takes = "files positions",
	.in = move_fields,
};

static const struct pg_stmt forget_file = {
	.name = "audit_forget",
	.kind = PG_WRITE,
	.sql = "delete from audit_spool where file = $1",
	.takes = "file",
	.in = position_fields,
};

enum rc
audit_store_positions(struct ctx *cx, struct audit_position **ret_positions, size_t *ret_count)
{
	return pg_fetch_all(cx, &all_positions, NULL, sizeof(**ret_positions), ret_positions, ret_count);
}

enum rc
audit_store_move(struct ctx *cx, const struct audit_position *positions, size_t count)
{
	struct pg_array files = PG_ARRAY(cx->arena), offsets = PG_ARRAY(cx->arena);
	struct move_args args;
	char text[24];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%" PRId64, positions[i].position);
		pg_array_add(&files, positions[i].file);
		pg_array_add(&offsets, text);
	}
	args = (struct move_args){ .files = pg_array_end(&files), .positions = pg_array_end(&offsets) };
	return pg_execute(cx, &move_positions, &args, NULL);
}

enum rc
audit_store_forget(struct ctx *cx, const char *file)
{
	return pg_execute(cx, &forget_file, &(struct audit_position){ .file = file }, NULL);
}
