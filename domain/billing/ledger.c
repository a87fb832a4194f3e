/* ledger.c - postings, and the events that go out with them. */
#include "domain/billing/ledger.h"

#include <assert.h>
#include <string.h>

#include "domain/billing/ledger_store.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/zone.h"
#include "lib/outbox/outbox.h"

void
posting_add(struct posting *p, const char *account, int64_t minor, const char *service_code)
{
	if (minor == 0)
		return;
	assert(p->count < POSTING_ENTRIES_MAX);
	p->entries[p->count++] =
	    (struct ledger_entry){ .account = account, .minor = minor, .service_code = service_code };
}

enum rc
ledger_post(struct ctx *cx, const struct posting *p)
{
	return p->count == 0 ? RC_OK : ledger_store_post(cx, p);
}

/* numerator * factor / divisor, half away from zero; none is negative. */
static int64_t
share(int64_t numerator, int64_t factor, int64_t divisor)
{
	return (int64_t)(((__int128)numerator * factor * 2 + divisor) / ((__int128)divisor * 2));
}

int64_t
tax_share(int64_t tax, int64_t gross, int64_t done, int64_t part)
{
	return gross == 0 ? 0 : share(tax, done + part, gross) - share(tax, done, gross);
}

enum rc
posting_take_back(struct ctx *cx, struct posting *p, int64_t done, int64_t part)
{
	const struct invoice *invoice = p->invoice;
	int64_t tax = tax_share(invoice->tax.minor, invoice->amount.minor, done, part), *weights, *shares;
	struct revenue *revenue;
	size_t count;
	enum rc rc;

	posting_add(p, "TAX", tax, NULL);
	rc = ledger_store_revenue(cx, invoice->id, &revenue, &count);
	if (rc != RC_OK)
		return rc;
	weights = arena_zalloc_n(cx->arena, count + 1, sizeof(*weights));
	shares = arena_zalloc_n(cx->arena, count + 1, sizeof(*shares));
	for (size_t i = 0; i < count; i++)
		weights[i] = revenue[i].minor;
	if (count == 0 ? part != tax : !money_split(part - tax, weights, count, shares))
		return err_detail(cx, RC_INTERNAL, "an invoice's entries don't say what it earned");
	for (size_t i = 0; i < count; i++)
		posting_add(p, "REVENUE", shares[i], revenue[i].service_code);
	return RC_OK;
}

enum rc
invoice_event(struct ctx *cx, const struct billing_ports *ports, const char *type, const struct invoice *invoice, struct outbox_row *ret_row)
{
	outbox_row_init(cx, ret_row, "invoice", type, invoice->id);
	ret_row->key = invoice->patient_id;
	return ports->encode_invoice(cx, invoice, &ret_row->payload);
}

enum rc
invoice_tell(struct ctx *cx, const struct billing_ports *ports, const char *type, const struct invoice *invoice)
{
	struct outbox_row row;
	enum rc rc = invoice_event(cx, ports, type, invoice, &row);

	return rc == RC_OK ? outbox_insert(cx, &row, 1) : rc;
}

void
clinic_today(char ret_date[DATE_SIZE])
{
	/* The zone was read when the configuration was checked, and is kept. */
	if (!zone_date(config->scheduling.zone, clock_now_us(), ret_date))
		date_today(ret_date);
}
