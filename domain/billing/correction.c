/* correction.c - what is taken back from an invoice, or given up of it. */
#include "domain/billing/money_store.h"
#include "domain/billing/settle.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

/* Void, and write off: the same but for what is booked. */
struct correction {
	enum invoice_move move;
	enum invoice_state becomes;
	enum rc (*book)(struct ctx *cx, struct posting *posting);
};

static enum rc
book_void(struct ctx *cx, struct posting *p)
{
	int64_t owed = p->invoice->remaining_amount.minor;

	posting_add(p, settle_owed_account(p->invoice), -owed, NULL);
	return posting_take_back(cx, p, p->invoice->amount_credited.minor, owed);
}

static enum rc
book_write_off(struct ctx *cx, struct posting *p)
{
	int64_t owed = p->invoice->remaining_amount.minor;

	(void)cx;
	posting_add(p, "WRITE_OFF", owed, NULL);
	posting_add(p, "RECEIVABLE", -owed, NULL);
	return RC_OK;
}

static const struct correction voiding = { MOVE_VOID, VOID, book_void };
static const struct correction writing_off = { MOVE_WRITE_OFF, UNCOLLECTIBLE, book_write_off };

static enum rc
correct(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, const struct correction *c)
{
	struct posting posting = { .kind = c->move == MOVE_VOID ? "VOID" : "WRITE_OFF" };
	struct invoice invoice;
	enum rc rc;

	rc = settle_begin(cx, id, &invoice);
	if (rc != RC_OK || invoice_state(&invoice) == c->becomes)
		return rc; /* again: it is so */
	rc = settle_check_version(cx, &invoice, if_version);
	if (rc == RC_OK)
		rc = settle_may(cx, &invoice, c->move);
	if (rc != RC_OK)
		return rc;
	posting.invoice = &invoice;
	rc = c->book(cx, &posting);
	if (rc == RC_OK)
		rc = settle_end(cx, ports, &invoice, c->move, &posting);
	return rc;
}

static enum rc
correct_and_find(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, const struct correction *c,
    struct invoice *ret_saved)
{
	enum rc rc = pg_begin(cx);

	if (rc != RC_OK)
		return rc;
	rc = correct(cx, ports, id, if_version, c);
	if (rc == RC_OK)
		rc = invoice_find(cx, id, ret_saved);
	return pg_end(cx, rc);
}

enum rc
invoice_void(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved)
{
	return correct_and_find(cx, ports, id, if_version, &voiding, ret_saved);
}

enum rc
invoice_write_off(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct invoice *ret_saved)
{
	return correct_and_find(cx, ports, id, if_version, &writing_off, ret_saved);
}

/* --- credit notes --- */

static enum rc
check_credit(struct ctx *cx, const struct invoice *invoice, const struct adjustment *asked)
{
	enum rc rc = settle_check_amount(cx, invoice, asked->amount, asked->currency);

	if (rc == RC_OK)
		rc = settle_may(cx, invoice, MOVE_CREDIT);
	if (rc == RC_OK && asked->amount.minor > invoice->remaining_amount.minor)
		rc = err_set(cx, RC_CONFLICT, "Only %s is owed", settle_text(cx, invoice, invoice->remaining_amount.minor));
	return rc;
}

static enum rc
credit(struct ctx *cx, const struct billing_ports *ports, struct adjustment *new, struct adjustment *ret_note)
{
	struct posting posting = { .kind = "CREDIT_NOTE" };
	struct invoice invoice;
	enum rc rc;

	rc = settle_begin(cx, new->invoice_id, &invoice);
	if (rc == RC_OK)
		rc = check_credit(cx, &invoice, new);
	if (rc != RC_OK)
		return rc;
	posting.invoice = &invoice;
	posting_add(&posting, settle_owed_account(&invoice), -new->amount.minor, NULL);
	rc = posting_take_back(cx, &posting, invoice.amount_credited.minor + invoice.amount_refunded.minor, new->amount.minor);
	if (rc != RC_OK)
		return rc;
	invoice.amount_credited.minor += new->amount.minor;
	rc = money_store_insert_credit_note(cx, new, ret_note);
	if (rc == RC_OK)
		rc = settle_end(cx, ports, &invoice, MOVE_CREDIT, &posting);
	if (rc != RC_OK)
		return rc;
	ret_note->invoice_status = invoice.status;
	ret_note->remaining_amount = invoice.remaining_amount;
	return RC_OK;
}

enum rc
invoice_credit(struct ctx *cx, const struct billing_ports *ports, const char *invoice_id, const struct adjustment *asked,
    struct adjustment *ret_note)
{
	struct adjustment new = *asked;
	char id[UUID_SIZE];
	enum rc rc = pg_begin(cx);

	if (rc != RC_OK)
		return rc;
	uuid_new(id);
	new.id = id;
	new.invoice_id = invoice_id;
	return pg_end(cx, credit(cx, ports, &new, ret_note));
}

enum rc
invoice_credit_notes(struct ctx *cx, const char *invoice_id, struct adjustment **ret_notes, size_t *ret_count)
{
	struct invoice invoice;
	enum rc rc = money_store_list_credit_notes(cx, invoice_id, ret_notes, ret_count);

	return rc == RC_OK && *ret_count == 0 ? invoice_find(cx, invoice_id, &invoice) : rc;
}
