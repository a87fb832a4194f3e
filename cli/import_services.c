/* import_services.c - the price list. */
#include "cli/import.h"
#include "domain/billing/billing.h"
#include "lib/base/config.h"

static const char *
database(void)
{
	return config->database.billing;
}

static const struct import_column columns[] = {
	{ "CODE", "code", false },
	{ "DESCRIPTION", "description", false },
	{ "PRICE", "price", false },
	{ "CURRENCY", "currency", true },
	{ "TAX_RATE", "taxRate", true },
	{ .name = NULL }
};

static void
map(struct ctx *cx, const struct import *im, const struct import_row *row, void *into)
{
	(void)im;
	(void)row;
	if (((struct service *)into)->code == NULL)
		err_field(cx, RC_INVALID, "code", "code is required");
}

/* One with another price or description is brought up to date; only one that is the same was there already. */
static enum rc
write_service(struct ctx *cx, const struct import *im, const void *value, bool *ret_already)
{
	const struct service *asked = value;
	struct service before, saved;
	bool created;
	enum rc rc;

	(void)im;
	rc = service_find(cx, asked->code, &before);
	if (rc == RC_NOT_FOUND) {
		err_clear(cx);
		before.version = 0;
		rc = RC_OK;
	}
	if (rc == RC_OK)
		rc = service_put(cx, asked->code, 0, asked, &saved, &created);
	if (rc == RC_OK)
		*ret_already = saved.version == before.version;
	return rc;
}

const struct import_kind import_services = {
	.name = "services",
	.database = database,
	.fields = service_fields,
	.columns = columns,
	.size = sizeof(struct service),
	.batch = 500,
	.map = map,
	.write = write_service,
};
