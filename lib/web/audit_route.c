#include "lib/web/audit_route.h"

enum rc
audit_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct audit_filter filter = { 0 };
	const char *next = NULL;
	struct audit_entry *found;
	size_t count;
	bool more;
	enum rc rc;

	rc = request_filters(cx, rq, audit_filters, &filter);
	if (rc == RC_OK)
		rc = request_page(cx, rq, &filter.page);
	if (rc == RC_OK)
		rc = audit_list(cx, &filter, &found, &count, &more);
	if (rc != RC_OK)
		return rc;
	if (more)
		next = arena_printf(cx->arena, "%lld", (long long)found[count - 1].seq);
	return reply_list(cx, rp, audit_fields, found, count, sizeof(*found), next);
}
