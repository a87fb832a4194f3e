/* payment.c - money comes in, bounces, and is given back. */
#include <string.h>

#include "domain/billing/money_store.h"
#include "domain/billing/settle.h"
#include "lib/base/clock.h"
#include "lib/base/uuid.h"
#include "lib/pg/pg.h"

#define SKEW_US INT64_C(300000000) /* that a till's clock may be ahead of ours */
#define CREDIT "CREDIT"
#define IMPORTED "IMPORTED"

/* --- in --- */

/* How much of it goes to the invoice; the rest, if it may be, to the patient's credit. */
static enum rc
apply(struct ctx *cx, const struct invoice *invoice, struct payment *p)
{
	int64_t owed = invoice->remaining_amount.minor, over = p->amount.minor - owed;

	p->credited = (struct money){ .minor = over > 0 ? over : 0, .known = true };
	if (over <= 0)
		return RC_OK;
	if (owed > 0 && p->overpayment != NULL && strcmp(p->method, CREDIT) != 0)
		return RC_OK;
	return err_set(cx, RC_CONFLICT, "Only %s is owed", settle_text(cx, invoice, owed));
}

static enum rc
check(struct ctx *cx, const struct invoice *invoice, const struct payment *p)
{
	if (p->received_at.known && p->received_at.us > clock_now_us() + SKEW_US)
		return err_field(cx, RC_INVALID, "receivedAt", "must not be in the future");
	if (strcmp(p->method, IMPORTED) == 0)
		return err_field(cx, RC_INVALID, "method", "IMPORTED is for what was paid before this system was there");
	return settle_check_amount(cx, invoice, p->amount, p->currency);
}

static enum rc
move_credit(struct ctx *cx, const struct invoice *invoice, int64_t minor)
{
	enum rc rc = minor == 0 ? RC_OK : money_store_add_credit(cx, invoice->patient_id, invoice->currency, minor);

	if (rc != RC_CONFLICT)
		return rc;
	return err_set(cx, rc, minor < 0 ? "The patient's credit is less than %s" : "The patient's credit can't grow by %s",
	    settle_text(cx, invoice, minor < 0 ? -minor : minor));
}

/* What the patient's credit gains by a payment: what is beyond the invoice, less what comes from it. */
static int64_t
credit_gain(const struct payment *p)
{
	return p->credited.minor - (strcmp(p->method, CREDIT) == 0 ? p->amount.minor : 0);
}

/* sign 1: it comes in; -1: it goes back. */
static void
add_payment(struct posting *posting, const struct payment *p, int sign)
{
	posting_add(posting, p->method, sign * p->amount.minor, NULL);
	posting_add(posting, settle_owed_account(posting->invoice), -sign * (p->amount.minor - p->credited.minor), NULL);
	posting_add(posting, CREDIT, -sign * p->credited.minor, NULL);
}

static void
tell_invoice(struct payment *p, const struct invoice *invoice)
{
	p->invoice_status = invoice->status;
	p->remaining_amount = invoice->remaining_amount;
}

static enum rc
receive(struct ctx *cx, const struct billing_ports *ports, const char *invoice_id, struct payment *p, struct payment *ret_payment)
{
	struct posting posting = { .kind = "PAYMENT", .payment_id = p->id };
	struct invoice invoice;
	enum rc rc;

	rc = settle_begin(cx, invoice_id, &invoice);
	if (rc == RC_OK)
		rc = check(cx, &invoice, p);
	if (rc == RC_OK)
		rc = settle_may(cx, &invoice, MOVE_PAY);
	if (rc == RC_OK)
		rc = apply(cx, &invoice, p);
	if (rc != RC_OK)
		return rc;
	p->invoice_id = invoice.id;
	p->patient_id = invoice.patient_id;
	posting.invoice = &invoice;
	add_payment(&posting, p, 1);
	invoice.amount_paid.minor += p->amount.minor - p->credited.minor;
	rc = money_store_insert_payment(cx, p, ret_payment);
	if (rc == RC_OK)
		rc = move_credit(cx, &invoice, credit_gain(p));
	if (rc == RC_OK)
		rc = settle_end(cx, ports, &invoice, MOVE_PAY, &posting);
	if (rc == RC_OK)
		tell_invoice(ret_payment, &invoice);
	return rc;
}

enum rc
payment_receive(struct ctx *cx, const struct billing_ports *ports, const char *invoice_id, const struct payment *asked,
    struct payment *ret_payment)
{
	struct payment p = *asked;
	char id[UUID_SIZE];
	enum rc rc = pg_begin(cx);

	if (rc != RC_OK)
		return rc;
	uuid_new(id);
	p.id = id;
	return pg_end(cx, receive(cx, ports, invoice_id, &p, ret_payment));
}

enum rc
payment_find(struct ctx *cx, const char *id, struct payment *ret_payment)
{
	enum rc rc = money_store_find_payment(cx, id, ret_payment);

	return rc == RC_NOT_FOUND ? err_set(cx, rc, "Payment with the id %s doesn't exist", id) : rc;
}

enum rc
payment_list(struct ctx *cx, const char *invoice_id, struct payment **ret_payments, size_t *ret_count)
{
	struct invoice invoice;
	enum rc rc = money_store_list_payments(cx, invoice_id, ret_payments, ret_count);

	/* None: perhaps there is no such invoice. */
	return rc == RC_OK && *ret_count == 0 ? invoice_find(cx, invoice_id, &invoice) : rc;
}

/* --- back --- */

/* The payment and its invoice, which is locked first, so that nobody else changes either. */
static enum rc
lock_payment(struct ctx *cx, const char *id, struct payment *ret_payment, struct invoice *ret_invoice)
{
	enum rc rc = payment_find(cx, id, ret_payment);

	if (rc == RC_OK)
		rc = settle_begin(cx, ret_payment->invoice_id, ret_invoice);
	if (rc == RC_OK)
		rc = payment_find(cx, id, ret_payment);
	return rc;
}

static enum rc
check_reversible(struct ctx *cx, const struct payment *p, int64_t if_version)
{
	if (if_version != 0 && if_version != p->version)
		return err_set(cx, RC_STALE, "The payment was changed meanwhile");
	if (p->amount_refunded.minor > 0)
		return err_set(cx, RC_CONFLICT, "The payment was refunded, in part or in whole");
	return RC_OK;
}

static enum rc
reverse(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct payment *ret_payment)
{
	struct posting posting = { .kind = "BOUNCE", .payment_id = id };
	struct invoice invoice;
	struct payment p;
	enum rc rc;

	rc = lock_payment(cx, id, &p, &invoice);
	/* Also to the If-Match of before: whose answer was lost asks again so. */
	if (rc == RC_OK && strcmp(p.status, "BOUNCED") == 0) {
		*ret_payment = p;
		tell_invoice(ret_payment, &invoice);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = check_reversible(cx, &p, if_version);
	if (rc == RC_OK)
		rc = settle_may(cx, &invoice, MOVE_BOUNCE);
	if (rc != RC_OK)
		return rc;
	posting.invoice = &invoice;
	add_payment(&posting, &p, -1);
	invoice.amount_paid.minor -= p.amount.minor - p.credited.minor;
	p.status = "BOUNCED";
	rc = move_credit(cx, &invoice, -credit_gain(&p));
	if (rc == RC_OK)
		rc = money_store_save_payment(cx, &p, ret_payment);
	if (rc == RC_OK)
		rc = settle_end(cx, ports, &invoice, MOVE_BOUNCE, &posting);
	if (rc == RC_OK)
		tell_invoice(ret_payment, &invoice);
	return rc;
}

enum rc
payment_reverse(struct ctx *cx, const struct billing_ports *ports, const char *id, int64_t if_version, struct payment *ret_payment)
{
	enum rc rc = pg_begin(cx);

	return rc == RC_OK ? pg_end(cx, reverse(cx, ports, id, if_version, ret_payment)) : rc;
}

static enum rc
check_refund(struct ctx *cx, const struct invoice *invoice, const struct payment *p, const struct adjustment *asked)
{
	int64_t left = p->amount.minor - p->credited.minor - p->amount_refunded.minor;
	enum rc rc = settle_check_amount(cx, invoice, asked->amount, asked->currency);

	if (rc == RC_OK)
		rc = settle_may(cx, invoice, MOVE_REFUND);
	if (rc != RC_OK)
		return rc;
	if (strcmp(p->status, "BOUNCED") == 0)
		return err_set(cx, RC_CONFLICT, "The payment bounced: there is nothing to give back");
	if (asked->amount.minor > left)
		return err_set(cx, RC_CONFLICT, "Only %s of the payment can be refunded", settle_text(cx, invoice, left));
	return RC_OK;
}

static enum rc
refund(struct ctx *cx, const struct billing_ports *ports, struct adjustment *new, struct adjustment *ret_refund)
{
	struct posting posting = { .kind = "REFUND", .payment_id = new->payment_id };
	struct invoice invoice;
	struct payment p;
	enum rc rc;

	rc = lock_payment(cx, new->payment_id, &p, &invoice);
	if (rc == RC_OK)
		rc = check_refund(cx, &invoice, &p, new);
	if (rc != RC_OK)
		return rc;
	new->invoice_id = invoice.id;
	posting.invoice = &invoice;
	posting_add(&posting, p.method, -new->amount.minor, NULL);
	rc = posting_take_back(cx, &posting, invoice.amount_credited.minor + invoice.amount_refunded.minor, new->amount.minor);
	if (rc != RC_OK)
		return rc;
	p.amount_refunded.minor += new->amount.minor;
	invoice.amount_refunded.minor += new->amount.minor;
	rc = money_store_insert_refund(cx, new, ret_refund);
	if (rc == RC_OK && strcmp(p.method, CREDIT) == 0)
		rc = move_credit(cx, &invoice, new->amount.minor);
	if (rc == RC_OK)
		rc = money_store_save_payment(cx, &p, &p);
	if (rc == RC_OK)
		rc = settle_end(cx, ports, &invoice, MOVE_REFUND, &posting);
	if (rc != RC_OK)
		return rc;
	ret_refund->invoice_status = invoice.status;
	ret_refund->remaining_amount = invoice.remaining_amount;
	return RC_OK;
}

enum rc
payment_refund(struct ctx *cx, const struct billing_ports *ports, const char *payment_id, const struct adjustment *asked,
    struct adjustment *ret_refund)
{
	struct adjustment new = *asked;
	char id[UUID_SIZE];
	enum rc rc = pg_begin(cx);

	if (rc != RC_OK)
		return rc;
	uuid_new(id);
	new.id = id;
	new.payment_id = payment_id;
	return pg_end(cx, refund(cx, ports, &new, ret_refund));
}

enum rc
payment_refunds(struct ctx *cx, const char *payment_id, struct adjustment **ret_refunds, size_t *ret_count)
{
	struct payment p;
	enum rc rc = money_store_list_refunds(cx, payment_id, ret_refunds, ret_count);

	return rc == RC_OK && *ret_count == 0 ? payment_find(cx, payment_id, &p) : rc;
}
