#include "lib/pg/pg.h"

struct outcome {
	bool is_new, there, same;
};

const struct field pg_each_fields[] = {
	{ .name = "isNew", .type = F_BOOL, .at = offsetof(struct outcome, is_new) },
	{ .name = "there", .type = F_BOOL, .at = offsetof(struct outcome, there) },
	{ .name = "same", .type = F_BOOL, .at = offsetof(struct outcome, same) },
	FIELD_END,
};

static enum rc
meaning(const struct outcome *o)
{
	if (o->is_new)
		return RC_OK;
	if (o->there)
		return o->same ? RC_DUPLICATE : RC_STALE;
	return RC_CONFLICT;
}

enum rc
pg_insert_each(struct ctx *cx, const struct pg_stmt *stmt, const void *arg, size_t count, enum rc *ret_each)
{
	struct outcome *outcomes;
	size_t n;
	enum rc rc = pg_fetch_all(cx, stmt, arg, sizeof(*outcomes), &outcomes, &n);

	if (rc == RC_OK && n != count)
		return err_detail(cx, RC_INTERNAL, "%s: %zu answers to %zu rows", stmt->name, n, count);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		ret_each[i] = meaning(&outcomes[i]);
	return rc;
}
