/* reports.c - /reports: what the clinic earns, and what it is owed. */
#include "domain/billing/account.h"
#include "fcgi/billing/handlers.h"

/* GET /reports/revenue */
enum rc
reports_revenue(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct period period = { 0 };
	struct revenue found;
	enum rc rc;

	rc = request_filters(cx, rq, revenue_filters, &period);
	if (rc == RC_OK)
		rc = revenue_find(cx, &period, &found);
	if (rc != RC_OK)
		return rc;
	if (request_wants_csv(rq))
		return reply_csv(cx, rp, revenue_row_fields, found.rows.rows, found.rows.count, sizeof(struct revenue_row));
	return reply_one(cx, rp, revenue_fields, &found, 0);
}

/* GET /reports/ageing */
enum rc
reports_ageing(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct ageing_report found;
	enum rc rc = ageing_find(cx, &found);

	if (rc != RC_OK)
		return rc;
	if (request_wants_csv(rq))
		return reply_csv(cx, rp, ageing_fields, found.rows.rows, found.rows.count, sizeof(struct ageing));
	return reply_one(cx, rp, ageing_report_fields, &found, 0);
}
