/* ledger_store.c - the ledger in PostgreSQL. */
#include "domain/billing/ledger_store.h"

#include <inttypes.h>

#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

struct posted {
	const char *posting, *kind, *currency, *patient_id, *invoice_id, *payment_id;
	const char *accounts, *amounts, *service_codes;
};

#define AT(member) offsetof(struct posted, member)

static const struct field posted_fields[] = {
	{ .name = "posting", .type = F_UUID, .at = AT(posting) },
	{ .name = "kind", .type = F_TEXT, .at = AT(kind) },
	{ .name = "currency", .type = F_CURRENCY, .at = AT(currency) },
	{ .name = "patientId", .type = F_UUID, .at = AT(patient_id) },
	{ .name = "invoiceId", .type = F_UUID, .at = AT(invoice_id) },
	{ .name = "paymentId", .type = F_UUID, .at = AT(payment_id) },
	{ .name = "accounts", .type = F_TEXT, .at = AT(accounts) },
	{ .name = "amounts", .type = F_TEXT, .at = AT(amounts) },
	{ .name = "serviceCodes", .type = F_TEXT, .at = AT(service_codes) },
	FIELD_END,
};

static const struct pg_stmt post = {
	.name = "ledger_post",
	.kind = PG_WRITE,
	.sql = "insert into ledger (posting, kind, currency, patient_id, invoice_id, payment_id, account, amount, service_code)"
	       " select $1::uuid, $2, $3, $4::uuid, $5::uuid, $6::uuid, e.account, e.amount, e.service_code"
	       " from unnest($7::text[], $8::bigint[], $9::text[]) as e (account, amount, service_code)",
	.takes = "posting kind currency patientId invoiceId paymentId accounts amounts serviceCodes",
	.in = posted_fields,
};

enum rc
ledger_store_post(struct ctx *cx, const struct posting *p)
{
	struct pg_array accounts = PG_ARRAY(cx->arena), amounts = PG_ARRAY(cx->arena), codes = PG_ARRAY(cx->arena);
	char posting[UUID_SIZE];

	uuid_new(posting);
	for (size_t i = 0; i < p->count; i++) {
		pg_array_add(&accounts, p->entries[i].account);
		pg_array_add(&amounts, arena_printf(cx->arena, "%" PRId64, p->entries[i].minor));
		pg_array_add(&codes, p->entries[i].service_code);
	}
	return pg_execute(cx, &post,
	    &(struct posted){
		.posting = posting,
		.kind = p->kind,
		.currency = p->invoice->currency,
		.patient_id = p->invoice->patient_id,
		.invoice_id = p->invoice->id,
		.payment_id = p->payment_id,
		.accounts = pg_array_end(&accounts),
		.amounts = pg_array_end(&amounts),
		.service_codes = pg_array_end(&codes),
	    },
	    NULL);
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
