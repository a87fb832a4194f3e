/* invoice.c - invoices that somebody asks for; those that bookings make are events.c's. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "domain/billing/invoice_store.h"
#include "lib/base/uuid.h"

/* Before a row is written: an invoice of somebody who isn't there would have nobody to pay it. */
static enum rc
verify_patient(struct ctx *cx, const struct billing_ports *ports, const char *patient_id)
{
	bool exists = false;
	enum rc rc = ports->patients_exist(cx, &patient_id, 1, &exists);

	if (rc == RC_OK && !exists)
		return err_field(
		    cx, RC_NOT_FOUND, "patientId", "patient with Id %s do not exist", patient_id);
	return rc;
}

/* The members in a fixed form; the description, which may hold anything, comes last. */
static const char *
fingerprint(struct ctx *cx, const struct invoice *asked)
{
	return arena_printf(cx->arena, "%s %" PRId64 " %s %s %s", asked->patient_id, asked->amount.minor,
	    asked->currency, asked->due_date == NULL ? "-" : asked->due_date,
	    asked->description == NULL ? "" : asked->description);
}

/* The answer that this key got before.  RC_NOT_FOUND, without blame: none. */
static enum rc
answer_again(struct ctx *cx, const struct keyed_invoice *keyed, struct invoice *ret_saved)
{
	struct keyed_invoice kept;
	enum rc rc = invoice_store_find_key(cx, keyed, &kept);

	if (rc != RC_OK)
		return rc;
	err_clear(cx);
	if (strcmp(kept.fingerprint, keyed->fingerprint) != 0)
		return err_set(cx, RC_CONFLICT, "This idempotency key was used for another request");
	return invoice_store_find(cx, kept.result_id, ret_saved);
}

/* verified tells what became of asking for the patient.  A request that had its effect gets its answer
 * even where the patient has gone since, or nobody can say. */
static enum rc
create_once(struct ctx *cx, enum rc verified, const struct keyed_invoice *keyed, struct invoice *ret_saved)
{
	enum rc rc;

	if (verified != RC_OK) {
		rc = answer_again(cx, keyed, ret_saved);
		return rc == RC_OK || rc == RC_CONFLICT ? rc : verified;
	}
	rc = invoice_store_insert_once(cx, keyed, ret_saved);
	if (rc != RC_NOT_FOUND)
		return rc;
	rc = answer_again(cx, keyed, ret_saved);
	/* Kept, and gone in the same moment: a retry is a new request. */
	return rc == RC_NOT_FOUND ? err_detail(cx, RC_UNAVAILABLE, "an idempotency key vanished") : rc;
}

enum rc
invoice_create(struct ctx *cx, const struct billing_ports *ports, const struct invoice *asked,
    const struct once *once, struct invoice *ret_saved)
{
	struct keyed_invoice new = { .invoice = *asked };
	char id[UUID_SIZE];
	enum rc rc;

	assert(asked->patient_id != NULL && asked->amount.known && asked->currency != NULL);
	uuid_new(id);
	new.invoice.id = id;
	rc = verify_patient(cx, ports, asked->patient_id);
	if (once == NULL || once->key == NULL)
		return rc == RC_OK ? invoice_store_insert(cx, &new.invoice, ret_saved) : rc;
	new.account = cx->account;
	new.route = once->route;
	new.key = once->key;
	new.fingerprint = fingerprint(cx, asked);
	return create_once(cx, rc, &new, ret_saved);
}

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
