/* overdue_store.c - the overdue sweep in PostgreSQL. */
#include "domain/billing/overdue_store.h"

#include "lib/pg/pg.h"

static const struct field sweep_fields[] = {
	{ .name = "max", .type = F_INT, .at = offsetof(struct sweep, max) },
	{ .name = "today", .type = F_DATE, .at = offsetof(struct sweep, today) },
	{ .name = "zone", .type = F_ZONE, .at = offsetof(struct sweep, zone) },
	FIELD_END,
};

#define INVOICE(member) offsetof(struct invoice, member)

static const struct field marked_fields[] = {
	{ .name = "id", .type = F_UUID, .at = INVOICE(id) },
	{ .name = "patientId", .type = F_UUID, .at = INVOICE(patient_id) },
	{ .name = "appointmentId", .type = F_UUID, .at = INVOICE(appointment_id) },
	{ .name = "status", .type = F_TEXT, .at = INVOICE(status) },
	{ .name = "amount", .type = F_MONEY, .at = INVOICE(amount) },
	{ .name = "remainingAmount", .type = F_MONEY, .at = INVOICE(remaining_amount) },
	{ .name = "amountPaid", .type = F_MONEY, .at = INVOICE(amount_paid) },
	{ .name = "amountRefunded", .type = F_MONEY, .at = INVOICE(amount_refunded) },
	{ .name = "currency", .type = F_CURRENCY, .at = INVOICE(currency) },
	{ .name = "dueDate", .type = F_DATE, .at = INVOICE(due_date) },
	{ .name = "version", .type = F_INT, .at = INVOICE(version) },
	FIELD_END,
};

/* MOVE_OVERDUE of states.h, for many at once; the index invoice_due has the same condition.  Nobody waits for anybody: what somebody
 * holds, perhaps to pay it, is looked at again by the next sweep. */
static const struct pg_stmt mark_overdue = {
	.name = "mark_overdue",
	.kind = PG_WRITE,
	.sql = "with past as materialized (select id from invoice where status in ('ISSUED', 'PARTIALLY_PAID') and remaining_amount > 0"
	       " and due_date < coalesce($2::date, (now() at time zone $3)::date)"
	       " order by due_date limit $1::bigint for no key update skip locked)"
	       " update invoice i set status = 'OVERDUE', version = version + 1, updated_at = now() from past where i.id = past.id"
	       " returning i.id, patient_id, appointment_id, status, amount, remaining_amount, amount_paid, amount_refunded, currency,"
	       " due_date, version",
	.takes = "max today zone",
	.in = sweep_fields,
	.out = marked_fields,
};

enum rc
overdue_store_mark(struct ctx *cx, const struct sweep *sweep, struct invoice **ret_marked, size_t *ret_count)
{
	return pg_fetch_all(cx, &mark_overdue, sweep, sizeof(**ret_marked), ret_marked, ret_count);
}
