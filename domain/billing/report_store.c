/* report_store.c - sums over the whole books, in PostgreSQL. */
#include <string.h>

#include "domain/billing/report.h"
#include "lib/base/config.h"
#include "lib/pg/pg.h"

/* clang-format off */
#define LARGEST "9223372036854775807"
#define IN_64_BITS(sum) "greatest(-" LARGEST ", least(" sum ", " LARGEST "))::bigint"
#define TOO_LARGE(sum) "abs(coalesce(" sum ", 0)) > " LARGEST

/* --- revenue --- */

struct report_args {
	const char *from, *to, *zone, *today;
	int64_t max;
};

static const struct field args_fields[] = {
	{ .name = "from", .type = F_DATE, .at = offsetof(struct report_args, from) },
	{ .name = "to", .type = F_DATE, .at = offsetof(struct report_args, to) },
	{ .name = "zone", .type = F_TEXT, .at = offsetof(struct report_args, zone) },
	{ .name = "today", .type = F_DATE, .at = offsetof(struct report_args, today) },
	{ .name = "max", .type = F_INT, .at = offsetof(struct report_args, max) },
	FIELD_END,
};

#define ROW(member) offsetof(struct stored_revenue, row.member)

static const struct field revenue_columns[] = {
	{ .name = "key", .type = F_TEXT, .at = ROW(key) },
	{ .name = "currency", .type = F_CURRENCY, .at = ROW(currency) },
	{ .name = "revenue", .type = F_MONEY, .at = ROW(revenue) },
	{ .name = "tax", .type = F_MONEY, .at = ROW(tax) },
	{ .name = "received", .type = F_MONEY, .at = ROW(received) },
	{ .name = "refunds", .type = F_MONEY, .at = ROW(refunds) },
	{ .name = "tooLarge", .type = F_BOOL, .at = offsetof(struct stored_revenue, too_large) },
	FIELD_END,
};

#define SUM_OF(condition) "coalesce(sum(amount) filter (where " condition "), 0)"
#define EARNED "-" SUM_OF("account = 'REVENUE'")
#define TAXED "-" SUM_OF("account = 'TAX'")
#define GIVEN_BACK SUM_OF("kind = 'REFUND'")
#define RECEIVED SUM_OF("kind <> 'REFUND'")

/* The days are the clinic's; index ledger_at finds them. */
#define IN_PERIOD \
	" from ledger where at >= ($1::date)::timestamp at time zone $3::text" \
	" and at < ($2::date + 1)::timestamp at time zone $3::text"
#define IN_ORDER " group by 1, 2 order by 1, 2 limit $4::bigint"

#define BY_TIME(key) \
	"select " key " as key, currency, " IN_64_BITS(EARNED) " as revenue, " IN_64_BITS(TAXED) " as tax," \
	" null::bigint as received, " IN_64_BITS(GIVEN_BACK) " as refunds," \
	" " TOO_LARGE(EARNED) " or " TOO_LARGE(TAXED) " or " TOO_LARGE(GIVEN_BACK) " as too_large" \
	IN_PERIOD " and account in ('REVENUE', 'TAX')" IN_ORDER

#define LOCAL "(at at time zone $3::text)"

#define REPORT(what, query) \
	{ .name = what, .kind = PG_READ, .sql = query, .takes = "from to zone max", .in = args_fields, .out = revenue_columns }

static const struct pg_stmt by_day = REPORT("revenue_by_day", BY_TIME("to_char(" LOCAL ", 'YYYY-MM-DD')"));
static const struct pg_stmt by_month = REPORT("revenue_by_month", BY_TIME("to_char(" LOCAL ", 'YYYY-MM')"));

/* Of tax the ledger knows no service; so what went back is without it, too. */
static const struct pg_stmt by_service = REPORT("revenue_by_service",
    "select service_code as key, currency, " IN_64_BITS(EARNED) " as revenue, null::bigint as tax,"
    " null::bigint as received, " IN_64_BITS(GIVEN_BACK) " as refunds,"
    " " TOO_LARGE(EARNED) " or " TOO_LARGE(GIVEN_BACK) " as too_large"
    IN_PERIOD " and account = 'REVENUE'" IN_ORDER);

static const struct pg_stmt by_method = REPORT("revenue_by_method",
    "select account as key, currency, null::bigint as revenue, null::bigint as tax,"
    " " IN_64_BITS(RECEIVED) " as received, " IN_64_BITS("-" GIVEN_BACK) " as refunds,"
    " " TOO_LARGE(RECEIVED) " or " TOO_LARGE(GIVEN_BACK) " as too_large"
    IN_PERIOD " and account in ('CASH', 'CARD', 'TRANSFER', 'CHEQUE', 'INSURANCE')" IN_ORDER);

static const struct pg_stmt *
revenue_by(const char *by)
{
	if (strcmp(by, "day") == 0)
		return &by_day;
	if (strcmp(by, "service") == 0)
		return &by_service;
	if (strcmp(by, "method") == 0)
		return &by_method;
	return &by_month;
}

enum rc
report_store_revenue(
    struct ctx *cx, const struct period *period, int64_t max, struct stored_revenue **ret_rows, size_t *ret_count)
{
	struct report_args args = {
		.from = period->from, .to = period->to, .zone = config->scheduling.zone, .max = max
	};

	return pg_fetch_all(cx, revenue_by(period->by), &args, sizeof(**ret_rows), ret_rows, ret_count);
}

/* --- ageing --- */

#define AGEING(member) offsetof(struct stored_ageing, ageing.member)

static const struct field ageing_columns[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = AGEING(currency) },
	{ .name = "openInvoices", .type = F_INT, .at = AGEING(open_invoices) },
	{ .name = "days0", .type = F_MONEY, .at = AGEING(days_0_to_30) },
	{ .name = "days31", .type = F_MONEY, .at = AGEING(days_31_to_60) },
	{ .name = "days61", .type = F_MONEY, .at = AGEING(days_61_to_90) },
	{ .name = "days91", .type = F_MONEY, .at = AGEING(days_over_90) },
	{ .name = "total", .type = F_MONEY, .at = AGEING(total) },
	{ .name = "tooLarge", .type = F_BOOL, .at = offsetof(struct stored_ageing, too_large) },
	FIELD_END,
};

#define AGED(condition) \
	IN_64_BITS("coalesce(sum(remaining_amount) filter (where coalesce($1::date - due_date, 0) " condition "), 0)")

/* The words of index invoice_open, which has no more in it than what is open. */
static const struct pg_stmt ageing = {
	.name = "report_ageing",
	.kind = PG_READ,
	.sql = "select currency, count(*) as open_invoices, " AGED("<= 30") " as days0, " AGED("between 31 and 60") " as days31,"
	       " " AGED("between 61 and 90") " as days61, " AGED("> 90") " as days91,"
	       " " IN_64_BITS("sum(remaining_amount)") " as total, " TOO_LARGE("sum(remaining_amount)") " as too_large"
	       " from invoice where remaining_amount > 0 and status <> 'DRAFT' and status <> 'UNCOLLECTIBLE'"
	       " group by currency order by currency",
	.takes = "today",
	.in = args_fields,
	.out = ageing_columns,
};

enum rc
report_store_ageing(struct ctx *cx, const char *today, struct stored_ageing **ret_rows, size_t *ret_count)
{
	struct report_args args = { .today = today };

	return pg_fetch_all(cx, &ageing, &args, sizeof(**ret_rows), ret_rows, ret_count);
}
