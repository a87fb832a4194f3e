#include "grpc/billing_server.h"

#include <string.h>

#include "lib/audit/audit.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/metrics/metrics.h"
#include "lib/once/once.h"
#include "lib/rpc/rpc.h"
#include "proto/billing.pb-c.h"

#define CREATE_MAX 128 /* calls that are answered together */
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

/* What has to be kept of the answer: the rest is in the request. */
static struct once_answer
made_of(const struct invoice *saved)
{
	return (struct once_answer){
		.body = { .bytes = saved->status, .length = strlen(saved->status) },
		.thing = saved->id,
		.patient_id = saved->patient_id,
	};
}

/* With a key once, however often it is asked for. */
static enum rc
make_once(struct ctx *cx, const char *key, const char *amount, const struct invoice *new, struct once_answer *ret_made)
{
	struct once_request asked = { .route = ROUTE, .key = key, .path = new->patient_id };
	struct invoice saved;
	struct once once;
	enum rc rc;

	if (!once_key_valid(key))
		return err_set(cx, RC_INVALID, "idempotency-key must be 1 to %d printable ASCII characters", ONCE_KEY_MAX);
	asked.body = amount;
	asked.length = strlen(amount);
	rc = once_begin(cx, &asked, &once);
	if (rc != RC_OK)
		return rc;
	if (!once.again) {
		rc = invoice_create(cx, &billing_ports, new, &saved);
		if (rc == RC_OK)
			once.answer = made_of(&saved);
		rc = once_end(cx, &once, rc);
	}
	*ret_made = once.answer;
	return rc;
}

static void
answer(struct rpc_call *call, const struct once_answer *made)
{
	const Billing__InvoiceRequest *asked = rpc_asked(call);
	Billing__InvoiceResponse response = BILLING__INVOICE_RESPONSE__INIT;

	rpc_audit(call)->thing = made->thing;
	rpc_audit(call)->count = 1;
	response.invoiceid = (char *)(uintptr_t)made->thing;
	response.status = arena_strndup(rpc_ctx(call)->arena, made->body.bytes, made->body.length);
	response.remainingamount = asked->amount; /* contract: as it was sent */
	rpc_answer(call, &response.base);
}

static void
answer_made(struct rpc_call *call, const struct invoice *saved)
{
	struct once_answer made = made_of(saved);

	answer(call, &made);
}

/* What can be answered without the others is: what isn't well formed, and what has a key, which is a transaction of its own. */
static bool
answered_alone(struct rpc_call *call, struct invoice *ret_new)
{
	const Billing__InvoiceRequest *asked = rpc_asked(call);
	const char *key = rpc_metadata(call, "idempotency-key");
	struct ctx *cx = rpc_ctx(call);
	struct once_answer made = { 0 };
	enum rc rc = read_request(cx, asked, ret_new);

	if (rc == RC_OK)
		rpc_audit(call)->patient_id = ret_new->patient_id;
	if (rc == RC_OK && key == NULL)
		return false;
	if (rc == RC_OK)
		rc = make_once(cx, key, asked->amount, ret_new, &made);
	if (rc != RC_OK)
		rpc_fail(call, rc);
	else
		answer(call, &made);
	return true;
}

static void
count_numbered(const struct invoice_order *orders, size_t count)
{
	uint64_t numbered = 0;

	for (size_t i = 0; i < count; i++)
		numbered += orders[i].numbered;
	metrics_add(M_INVOICES_NUMBERED, 0, numbered);
}

/* All that are asked for at the moment, in one transaction. */
static void
create_invoice(struct ctx *cx, struct rpc_call *const *calls, size_t count)
{
	struct invoice *asked = arena_alloc(cx->arena, count * sizeof(*asked));
	struct invoice_order *orders = arena_zalloc_n(cx->arena, count, sizeof(*orders));
	struct rpc_call **whose = arena_zalloc_n(cx->arena, count, sizeof(*whose));
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count; i++)
		if (!answered_alone(calls[i], &asked[n])) {
			orders[n] = (struct invoice_order){ .cx = rpc_ctx(calls[i]), .asked = &asked[n] };
			whose[n++] = calls[i];
		}
	if (n > 0)
		rc = invoice_create_all(cx, &billing_ports, orders, n);
	count_numbered(orders, n);
	for (size_t i = 0; i < n; i++) {
		if (orders[i].rc != RC_OK)
			rpc_fail(whose[i], orders[i].rc);
		else if (rc != RC_OK)
			rpc_fail_with(whose[i], cx, rc);
		else
			answer_made(whose[i], &orders[i].saved);
	}
}

static Billing__BillingService_Service service = { .base = BILLING__BILLING_SERVICE__BASE_INIT };

ProtobufCService *const billing_service = &service.base;

const struct rpc_batched billing_batched[] = {
	{ .method = "createInvoice", .max = CREATE_MAX, .run = create_invoice },
	{ .method = NULL },
};
