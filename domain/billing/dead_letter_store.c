/* dead_letter_store.c - dead letters in PostgreSQL.  There are no rules about them beyond these
 * statements. */
#include "domain/billing/dead_letter_store.h"

#include <inttypes.h>

#include "lib/pg/pg.h"

#define COLUMNS                                                                                              \
	"id, ce_id, type, source, time, traceparent, topic, key, payload, reason, attempts, first_at,"       \
	" last_at, replay_asked_at"

struct list_args {
	int64_t after, max;
};

static const struct field list_args_fields[] = {
	{ .name = "after", .type = F_INT, .at = offsetof(struct list_args, after) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct list_args, max) },
	FIELD_END,
};

static const struct pg_stmt list_letters = {
	.name = "dead_letters_list",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from dead_letters where id > $1::bigint order by id limit $2::bigint",
	.takes = "after max",
	.in = list_args_fields,
	.out = dead_letter_fields,
};

static const struct pg_stmt find_letter = {
	.name = "dead_letters_find",
	.kind = PG_READ,
	.sql = "select " COLUMNS " from dead_letters where id = $1::bigint",
	.takes = "id",
	.in = dead_letter_fields,
	.out = dead_letter_fields,
};

static const struct pg_stmt ask_one = {
	.name = "dead_letters_ask_one",
	.kind = PG_WRITE,
	.sql = "update dead_letters set replay_asked_at = now() where id = $1::bigint",
	.takes = "id",
	.in = dead_letter_fields,
};

static const struct pg_stmt ask_all = {
	.name = "dead_letters_ask_all",
	.kind = PG_WRITE,
	.sql = "update dead_letters set replay_asked_at = now()",
};

struct number {
	int64_t count;
};

static const struct field number_fields[] = {
	{ .name = "count", .type = F_INT, .at = offsetof(struct number, count) },
	FIELD_END,
};

static const struct pg_stmt count_asked = {
	.name = "dead_letters_count_asked",
	.kind = PG_READ,
	.sql = "select count(*) as count from dead_letters where replay_asked_at is not null",
	.out = number_fields,
};

static const struct field reason_fields[] = {
	{ .name = "reason", .type = F_TEXT, .at = offsetof(struct dead_letter_count, reason) },
	{ .name = "count", .type = F_INT, .at = offsetof(struct dead_letter_count, count) },
	FIELD_END,
};

static const struct pg_stmt count_reasons = {
	.name = "dead_letters_count_reasons",
	.kind = PG_READ,
	.sql = "select reason, count(*) as count from dead_letters group by reason",
	.out = reason_fields,
};

static const struct pg_stmt drop_letter = {
	.name = "dead_letters_drop",
	.kind = PG_WRITE,
	.sql = "delete from dead_letters where id = $1::bigint",
	.takes = "id",
	.in = dead_letter_fields,
};

/* A write for lib/pg, although it changes nothing: repeated on another connection it would hold no locks. */
static const struct pg_stmt replayable = {
	.name = "dead_letters_replayable",
	.kind = PG_WRITE,
	.sql = "select " COLUMNS " from dead_letters where replay_asked_at is not null"
	       " order by id limit $1::bigint for update skip locked",
	.takes = "max",
	.in = list_args_fields,
	.out = dead_letter_fields,
};

static const struct pg_stmt again = {
	.name = "dead_letters_again",
	.kind = PG_WRITE,
	.sql = "update dead_letters set reason = $2, attempts = attempts + 1, last_at = now(),"
	       " replay_asked_at = null where id = $1::bigint",
	.takes = "id reason",
	.in = dead_letter_fields,
};

static enum rc
unknown(struct ctx *cx, int64_t id)
{
	return err_set(cx, RC_NOT_FOUND, "There is no dead letter %" PRId64, id);
}

enum rc
dead_letter_list(
    struct ctx *cx, int64_t after, size_t max, struct dead_letter **ret_letters, size_t *ret_count)
{
	struct list_args args = { .after = after, .max = (int64_t)max };

	return pg_fetch_all(cx, &list_letters, &args, sizeof(**ret_letters), ret_letters, ret_count);
}

enum rc
dead_letter_find(struct ctx *cx, int64_t id, struct dead_letter *ret_letter)
{
	enum rc rc = pg_fetch_one(cx, &find_letter, &(struct dead_letter){ .id = id }, ret_letter);

	return rc == RC_NOT_FOUND ? unknown(cx, id) : rc;
}

enum rc
dead_letter_ask_replay(struct ctx *cx, int64_t id, int64_t *ret_asked)
{
	enum rc rc;

	if (id == 0)
		return pg_execute(cx, &ask_all, NULL, ret_asked);
	rc = pg_execute(cx, &ask_one, &(struct dead_letter){ .id = id }, ret_asked);
	return rc == RC_OK && *ret_asked == 0 ? unknown(cx, id) : rc;
}

enum rc
dead_letter_asked(struct ctx *cx, int64_t *ret_count)
{
	struct number n;
	enum rc rc = pg_fetch_one(cx, &count_asked, NULL, &n);

	if (rc == RC_OK)
		*ret_count = n.count;
	return rc;
}

enum rc
dead_letter_store_drop(struct ctx *cx, int64_t id)
{
	int64_t dropped;
	enum rc rc = pg_execute(cx, &drop_letter, &(struct dead_letter){ .id = id }, &dropped);

	return rc == RC_OK && dropped == 0 ? RC_NOT_FOUND : rc;
}

enum rc
dead_letter_counts(struct ctx *cx, struct dead_letter_count **ret_counts, size_t *ret_count)
{
	return pg_fetch_all(cx, &count_reasons, NULL, sizeof(**ret_counts), ret_counts, ret_count);
}

enum rc
dead_letter_drop(struct ctx *cx, int64_t id)
{
	enum rc rc = dead_letter_store_drop(cx, id);

	return rc == RC_NOT_FOUND ? unknown(cx, id) : rc;
}

enum rc
dead_letter_replayable(struct ctx *cx, size_t max, struct dead_letter **ret_letters, size_t *ret_count)
{
	struct list_args args = { .max = (int64_t)max };

	return pg_fetch_all(cx, &replayable, &args, sizeof(**ret_letters), ret_letters, ret_count);
}

enum rc
dead_letter_store_again(struct ctx *cx, int64_t id, const char *reason)
{
	return pg_execute(cx, &again, &(struct dead_letter){ .id = id, .reason = reason }, NULL);
}
