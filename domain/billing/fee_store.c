#include "domain/billing/fee_store.h"

#include <stddef.h>

#include "lib/field/field.h"
#include "lib/pg/pg.h"

struct fee {
	const char *appointment_id, *invoice_id;
	bool charged;
};

static const struct field fee_fields[] = {
	{ .name = "appointmentId", .type = F_UUID, .at = offsetof(struct fee, appointment_id) },
	{ .name = "invoiceId", .type = F_UUID, .at = offsetof(struct fee, invoice_id) },
	{ .name = "charged", .type = F_BOOL, .at = offsetof(struct fee, charged) },
	FIELD_END,
};

static const struct pg_stmt find_fee = {
	.name = "find_fee",
	.kind = PG_LOOKUP,
	.sql = "select exists (select from fee where appointment_id = $1::uuid) as charged",
	.takes = "appointmentId",
	.in = fee_fields,
	.out = fee_fields,
};

static const struct pg_stmt insert_fee = {
	.name = "insert_fee",
	.kind = PG_WRITE,
	.sql = "insert into fee (appointment_id, invoice_id) values ($1::uuid, $2::uuid)",
	.takes = "appointmentId invoiceId",
	.in = fee_fields,
};

enum rc
fee_store_charged(struct ctx *cx, const char *appointment_id, bool *ret_charged)
{
	struct fee found;
	enum rc rc = pg_fetch_one(cx, &find_fee, &(struct fee){ .appointment_id = appointment_id }, &found);

	if (rc == RC_OK)
		*ret_charged = found.charged;
	return rc;
}

enum rc
fee_store_insert(struct ctx *cx, const char *appointment_id, const char *invoice_id)
{
	return pg_execute(
	    cx, &insert_fee, &(struct fee){ .appointment_id = appointment_id, .invoice_id = invoice_id }, NULL);
}
