/*
 * take_over.c - invoices of the system replaced.  It keeps no line, no date and no payment: doc/moving-over.md says what is made of that.
 */
#include <string.h>

#include "domain/billing/invoice_store.h"
#include "domain/billing/ledger.h"
#include "domain/billing/lines.h"
#include "domain/billing/states.h"
#include "domain/billing/take_over_store.h"
#include "lib/base/clock.h"
#include "lib/base/dates.h"
#include "lib/base/uuid.h"

#define REFUND_REASON "Refunded in the system replaced"

#define AT(member) offsetof(struct foreign_invoice, member)

const struct field foreign_invoice_fields[] = {
	{ "amount", F_MONEY, AT(amount), .use = CREATE | REQUIRED },
	{ .name = "currency", .type = F_CURRENCY, .at = AT(currency) },
	{ "patientId", F_UUID, AT(patient_id), .use = CREATE | REQUIRED },
	{ "status", F_TEXT, AT(status), .use = CREATE | REQUIRED },
	FIELD_END,
};

static enum invoice_state
state_named(const char *name)
{
	enum invoice_state state = DRAFT;

	while (state < INVOICE_STATES && strcmp(invoice_state_names[state], name) != 0)
		state++;
	return state;
}

/* How much was paid nobody keeps; and of nothing, nothing can be paid, refunded or past due. */
static enum invoice_state
becomes(const struct foreign_invoice *asked, const char **ret_why)
{
	enum invoice_state state = state_named(asked->status);

	*ret_why = NULL;
	if (state == PARTIALLY_PAID) {
		*ret_why = "was PARTIALLY_PAID, and is ISSUED here, with all of it open: how much was paid isn't kept there; enter that payment";
		return ISSUED;
	}
	if (asked->amount.minor > 0)
		return state;
	if (state == PAID || state == OVERDUE) {
		*ret_why = "is ISSUED here: nothing of 0 can be paid, or past due";
		return ISSUED;
	}
	if (state == REFUNDED) {
		*ret_why = "was REFUNDED, and is VOID here: nothing of 0 can be refunded";
		return VOID;
	}
	return state;
}

enum rc
invoice_check_foreign(struct ctx *cx, const struct foreign_invoice *asked, const char **ret_why)
{
	enum invoice_state state = state_named(asked->status);

	if (state == DRAFT || state == INVOICE_STATES)
		return err_field(cx, RC_INVALID, "status", "status must be one of the seven");
	(void)becomes(asked, ret_why);
	return RC_OK;
}

/* --- what an invoice is made of --- */

static const char *
new_id(struct ctx *cx)
{
	char id[UUID_SIZE];

	uuid_new(id);
	return arena_strdup(cx->arena, id);
}

/* What is open is due as if it were issued today; what has been settled or is late was due before today. */
static enum rc
work_out_dates(struct ctx *cx, const char **ret_due, const char **ret_was_due)
{
	char today[DATE_SIZE], day[DATE_SIZE];
	enum rc rc = invoice_due_date(cx, ret_due);

	clinic_today(today);
	if (rc == RC_OK && !date_add_days(today, -1, day))
		rc = err_detail(cx, RC_INTERNAL, "no date is so early");
	if (rc == RC_OK)
		*ret_was_due = arena_strdup(cx->arena, day);
	return rc;
}

static struct invoice
invoice_of(const struct foreign_invoice *asked, const char *due, const char *was_due)
{
	const char *why;
	enum invoice_state state = becomes(asked, &why);
	bool paid = state == PAID || state == REFUNDED;
	bool open = state == ISSUED || state == OVERDUE || state == UNCOLLECTIBLE;
	int64_t amount = asked->amount.minor;

	return (struct invoice){
		.id = asked->id,
		.patient_id = asked->patient_id,
		.status = invoice_state_names[state],
		.amount = asked->amount,
		.remaining_amount = { .minor = open ? amount : 0, .known = true },
		.amount_paid = { .minor = paid ? amount : 0, .known = true },
		.amount_refunded = { .minor = state == REFUNDED ? amount : 0, .known = true },
		.currency = asked->currency,
		.due_date = state == ISSUED ? due : was_due,
	};
}

/* --- its entries --- */

static void
post(struct ctx *cx, struct imported *to, const char *kind, const struct invoice *of, const char *payment_id, const char *debit,
    const char *credit)
{
	const char *posting = new_id(cx);
	int64_t amount = of->amount.minor;

	if (amount == 0)
		return;
	imported_add_entry(to, posting, kind, debit, amount, of, payment_id);
	imported_add_entry(to, posting, kind, credit, -amount, of, payment_id);
}

/* Paid, and perhaps given back, of method IMPORTED. */
static void
settle(struct ctx *cx, struct imported *to, const struct invoice *of)
{
	const char *payment_id = new_id(cx);

	imported_add_payment(to, payment_id, of);
	post(cx, to, "PAYMENT", of, payment_id, "IMPORTED", "RECEIVABLE");
	if (of->amount_refunded.minor == 0)
		return;
	imported_add_refund(to, new_id(cx), payment_id, of, REFUND_REASON);
	post(cx, to, "REFUND", of, payment_id, "REVENUE", "IMPORTED");
}

static void
enter(struct ctx *cx, struct imported *to, const struct invoice *of)
{
	imported_add_line(to, of);
	post(cx, to, "ISSUE", of, NULL, "RECEIVABLE", "REVENUE");
	if (of->amount_paid.minor > 0)
		settle(cx, to, of);
	else if (invoice_state(of) == VOID)
		post(cx, to, "VOID", of, NULL, "REVENUE", "RECEIVABLE");
	else if (invoice_state(of) == UNCOLLECTIBLE)
		post(cx, to, "WRITE_OFF", of, NULL, "WRITE_OFF", "RECEIVABLE");
}

/* Noon by Greenwich is the same day nearly everywhere. */
static const char *
moment_of(struct ctx *cx, const char *booked)
{
	char now[INSTANT_SIZE];

	instant_format(clock_now_us(), now);
	return booked == NULL ? arena_strdup(cx->arena, now) : arena_printf(cx->arena, "%sT12:00:00Z", booked);
}

enum rc
invoice_take_over(
    struct ctx *cx, const struct foreign_invoice *asked, size_t count, const char *booked, enum rc *ret_each)
{
	struct invoice *all = arena_zalloc_n(cx->arena, count + 1, sizeof(*all));
	const char *due, *was_due;
	struct imported to;
	enum rc rc = work_out_dates(cx, &due, &was_due);

	if (rc != RC_OK || count == 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		all[i] = invoice_of(&asked[i], due, was_due);
	imported_begin(cx, &to, moment_of(cx, booked));
	rc = imported_insert(cx, &to, all, count, ret_each);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (ret_each[i] == RC_OK)
			enter(cx, &to, &all[i]);
	return rc == RC_OK ? imported_end(cx, &to) : rc;
}
