#include "grpc/billing_server.h"

#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/rpc/rpc.h"
#include "proto/billing.pb-c.h"

#define ROUTE "billing.BillingService/createInvoice"

/* Contract, to the letter. */
#define BAD_RANGE "must be between 0 and 9223372036854775807"
#define BAD_UUID "The provided string is not a valid UUID format"

static const char *
amount_fault(struct ctx *cx, const char *text, int64_t *ret_minor)
{
	const char *currency = config->billing.currency;

	switch (money_parse(text, strlen(text), currency, ret_minor)) {
	case MONEY_OK:
		return NULL;
	case MONEY_NEGATIVE:
	case MONEY_RANGE:
		return BAD_RANGE;
	default:
		return arena_printf(cx->arena, "must be a decimal number with at most %d decimals",
		    currency_decimals(currency));
	}
}

/* Both faults at once, the amount's first. */
static enum rc
read_request(struct ctx *cx, const Billing__InvoiceRequest *asked, struct invoice *ret_invoice)
{
	char id[UUID_SIZE];
	int64_t minor = 0;
	const char *amount = amount_fault(cx, asked->amount, &minor);
	const char *patient = uuid_parse_padded(asked->patientid, id) ? NULL : BAD_UUID;

	if (amount != NULL && patient != NULL)
		return err_set(cx, RC_INVALID, "Validation failed: %s, %s", amount, patient);
	if (amount != NULL || patient != NULL)
		return err_set(cx, RC_INVALID, "Validation failed: %s", amount != NULL ? amount : patient);
	*ret_invoice = (struct invoice){
		.patient_id = arena_strdup(cx->arena, id),
		.amount = { .minor = minor, .known = true },
		.currency = config->billing.currency,
	};
	return RC_OK;
}

/* 1 to 255 printable ASCII characters, as by REST. */
static enum rc
read_key(struct ctx *cx, const char *key)
{
	size_t n = 0;

	if (key == NULL)
		return RC_OK;
	while (key[n] >= ' ' && key[n] <= '~')
		n++;
	if (n > 0 && n <= 255 && key[n] == '\0')
		return RC_OK;
	return err_set(cx, RC_INVALID, "idempotency-key must be 1 to 255 printable ASCII characters");
}

static void
create_invoice(Billing__BillingService_Service *service, const Billing__InvoiceRequest *asked,
    Billing__InvoiceResponse_Closure answer, void *closure_data)
{
	Billing__InvoiceResponse response = BILLING__INVOICE_RESPONSE__INIT;
	struct rpc_call *call = closure_data;
	struct once once = { .route = ROUTE, .key = rpc_metadata(call, "idempotency-key") };
	struct invoice new, saved;
	struct ctx *cx = rpc_ctx(call);
	enum rc rc;

	(void)service;
	rc = read_request(cx, asked, &new);
	if (rc == RC_OK)
		rpc_audit(call)->patient_id = new.patient_id;
	if (rc == RC_OK)
		rc = read_key(cx, once.key);
	if (rc == RC_OK)
		rc = invoice_create(cx, &billing_ports, &new, &once, &saved);
	if (rc != RC_OK) {
		rpc_fail(call, rc);
		return;
	}
	rpc_audit(call)->thing = saved.id;
	rpc_audit(call)->count = 1;
	response.invoiceid = (char *)(uintptr_t)saved.id;
	response.status = (char *)(uintptr_t)saved.status;
	response.remainingamount = asked->amount; /* contract: as it was sent */
	answer(&response, closure_data);
}

static Billing__BillingService_Service service = {
	.base = BILLING__BILLING_SERVICE__BASE_INIT,
	.create_invoice = create_invoice,
};

ProtobufCService *const billing_service = &service.base;
