/* numbers.c - numbers of invoices, without gaps: given after the commit, by one process. */
#include "domain/billing/numbers_store.h"
#include "lib/base/config.h"

enum rc
invoice_number_next(struct ctx *cx, size_t max, size_t *ret_numbered)
{
	struct numbering batch = {
		.max = (int64_t)max,
		.series = config->billing.series,
		.zone = config->scheduling.zone,
	};
	int64_t numbered = 0;
	enum rc rc = numbers_store_next(cx, &batch, &numbered);

	if (rc == RC_OK)
		*ret_numbered = (size_t)numbered;
	return rc;
}
