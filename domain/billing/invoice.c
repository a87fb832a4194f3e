/* invoice.c - invoices that somebody asks for, drafts and issued ones; those that bookings make are events.c's. */
#include <assert.h>
#include <string.h>

#include "domain/billing/invoice_store.h"
#include "domain/billing/lines.h"
#include "domain/billing/states.h"
#include "lib/base/config.h"
#include "lib/base/dates.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

/* Before a row is written: an invoice of somebody who isn't there would have nobody to pay it.  Only what wants to be verified may have an rc. */
static enum rc
verify_patients(struct ctx *cx, const struct billing_ports *ports, struct invoice_order *orders, size_t count)
{
	const char **ids = arena_zalloc_n(cx->arena, count, sizeof(*ids));
	bool *exist = arena_zalloc_n(cx->arena, count, sizeof(*exist));
	enum rc rc;

	for (size_t i = 0; i < count; i++)
		ids[i] = orders[i].asked->patient_id;
	rc = ports->patients_exist(cx, ids, count, exist);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (!exist[i])
			orders[i].rc = err_field(orders[i].cx, RC_NOT_FOUND, "patientId", "patient with Id %s do not exist", ids[i]);
	return rc;
}

/* --- issuing --- */

enum rc
invoice_due_date(struct ctx *cx, const char **ret_date)
{
	char today[DATE_SIZE], due[DATE_SIZE];

	clinic_today(today);
	if (!date_add_days(today, config->billing.terms_days, due))
		return err_detail(cx, RC_INTERNAL, "no date is so late");
	*ret_date = arena_strdup(cx->arena, due);
	return RC_OK;
}

/* What an invoice does to the books, and to those who wait to hear of it. */
static enum rc
post_and_tell(struct ctx *cx, const struct billing_ports *ports, const struct invoice *issued)
{
	struct posting *posting = arena_alloc(cx->arena, sizeof(*posting));
	enum rc rc;

	posting_issue(posting, issued);
	rc = ledger_post(cx, posting);
	return rc == RC_OK ? invoice_tell(cx, ports, TYPE_INVOICE_ISSUED, issued) : rc;
}

/* --- creating --- */

/* Everything that the row and its lines hold: as it will be saved, but for the moment. */
static enum rc
make(struct ctx *cx, const struct invoice *asked, struct invoice *ret_new)
{
	char id[UUID_SIZE];
	enum rc rc;

	*ret_new = *asked;
	uuid_new(id);
	ret_new->id = arena_strdup(cx->arena, id);
	ret_new->status = invoice_state_names[asked->draft ? DRAFT : ISSUED];
	if (ret_new->currency == NULL)
		ret_new->currency = config->billing.currency;
	rc = invoice_work_out(cx, ret_new);
	if (rc == RC_OK && !asked->draft && asked->due_date == NULL)
		rc = invoice_due_date(cx, &ret_new->due_date);
	ret_new->remaining_amount = ret_new->amount;
	ret_new->amount_paid = ret_new->amount_credited = ret_new->amount_refunded = (struct money){ .known = true };
	ret_new->version = 1;
	return rc;
}

/* What goes with the row: nothing with a draft, which nobody is to hear of. */
static enum rc
prepare(struct ctx *cx, const struct billing_ports *ports, const struct invoice *made, struct invoice_new *ret_new)
{
	struct posting *posting;
	struct outbox_row *event;

	*ret_new = (struct invoice_new){ .invoice = made };
	if (made->draft)
		return RC_OK;
	posting = arena_alloc(cx->arena, sizeof(*posting));
	posting_issue(posting, made);
	ret_new->posting = posting;
	ret_new->event = event = arena_alloc(cx->arena, sizeof(*event));
	return invoice_event(cx, ports, TYPE_INVOICE_ISSUED, made, event);
}

static enum rc
make_and_prepare(struct invoice_order *o, const struct billing_ports *ports, struct invoice_new *ret_new)
{
	enum rc rc = make(o->cx, o->asked, &o->saved);

	return rc == RC_OK ? prepare(o->cx, ports, &o->saved, ret_new) : rc;
}

/* Those of the orders that nothing is wrong with. */
static enum rc
write_all(struct ctx *cx, const struct billing_ports *ports, struct invoice_order *orders, size_t count)
{
	struct invoice_new *all = arena_alloc(cx->arena, count * sizeof(*all));
	struct invoices_made made;
	size_t n = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < count; i++) {
		if (orders[i].rc == RC_OK)
			orders[i].rc = make_and_prepare(&orders[i], ports, &all[n]);
		n += orders[i].rc == RC_OK;
	}
	if (n > 0)
		rc = invoice_store_insert(cx, all, n, &made);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (orders[i].rc == RC_OK && !orders[i].saved.draft) {
			orders[i].saved.issued_at = made.at;
			orders[i].numbered = made.numbered > 0;
		}
	return rc;
}

/* One that PostgreSQL refuses, which is a bug of ours, is not to fail the others. */
static enum rc
write_each(const struct billing_ports *ports, struct invoice_order *orders, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct invoice_order *o = &orders[i];
		enum rc rc = o->rc == RC_OK ? write_all(o->cx, ports, o, 1) : RC_OK;

		if (rc != RC_OK)
			o->rc = rc;
	}
	return RC_OK;
}

enum rc
invoice_create_all(struct ctx *cx, const struct billing_ports *ports, struct invoice_order *orders, size_t count)
{
	enum rc rc;

	for (size_t i = 0; i < count; i++) {
		assert(orders[i].asked->patient_id != NULL);
		orders[i].rc = RC_OK;
		orders[i].numbered = false;
	}
	rc = verify_patients(cx, ports, orders, count);
	if (rc != RC_OK)
		return rc;
	rc = write_all(cx, ports, orders, count);
	return rc == RC_INTERNAL && count > 1 ? write_each(ports, orders, count) : rc;
}

static enum rc
one(struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked, struct invoice *ret_saved,
    enum rc (*as)(struct ctx *cx, const struct billing_ports *ports, struct invoice_order *orders, size_t count))
{
	struct invoice_order order = { .cx = cx, .asked = asked };
	enum rc rc = as(cx, ports, &order, 1);

	if (rc == RC_OK)
		rc = order.rc;
	if (rc == RC_OK)
		*ret_saved = order.saved;
	return rc;
}

enum rc
invoice_create(
    struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked, struct invoice *ret_saved)
{
	return one(cx, ports, asked, ret_saved, invoice_create_all);
}

enum rc
invoice_write(struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked, struct invoice *ret_saved)
{
	return one(cx, ports, asked, ret_saved, write_all);
}

/* --- drafts --- */

/* The invoice of that id, for this transaction alone. */
static enum rc
lock(struct ctx *cx, const char *id, int64_t if_version, struct invoice *ret_invoice)
{
	enum rc rc = invoice_store_lock(cx, id, ret_invoice);

	if (rc == RC_NOT_FOUND)
		return err_set(cx, rc, "Invoice with the id %s doesn't exist", id);
	if (rc == RC_OK && if_version != 0 && ret_invoice->version != if_version)
		return err_set(cx, RC_STALE, "The invoice was changed meanwhile");
	return rc;
}

/* Amounts mean something in a currency only: one that was told apart from them would change what they are. */
static enum rc
check_currency(struct ctx *cx, const struct invoice *draft, const struct invoice *asked)
{
	if (asked->currency == NULL || strcmp(asked->currency, draft->currency) == 0)
		return RC_OK;
	return err_field(cx, RC_INVALID, "currency",
	    "The draft is in %s, which can't be changed; amounts need it named", draft->currency);
}

/* What the draft is to be; lines that aren't asked for stay, at the prices that they had. */
static enum rc
merge(struct ctx *cx, const struct invoice *asked, struct invoice *draft)
{
	enum rc rc = check_currency(cx, draft, asked);

	if (rc != RC_OK)
		return rc;
	if (asked->description != NULL)
		draft->description = asked->description;
	if (asked->due_date != NULL)
		draft->due_date = asked->due_date;
	if (asked->discount.known)
		draft->discount = asked->discount;
	draft->amount = asked->amount;
	if (asked->amount.known || asked->lines.count > 0)
		draft->lines = asked->lines;
	return invoice_work_out(cx, draft);
}

static enum rc
update_draft(struct ctx *cx, const char *id, int64_t if_version, const struct invoice *asked, struct invoice *ret_saved)
{
	struct invoice draft;
	enum rc rc = lock(cx, id, if_version, &draft);

	if (rc == RC_OK && invoice_state(&draft) != DRAFT)
		rc = err_set(cx, RC_CONFLICT, "The invoice is %s: only a DRAFT can be changed", draft.status);
	if (rc == RC_OK)
		rc = merge(cx, asked, &draft);
	return rc == RC_OK ? invoice_store_replace(cx, &draft, ret_saved) : rc;
}

enum rc
invoice_update(
    struct ctx *cx, const char *id, int64_t if_version, const struct invoice *asked, struct invoice *ret_saved)
{
	enum rc rc = pg_begin(cx);

	return rc == RC_OK ? pg_end(cx, update_draft(cx, id, if_version, asked, ret_saved)) : rc;
}

/* Again changes nothing. */
static enum rc
issue(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved)
{
	enum invoice_state next;
	struct invoice draft;
	enum rc rc = lock(cx, id, if_version, &draft);

	if (rc == RC_OK && invoice_state(&draft) == ISSUED) {
		*ret_saved = draft;
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = invoice_next_state(cx, &draft, MOVE_ISSUE, "", &next);
	if (rc == RC_OK && draft.due_date == NULL)
		rc = invoice_due_date(cx, &draft.due_date);
	if (rc == RC_OK)
		rc = invoice_store_issue(cx, &draft, ret_saved);
	return rc == RC_OK ? post_and_tell(cx, ports, ret_saved) : rc;
}

enum rc
invoice_issue(
    struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved)
{
	enum rc rc = pg_begin(cx);

	return rc == RC_OK ? pg_end(cx, issue(cx, ports, id, if_version, ret_saved)) : rc;
}

/* --- finding --- */

enum rc
invoice_find(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	enum rc rc = invoice_store_find(cx, id, ret_invoice);

	return rc == RC_NOT_FOUND ? err_set(cx, rc, "Invoice with the id %s doesn't exist", id) : rc;
}

enum rc
invoice_list(struct ctx *cx, const struct invoice_filter *filter, struct invoice **ret_invoices,
    size_t *ret_count, bool *ret_more)
{
	const char *after = filter->page.after;
	char id[UUID_SIZE];
	size_t count;
	enum rc rc;

	if (after != NULL && !uuid_parse(after, strlen(after), id))
		return err_field(cx, RC_INVALID, "cursor", "No cursor of this list");
	/* One more than asked for tells whether others follow. */
	rc = invoice_store_list(
	    cx, filter, after == NULL ? NULL : id, filter->page.limit + 1, ret_invoices, &count);
	if (rc != RC_OK)
		return rc;
	*ret_more = count > (size_t)filter->page.limit;
	*ret_count = *ret_more ? (size_t)filter->page.limit : count;
	return RC_OK;
}
