/* lines.c - what an invoice's lines come to: every sum is exact, or too large and refused. */
#include "domain/billing/lines.h"

#include <assert.h>
#include <string.h>

#include "domain/billing/service_store.h"
#include "lib/base/money.h"

/* --- lines as they were asked for --- */

/* A member of a line, as the body's errors name it. */
static enum rc
blame(struct ctx *cx, enum rc rc, size_t i, const char *member, const char *message)
{
	return err_field(cx, rc, arena_printf(cx->arena, "lines[%zu].%s", i, member), "%s", message);
}

static enum rc
too_large(struct ctx *cx, size_t i)
{
	return err_field(cx, RC_INVALID, arena_printf(cx->arena, "lines[%zu]", i),
	    "What this adds up to is more than can be counted");
}

/* An amount alone: nobody says what of it would be tax. */
static enum rc
one_line(struct ctx *cx, const struct invoice *invoice, struct field_list *ret)
{
	struct invoice_line *line;

	if (!invoice->amount.known)
		return err_field(cx, RC_INVALID, "amount", "amount is required, or lines");
	line = arena_zalloc(cx->arena, sizeof(*line));
	line->description = invoice->description;
	line->quantity = 1;
	line->unit_price = invoice->amount;
	*ret = (struct field_list){ .rows = line, .count = 1 };
	return RC_OK;
}

static enum rc
own_lines(struct ctx *cx, struct invoice *invoice)
{
	struct field_list lines = invoice->lines;
	struct invoice_line *own;
	enum rc rc = RC_OK;

	if (lines.count > INVOICE_LINES_MAX)
		return err_field(cx, RC_INVALID, "lines", "At most %d lines", INVOICE_LINES_MAX);
	if (lines.count > 0 && invoice->amount.known)
		return err_field(cx, RC_INVALID, "amount", "Either an amount or lines");
	if (lines.count == 0)
		rc = one_line(cx, invoice, &lines);
	if (rc != RC_OK)
		return rc;
	own = arena_zalloc_n(cx->arena, lines.count, sizeof(*own));
	memcpy(own, lines.rows, lines.count * sizeof(*own));
	for (size_t i = 0; i < lines.count; i++) {
		own[i].currency = invoice->currency;
		if (own[i].quantity == 0)
			own[i].quantity = 1;
	}
	invoice->lines = (struct field_list){ .rows = own, .count = lines.count };
	return RC_OK;
}

/* --- what the price list says --- */

static bool
leaves_to_list(const struct invoice_line *line)
{
	return line->service_code != NULL &&
	    (!line->unit_price.known || line->tax_rate < 0 || line->description == NULL);
}

static const struct service *
listed(const struct service *services, size_t count, const char *code)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(services[i].code, code) == 0)
			return &services[i];
	return NULL;
}

static enum rc
take_price(struct ctx *cx, struct invoice_line *line, size_t i, const struct service *service)
{
	if (service == NULL)
		return err_field(cx, RC_NOT_FOUND, arena_printf(cx->arena, "lines[%zu].serviceCode", i),
		    "Service with the code %s doesn't exist", line->service_code);
	if (strcmp(service->currency, line->currency) != 0)
		return blame(cx, RC_INVALID, i, "unitPrice",
		    "unitPrice is required: the price list has this in another currency");
	line->unit_price = service->price;
	return RC_OK;
}

/* A line may name a code that no list has, if it says its price itself. */
static enum rc
complete(struct ctx *cx, struct invoice_line *line, size_t i, const struct service *service)
{
	enum rc rc = RC_OK;

	if (!line->unit_price.known && line->service_code == NULL)
		return blame(cx, RC_INVALID, i, "unitPrice", "unitPrice is required");
	if (!line->unit_price.known)
		rc = take_price(cx, line, i, service);
	if (line->tax_rate < 0)
		line->tax_rate = service == NULL ? 0 : service->tax_rate;
	if (line->description == NULL && service != NULL)
		line->description = service->description;
	return rc;
}

static enum rc
consult_list(struct ctx *cx, struct invoice_line *lines, size_t count)
{
	const char **codes = arena_zalloc_n(cx->arena, count, sizeof(*codes));
	struct service *services = NULL;
	size_t wanted = 0, found = 0;
	enum rc rc = RC_OK, worst = RC_OK;

	for (size_t i = 0; i < count; i++)
		if (leaves_to_list(&lines[i]))
			codes[wanted++] = lines[i].service_code;
	if (wanted > 0)
		rc = service_store_find_all(cx, codes, wanted, &services, &found);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < count; i++) {
		const char *code = lines[i].service_code;

		rc = complete(cx, &lines[i], i, code == NULL ? NULL : listed(services, found, code));
		if (rc != RC_OK && worst != RC_INVALID)
			worst = rc;
	}
	return worst;
}

/* --- sums --- */

/* The discount falls on the lines by what they cost; what can't be divided, on those with the largest remainders. */
static enum rc
share_discount(struct ctx *cx, const struct invoice *invoice, struct invoice_line *lines, int64_t *gross)
{
	size_t count = invoice->lines.count;
	int64_t total = 0, *shares;

	for (size_t i = 0; i < count; i++)
		if (!money_multiply(lines[i].unit_price.minor, lines[i].quantity, &gross[i]) ||
		    !money_add(total, gross[i], &total))
			return too_large(cx, i);
	if (invoice->discount.minor > total)
		return err_field(cx, RC_INVALID, "discount", "More than the lines cost");
	shares = arena_zalloc_n(cx->arena, count, sizeof(*shares));
	if (invoice->discount.minor > 0 && !money_split(invoice->discount.minor, gross, count, shares))
		return err_detail(cx, RC_INTERNAL, "a discount that can't be split");
	for (size_t i = 0; i < count; i++)
		lines[i].discount = (struct money){ .minor = shares[i], .known = true };
	return RC_OK;
}

static enum rc
add_up(struct ctx *cx, struct invoice *invoice, struct invoice_line *lines, const int64_t *gross)
{
	int64_t subtotal = 0, taxes = 0, amount = 0;

	for (size_t i = 0; i < invoice->lines.count; i++) {
		int64_t net = gross[i] - lines[i].discount.minor, tax;

		if (!money_rate(net, lines[i].tax_rate, &tax) || !money_add(subtotal, net, &subtotal) ||
		    !money_add(taxes, tax, &taxes) || !money_add(subtotal, taxes, &amount))
			return too_large(cx, i);
		lines[i].net = (struct money){ .minor = net, .known = true };
		lines[i].tax = (struct money){ .minor = tax, .known = true };
	}
	invoice->subtotal = (struct money){ .minor = subtotal, .known = true };
	invoice->tax = (struct money){ .minor = taxes, .known = true };
	invoice->amount = (struct money){ .minor = amount, .known = true };
	invoice->discount.known = true;
	return RC_OK;
}

enum rc
invoice_work_out(struct ctx *cx, struct invoice *invoice)
{
	struct invoice_line *lines;
	int64_t *gross;
	enum rc rc;

	assert(invoice->currency != NULL);
	rc = own_lines(cx, invoice);
	if (rc != RC_OK)
		return rc;
	lines = (struct invoice_line *)(uintptr_t)invoice->lines.rows; /* own_lines made them */
	gross = arena_zalloc_n(cx->arena, invoice->lines.count, sizeof(*gross));
	rc = consult_list(cx, lines, invoice->lines.count);
	if (rc == RC_OK)
		rc = share_discount(cx, invoice, lines, gross);
	if (rc == RC_OK)
		rc = add_up(cx, invoice, lines, gross);
	return rc;
}

void
posting_issue(struct posting *p, const struct invoice *invoice)
{
	const struct invoice_line *lines = invoice->lines.rows;

	*p = (struct posting){ .kind = "ISSUE", .invoice = invoice };
	posting_add(p, "RECEIVABLE", invoice->amount.minor, NULL);
	posting_add(p, "TAX", -invoice->tax.minor, NULL);
	for (size_t i = 0; i < invoice->lines.count; i++)
		posting_add(p, "REVENUE", -lines[i].net.minor, lines[i].service_code);
}
