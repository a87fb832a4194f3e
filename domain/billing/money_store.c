/* money_store.c - payments, refunds, credit notes and credit in PostgreSQL. */
#include "domain/billing/money_store.h"

#include "lib/pg/pg.h"

/* --- the invoice --- */

#define INVOICE(member) offsetof(struct invoice, member)

static const struct field locked_fields[] = {
	{ .name = "id", .type = F_UUID, .at = INVOICE(id) },
	{ .name = "number", .type = F_TEXT, .at = INVOICE(number) },
	{ .name = "patientId", .type = F_UUID, .at = INVOICE(patient_id) },
	{ .name = "appointmentId", .type = F_UUID, .at = INVOICE(appointment_id) },
	{ .name = "status", .type = F_TEXT, .at = INVOICE(status) },
	{ .name = "amount", .type = F_MONEY, .at = INVOICE(amount) },
	{ .name = "remainingAmount", .type = F_MONEY, .at = INVOICE(remaining_amount) },
	{ .name = "tax", .type = F_MONEY, .at = INVOICE(tax) },
	{ .name = "amountPaid", .type = F_MONEY, .at = INVOICE(amount_paid) },
	{ .name = "amountCredited", .type = F_MONEY, .at = INVOICE(amount_credited) },
	{ .name = "amountRefunded", .type = F_MONEY, .at = INVOICE(amount_refunded) },
	{ .name = "currency", .type = F_CURRENCY, .at = INVOICE(currency) },
	{ .name = "dueDate", .type = F_DATE, .at = INVOICE(due_date) },
	{ .name = "version", .type = F_INT, .at = INVOICE(version) },
	FIELD_END,
};

static const struct pg_stmt lock_invoice = {
	.name = "money_lock_invoice",
	.kind = PG_WRITE,
	.sql = "select id, number, patient_id, appointment_id, status, amount, remaining_amount, tax, amount_paid, amount_credited,"
	       " amount_refunded, currency, due_date, version from invoice where id = $1::uuid for no key update",
	.takes = "id",
	.in = locked_fields,
	.out = locked_fields,
};

static const struct pg_stmt save_invoice = {
	.name = "money_save_invoice",
	.kind = PG_WRITE,
	.sql = "update invoice set status = $2, remaining_amount = $3::bigint, amount_paid = $4::bigint, amount_credited = $5::bigint,"
	       " amount_refunded = $6::bigint, version = version + 1, updated_at = now() where id = $1::uuid returning version",
	.takes = "id status remainingAmount amountPaid amountCredited amountRefunded",
	.in = locked_fields,
	.out = locked_fields,
};

enum rc
money_store_lock(struct ctx *cx, const char *id, struct invoice *ret_invoice)
{
	return pg_fetch_one(cx, &lock_invoice, &(struct invoice){ .id = id }, ret_invoice);
}

enum rc
money_store_save(struct ctx *cx, const struct invoice *invoice, int64_t *ret_version)
{
	struct invoice saved;
	enum rc rc = pg_fetch_one(cx, &save_invoice, invoice, &saved);

	if (rc == RC_OK)
		*ret_version = saved.version;
	return rc;
}

/* --- payments --- */

#define PAYMENT_COLUMNS                                                                                         \
	"id, invoice_id, patient_id, amount, credited, refunded as amount_refunded, currency, method, reference," \
	" status, received_at, version"

static const struct pg_stmt insert_payment = {
	.name = "money_insert_payment",
	.kind = PG_WRITE,
	.sql = "insert into payment (id, invoice_id, patient_id, amount, credited, currency, method, reference, received_at)"
	       " values ($1::uuid, $2::uuid, $3::uuid, $4::bigint, $5::bigint, $6, $7, $8, coalesce($9::timestamptz, now()))"
	       " returning " PAYMENT_COLUMNS,
	.takes = "id invoiceId patientId amount credited currency method reference receivedAt",
	.in = payment_fields,
	.out = payment_fields,
};

static const struct pg_stmt find_payment = {
	.name = "money_find_payment",
	.kind = PG_LOOKUP,
	.sql = "select " PAYMENT_COLUMNS " from payment where id = $1::uuid",
	.takes = "id",
	.in = payment_fields,
	.out = payment_fields,
};

static const struct pg_stmt list_payments = {
	.name = "money_list_payments",
	.kind = PG_LOOKUP,
	.sql = "select " PAYMENT_COLUMNS " from payment where invoice_id = $1::uuid order by id",
	.takes = "invoiceId",
	.in = payment_fields,
	.out = payment_fields,
};

static const struct pg_stmt save_payment = {
	.name = "money_save_payment",
	.kind = PG_WRITE,
	.sql = "update payment set status = $2, refunded = $3::bigint, version = version + 1, updated_at = now() where id = $1::uuid"
	       " returning " PAYMENT_COLUMNS,
	.takes = "id status amountRefunded",
	.in = payment_fields,
	.out = payment_fields,
};

enum rc
money_store_insert_payment(struct ctx *cx, const struct payment *p, struct payment *ret_payment)
{
	return pg_fetch_one(cx, &insert_payment, p, ret_payment);
}

enum rc
money_store_find_payment(struct ctx *cx, const char *id, struct payment *ret_payment)
{
	return pg_fetch_one(cx, &find_payment, &(struct payment){ .id = id }, ret_payment);
}

enum rc
money_store_list_payments(struct ctx *cx, const char *invoice_id, struct payment **ret_payments, size_t *ret_count)
{
	struct payment of = { .invoice_id = invoice_id };

	return pg_fetch_all(cx, &list_payments, &of, sizeof(**ret_payments), ret_payments, ret_count);
}

enum rc
money_store_save_payment(struct ctx *cx, const struct payment *p, struct payment *ret_payment)
{
	return pg_fetch_one(cx, &save_payment, p, ret_payment);
}

/* --- credit --- */

struct credit {
	const char *patient_id, *currency;
	int64_t minor;
};

static const struct field credit_fields[] = {
	{ .name = "patientId", .type = F_UUID, .at = offsetof(struct credit, patient_id) },
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct credit, currency) },
	{ .name = "minor", .type = F_INT, .at = offsetof(struct credit, minor) },
	FIELD_END,
};

static const struct pg_stmt add_credit = {
	.name = "money_add_credit",
	.kind = PG_WRITE,
	.sql = "insert into patient_credit as c (patient_id, currency, amount) values ($1::uuid, $2, $3::bigint)"
	       " on conflict (patient_id, currency) do update set amount = c.amount + excluded.amount"
	       " where c.amount <= 9223372036854775807 - excluded.amount",
	.takes = "patientId currency minor",
	.in = credit_fields,
};

static const struct pg_stmt take_credit = {
	.name = "money_take_credit",
	.kind = PG_WRITE,
	.sql = "update patient_credit set amount = amount + $3::bigint"
	       " where patient_id = $1::uuid and currency = $2 and amount >= -($3::bigint)",
	.takes = "patientId currency minor",
	.in = credit_fields,
};

enum rc
money_store_add_credit(struct ctx *cx, const char *patient_id, const char *currency, int64_t minor)
{
	struct credit credit = { .patient_id = patient_id, .currency = currency, .minor = minor };
	int64_t changed = 0;
	enum rc rc = pg_execute(cx, minor < 0 ? &take_credit : &add_credit, &credit, &changed);

	return rc == RC_OK && changed == 0 ? RC_CONFLICT : rc;
}

/* --- refunds and credit notes --- */

static const struct pg_stmt insert_refund = {
	.name = "money_insert_refund",
	.kind = PG_WRITE,
	.sql = "insert into refund (id, payment_id, invoice_id, amount, currency, reason)"
	       " values ($1::uuid, $2::uuid, $3::uuid, $4::bigint, $5, $6)"
	       " returning id, payment_id, invoice_id, amount, currency, reason, created_at",
	.takes = "id paymentId invoiceId amount currency reason",
	.in = refund_fields,
	.out = refund_fields,
};

static const struct pg_stmt list_refunds = {
	.name = "money_list_refunds",
	.kind = PG_LOOKUP,
	.sql = "select id, payment_id, invoice_id, amount, currency, reason, created_at from refund"
	       " where payment_id = $1::uuid order by id",
	.takes = "paymentId",
	.in = refund_fields,
	.out = refund_fields,
};

static const struct pg_stmt insert_credit_note = {
	.name = "money_insert_credit_note",
	.kind = PG_WRITE,
	.sql = "insert into credit_note (id, invoice_id, amount, currency, reason)"
	       " values ($1::uuid, $2::uuid, $3::bigint, $4, $5)"
	       " returning id, invoice_id, amount, currency, reason, created_at",
	.takes = "id invoiceId amount currency reason",
	.in = credit_note_fields,
	.out = credit_note_fields,
};

static const struct pg_stmt list_credit_notes = {
	.name = "money_list_credit_notes",
	.kind = PG_LOOKUP,
	.sql = "select id, invoice_id, amount, currency, reason, created_at from credit_note"
	       " where invoice_id = $1::uuid order by id",
	.takes = "invoiceId",
	.in = credit_note_fields,
	.out = credit_note_fields,
};

enum rc
money_store_insert_refund(struct ctx *cx, const struct adjustment *a, struct adjustment *ret_refund)
{
	return pg_fetch_one(cx, &insert_refund, a, ret_refund);
}

enum rc
money_store_list_refunds(struct ctx *cx, const char *payment_id, struct adjustment **ret_refunds, size_t *ret_count)
{
	struct adjustment of = { .payment_id = payment_id };

	return pg_fetch_all(cx, &list_refunds, &of, sizeof(**ret_refunds), ret_refunds, ret_count);
}

enum rc
money_store_insert_credit_note(struct ctx *cx, const struct adjustment *a, struct adjustment *ret_note)
{
	return pg_fetch_one(cx, &insert_credit_note, a, ret_note);
}

enum rc
money_store_list_credit_notes(struct ctx *cx, const char *invoice_id, struct adjustment **ret_notes, size_t *ret_count)
{
	struct adjustment of = { .invoice_id = invoice_id };

	return pg_fetch_all(cx, &list_credit_notes, &of, sizeof(**ret_notes), ret_notes, ret_count);
}
