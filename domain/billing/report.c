/* report.c - what the clinic earns, and what it is owed. */
#include "domain/billing/report.h"

#include <string.h>

#include "domain/billing/ledger.h"

/* --- periods --- */

enum rc
period_complete(struct ctx *cx, const struct period *asked, struct period *ret_period)
{
	struct period p = *asked;
	char today[DATE_SIZE];

	clinic_today(today);
	if (p.to == NULL)
		p.to = arena_strdup(cx->arena, today);
	if (p.from == NULL)
		p.from = arena_printf(cx->arena, "%.4s-01-01", today);
	if (p.by == NULL)
		p.by = "month";
	if (strcmp(p.from, p.to) > 0)
		return err_field(cx, RC_INVALID, asked->to != NULL ? "to" : "from", "The period ends before it begins");
	*ret_period = p;
	return RC_OK;
}

enum rc
period_too_long(struct ctx *cx, const char *what, int max)
{
	return err_field(cx, RC_INVALID, "from", "The period has more than %d %s: ask for less of it", max, what);
}

/* --- reports --- */

enum rc
revenue_find(struct ctx *cx, const struct period *period, struct revenue *ret_revenue)
{
	struct revenue revenue = { 0 };
	struct stored_revenue *stored;
	struct revenue_row *rows;
	size_t count;
	enum rc rc = period_complete(cx, period, &revenue.period);

	if (rc == RC_OK)
		rc = report_store_revenue(cx, &revenue.period, REPORT_ROWS_MAX + 1, &stored, &count);
	if (rc != RC_OK)
		return rc;
	if (count > REPORT_ROWS_MAX)
		return period_too_long(cx, "rows", REPORT_ROWS_MAX);
	rows = arena_zalloc_n(cx->arena, count, sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		if (stored[i].too_large)
			return sum_too_large(cx);
		rows[i] = stored[i].row;
	}
	revenue.rows = (struct field_list){ .rows = rows, .count = count };
	*ret_revenue = revenue;
	return RC_OK;
}

enum rc
ageing_find(struct ctx *cx, struct ageing_report *ret_report)
{
	struct stored_ageing *stored;
	struct ageing *rows;
	char today[DATE_SIZE];
	size_t count;
	enum rc rc;

	clinic_today(today);
	rc = report_store_ageing(cx, today, &stored, &count);
	if (rc != RC_OK)
		return rc;
	rows = arena_zalloc_n(cx->arena, count, sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		if (stored[i].too_large)
			return sum_too_large(cx);
		rows[i] = stored[i].ageing;
	}
	*ret_report = (struct ageing_report){
		.date = arena_strdup(cx->arena, today),
		.rows = { .rows = rows, .count = count },
	};
	return RC_OK;
}
