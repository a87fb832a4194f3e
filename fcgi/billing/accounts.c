/* accounts.c - /accounts: what a patient owes, and how that came about. */
#include "domain/billing/account.h"
#include "fcgi/billing/handlers.h"

/* GET /accounts/{patientId} */
enum rc
accounts_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct account found;
	const char *id;
	enum rc rc;

	rc = request_id(cx, rq, "patientId", &id);
	if (rc == RC_OK)
		rc = account_find(cx, &billing_ports, id, &found);
	if (rc == RC_OK)
		rc = reply_one(cx, rp, account_fields, &found, 0);
	return rc;
}

/* GET /accounts/{patientId}/statement */
enum rc
accounts_statement(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct period period = { 0 };
	struct statement_entry *lines;
	struct statement found;
	const char *id;
	size_t count;
	enum rc rc;

	rc = request_id(cx, rq, "patientId", &id);
	if (rc == RC_OK)
		rc = request_filters(cx, rq, statement_filters, &period);
	if (rc == RC_OK)
		rc = statement_find(cx, &billing_ports, id, &period, &found);
	if (rc != RC_OK)
		return rc;
	if (!request_wants_csv(rq))
		return reply_one(cx, rp, statement_fields, &found, 0);
	statement_lines(cx, &found, &lines, &count);
	return reply_csv(cx, rp, statement_entry_fields, lines, count, sizeof(*lines));
}
