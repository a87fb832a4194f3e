/* overdue.c - what is past due says so, and others are told. */
#include "domain/billing/overdue_store.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

/* All events of a sweep by one statement. */
static enum rc
tell(struct ctx *cx, const struct billing_ports *ports, const struct invoice *marked, size_t count)
{
	struct outbox_row *rows = arena_zalloc_n(cx->arena, count, sizeof(*rows));
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		outbox_row_init(cx, &rows[i], "invoice", TYPE_INVOICE_OVERDUE, marked[i].id);
		rows[i].key = marked[i].patient_id;
		rc = ports->encode_invoice(cx, &marked[i], &rows[i].payload);
	}
	return rc == RC_OK ? outbox_insert(cx, rows, count) : rc;
}

enum rc
invoice_sweep_overdue(struct ctx *cx, const struct billing_ports *ports, const char *today, size_t max, size_t *ret_marked)
{
	struct sweep sweep = { .max = (int64_t)max, .today = today, .zone = config->scheduling.zone };
	struct invoice *marked;
	size_t count = 0;
	enum rc rc;

	rc = pg_begin(cx);
	if (rc != RC_OK)
		return rc;
	rc = overdue_store_mark(cx, &sweep, &marked, &count);
	if (rc == RC_OK)
		rc = tell(cx, ports, marked, count);
	rc = pg_end(cx, rc);
	if (rc == RC_OK)
		*ret_marked = count;
	return rc;
}
