#include "grpc/billing_server.h"

#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/once/once.h"
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

/* Makes it, and what has to be kept of the answer: the rest is in the request. */
static enum rc
make_invoice(struct ctx *cx, const struct invoice *new, struct once_answer *ret_made)
{
	struct invoice saved;
	enum rc rc = invoice_create(cx, &billing_ports, new, &saved);

	if (rc == RC_OK)
		*ret_made = (struct once_answer){
			.body = { .bytes = saved.status, .length = strlen(saved.status) },
			.thing = saved.id,
			.patient_id = new->patient_id,
		};
	return rc;
}

/* With a key once, however often it is asked for. */
static enum rc
make_once(struct ctx *cx, const char *key, const char *amount, const struct invoice *new, struct once_answer *ret_made)
{
	struct once_request asked = { .route = ROUTE, .key = key, .path = new->patient_id };
	struct once once;
	enum rc rc;

	if (key == NULL)
		return make_invoice(cx, new, ret_made);
	if (!once_key_valid(key))
		return err_set(cx, RC_INVALID, "idempotency-key must be 1 to %d printable ASCII characters", ONCE_KEY_MAX);
	asked.body = amount;
	asked.length = strlen(amount);
	rc = once_begin(cx, &asked, &once);
	if (rc != RC_OK)
		return rc;
	if (!once.again)
		rc = once_end(cx, &once, make_invoice(cx, new, &once.answer));
	*ret_made = once.answer;
	return rc;
}

static void
create_invoice(Billing__BillingService_Service *service, const Billing__InvoiceRequest *asked,
    Billing__InvoiceResponse_Closure answer, void *closure_data)
{
	Billing__InvoiceResponse response = BILLING__INVOICE_RESPONSE__INIT;
	struct rpc_call *call = closure_data;
	struct ctx *cx = rpc_ctx(call);
	struct once_answer made = { 0 };
	struct invoice new;
	enum rc rc;

	(void)service;
	rc = read_request(cx, asked, &new);
	if (rc == RC_OK)
		rpc_audit(call)->patient_id = new.patient_id;
	if (rc == RC_OK)
		rc = make_once(cx, rpc_metadata(call, "idempotency-key"), asked->amount, &new, &made);
	if (rc != RC_OK) {
		rpc_fail(call, rc);
		return;
	}
	rpc_audit(call)->thing = made.thing;
	rpc_audit(call)->count = 1;
	response.invoiceid = (char *)(uintptr_t)made.thing;
	response.status = arena_strndup(cx->arena, made.body.bytes, made.body.length);
	response.remainingamount = asked->amount; /* contract: as it was sent */
	answer(&response, closure_data);
}

static Billing__BillingService_Service service = {
	.base = BILLING__BILLING_SERVICE__BASE_INIT,
	.create_invoice = create_invoice,
};

ProtobufCService *const billing_service = &service.base;
