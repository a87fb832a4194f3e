/* payment_fields.c - what the members of payments, refunds and credit notes are. */
#include "domain/billing/billing.h"
#include "domain/billing/states.h"

#define PAYMENT(member) offsetof(struct payment, member)
#define ADJUSTMENT(member) offsetof(struct adjustment, member)

static const char *const methods[] = { "CASH", "CARD", "TRANSFER", "CHEQUE", "INSURANCE", "CREDIT", "IMPORTED", NULL };
static const char *const payment_statuses[] = { "RECEIVED", "BOUNCED", NULL };
static const char *const overpayments[] = { "credit", NULL };

const struct field payment_fields[] = {
	{ "id", F_UUID, PAYMENT(id), .use = REPLY },
	{ "invoiceId", F_UUID, PAYMENT(invoice_id), .use = REPLY },
	{ "patientId", F_UUID, PAYMENT(patient_id), .use = REPLY },
	{ "amount", F_MONEY, PAYMENT(amount), .use = CREATE | REPLY | REQUIRED },
	{ "credited", F_MONEY, PAYMENT(credited), .use = REPLY, .help = "What was more than owed: now the patient's credit." },
	{ "amountRefunded", F_MONEY, PAYMENT(amount_refunded), .use = REPLY },
	{ "currency", F_CURRENCY, PAYMENT(currency), .use = CREATE | REPLY, .help = "The invoice's; the clinic's where absent." },
	{ "method", F_ENUM, PAYMENT(method), .choices = methods, .use = CREATE | REPLY | REQUIRED,
	  .help = "CREDIT: from what the patient has paid too much before. IMPORTED: in the system replaced, nobody knows how; "
		  "none is made so here." },
	{ "reference", F_TEXT, PAYMENT(reference), .max = 255, .use = CREATE | REPLY | NULLABLE },
	{ "status", F_ENUM, PAYMENT(status), .choices = payment_statuses, .use = REPLY },
	{ "receivedAt", F_INSTANT, PAYMENT(received_at), .use = CREATE | REPLY, .help = "Now where absent; not in the future." },
	{ "overpayment", F_ENUM, PAYMENT(overpayment), .choices = overpayments, .use = CREATE,
	  .help = "What is more than owed becomes the patient's credit; without it, it is refused." },
	{ "invoiceStatus", F_ENUM, PAYMENT(invoice_status), .choices = invoice_state_names, .use = REPLY | NULLABLE,
	  .help = "The invoice's right after it, as the next; null where the payment is only looked up." },
	{ "remainingAmount", F_MONEY, PAYMENT(remaining_amount), .use = REPLY | NULLABLE },
	{ .name = "version", .type = F_COUNT, .at = PAYMENT(version) },
	FIELD_END,
};

#define ADJUSTED                                                                                                            \
	{ "amount", F_MONEY, ADJUSTMENT(amount), .use = CREATE | REPLY | REQUIRED },                                        \
	{ "currency", F_CURRENCY, ADJUSTMENT(currency), .use = CREATE | REPLY, .help = "The invoice's; the clinic's where absent." }, \
	{ "reason", F_TEXT, ADJUSTMENT(reason), .max = 255, .use = CREATE | REPLY | REQUIRED },                             \
	{ "createdAt", F_INSTANT, ADJUSTMENT(created_at), .use = REPLY },                                                   \
	{ "invoiceStatus", F_ENUM, ADJUSTMENT(invoice_status), .choices = invoice_state_names, .use = REPLY | NULLABLE },   \
	{ "remainingAmount", F_MONEY, ADJUSTMENT(remaining_amount), .use = REPLY | NULLABLE }

const struct field refund_fields[] = {
	{ "id", F_UUID, ADJUSTMENT(id), .use = REPLY },
	{ "paymentId", F_UUID, ADJUSTMENT(payment_id), .use = REPLY },
	{ "invoiceId", F_UUID, ADJUSTMENT(invoice_id), .use = REPLY },
	ADJUSTED,
	FIELD_END,
};

const struct field credit_note_fields[] = {
	{ "id", F_UUID, ADJUSTMENT(id), .use = REPLY },
	{ "invoiceId", F_UUID, ADJUSTMENT(invoice_id), .use = REPLY },
	ADJUSTED,
	FIELD_END,
};
