/* ledger_store.c - the ledger in PostgreSQL. */
#include "domain/billing/ledger_store.h"

#include <inttypes.h>

#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

struct posted {
	struct ledger_columns columns;
	const char *invoice_id;
};

static const struct field posted_fields[] = {
	LEDGER_COLUMNS(struct posted, columns),
	{ .name = "invoiceId", .type = F_UUID, .at = offsetof(struct posted, invoice_id) },
	FIELD_END,
};

static const struct pg_stmt post = {
	.name = "ledger_post",
	.kind = PG_WRITE,
	.sql = LEDGER_INTO("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9"),
	.takes = TAKES_LEDGER,
	.in = posted_fields,
};

/* In the order of struct ledger_columns. */
static void
add_posting(struct ctx *cx, struct pg_array *c, const struct posting *p)
{
	char posting[UUID_SIZE];

	uuid_new(posting);
	for (size_t i = 0; i < p->count; i++) {
		pg_array_add(&c[0], posting);
		pg_array_add(&c[1], p->kind);
		pg_array_add(&c[2], p->invoice->currency);
		pg_array_add(&c[3], p->invoice->patient_id);
		pg_array_add(&c[4], p->invoice->id);
		pg_array_add(&c[5], p->payment_id);
		pg_array_add(&c[6], p->entries[i].account);
		pg_array_add(&c[7], arena_printf(cx->arena, "%" PRId64, p->entries[i].minor));
		pg_array_add(&c[8], p->entries[i].service_code);
	}
}

struct ledger_columns
ledger_columns(struct ctx *cx, const struct posting *const *postings, size_t count)
{
	struct pg_array c[9];

	for (size_t i = 0; i < 9; i++)
		c[i] = (struct pg_array)PG_ARRAY(cx->arena);
	for (size_t i = 0; i < count; i++)
		add_posting(cx, c, postings[i]);
	return (struct ledger_columns){ pg_array_end(&c[0]), pg_array_end(&c[1]), pg_array_end(&c[2]), pg_array_end(&c[3]),
		pg_array_end(&c[4]), pg_array_end(&c[5]), pg_array_end(&c[6]), pg_array_end(&c[7]), pg_array_end(&c[8]) };
}

enum rc
ledger_store_post(struct ctx *cx, const struct posting *p)
{
	struct posted arg = { .columns = ledger_columns(cx, &p, 1) };

	return pg_execute(cx, &post, &arg, NULL);
}

static const struct field revenue_fields[] = {
	{ .name = "serviceCode", .type = F_TEXT, .at = offsetof(struct revenue, service_code) },
	{ .name = "minor", .type = F_INT, .at = offsetof(struct revenue, minor) },
	FIELD_END,
};

static const struct pg_stmt revenue = {
	.name = "ledger_revenue",
	.kind = PG_READ,
	.sql = "select service_code, (-sum(amount))::bigint as minor from ledger"
	       " where invoice_id = $1::uuid and account = 'REVENUE' group by service_code order by service_code",
	.takes = "invoiceId",
	.in = posted_fields,
	.out = revenue_fields,
};

enum rc
ledger_store_revenue(struct ctx *cx, const char *invoice_id, struct revenue **ret_revenue, size_t *ret_count)
{
	struct posted of = { .invoice_id = invoice_id };

	return pg_fetch_all(cx, &revenue, &of, sizeof(**ret_revenue), ret_revenue, ret_count);
}
