#include "domain/billing/fees.h"

#include "domain/billing/fee_store.h"
#include "domain/billing/lines.h"
#include "domain/billing/service_store.h"
#include "domain/billing/states.h"
#include "lib/base/config.h"

#define HOUR_MS INT64_C(3600000)

/* The service that the event is charged as; NULL: it costs nothing. */
static const char *
fee_service(const struct taken *t)
{
	const char *code = "";

	if (taken_is(t, BOOKING_NO_SHOW))
		code = config->billing.no_show_service;
	else if (taken_is(t, BOOKING_CANCELLED) && config->billing.late_hours > 0 &&
	    t->event->notice_ms < config->billing.late_hours * HOUR_MS)
		code = config->billing.late_service;
	return code[0] == '\0' ? NULL : code;
}

/* An invoice like any other, of one line; without the appointment, whose own invoice the booking made. */
static enum rc
issue(struct ctx *cx, const struct billing_ports *ports, struct taken *t, const struct service *service)
{
	struct invoice_line line = {
		.service_code = service->code,
		.description = service->description,
		.quantity = 1,
		.unit_price = service->price,
		.tax_rate = service->tax_rate,
	};
	struct invoice saved, fee = {
		.patient_id = t->patient_id,
		.currency = service->currency,
		.description = service->description,
		.lines = { .rows = &line, .count = 1 },
	};
	enum rc rc = invoice_write(cx, ports, &fee, &saved);

	/* A price that with its tax can't be counted is none; nothing was written. */
	if (rc == RC_INVALID) {
		err_clear(cx);
		t->reason = RC_NO_PRICE;
		return RC_OK;
	}
	return rc == RC_OK ? fee_store_insert(cx, t->appointment_id, saved.id) : rc;
}

static enum rc
charge(struct ctx *cx, const struct billing_ports *ports, struct taken *t, struct billing_tally *tally)
{
	const struct trace ours = cx->trace;
	struct service service;
	bool charged;
	enum rc rc = fee_store_charged(cx, t->appointment_id, &charged);

	if (rc != RC_OK || charged)
		return rc;
	rc = service_store_find(cx, fee_service(t), &service);
	if (rc == RC_NOT_FOUND) {
		err_clear(cx);
		t->reason = RC_NO_PRICE;
		return RC_OK;
	}
	if (rc == RC_OK) {
		cx->trace = t->event->trace;
		rc = issue(cx, ports, t, &service);
		cx->trace = ours;
	}
	tally->invoiced += rc == RC_OK && t->reason == RC_OK;
	return rc;
}

enum rc
fees_charge(
    struct ctx *cx, const struct billing_ports *ports, struct taken *all, size_t count, struct billing_tally *tally)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (fee_service(&all[i]) != NULL)
			rc = charge(cx, ports, &all[i], tally);
	return rc;
}
