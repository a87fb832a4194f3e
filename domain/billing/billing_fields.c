/* billing_fields.c - what the members of services, invoices and dead letters are. */
#include "domain/billing/billing.h"

#define SERVICE(member) offsetof(struct service, member)
#define INVOICE(member) offsetof(struct invoice, member)
#define FILTERED(member) offsetof(struct invoice_filter, member)
#define LETTER(member) offsetof(struct dead_letter, member)

const struct field service_fields[] = {
	/* In a body only so that what GET gave can be sent back: the path names it. */
	{ "code", F_CODE, SERVICE(code), .max = SERVICE_CODE_MAX, .use = CREATE | REPLY },
	{ "description", F_TEXT, SERVICE(description), .max = 255, .use = CREATE | REPLY | REQUIRED },
	{ "price", F_MONEY, SERVICE(price), .use = CREATE | REPLY | REQUIRED },
	{ "currency", F_CURRENCY, SERVICE(currency), .use = CREATE | REPLY,
	  .help = "ISO 4217; the clinic's where absent." },
	/* Outside it is the ETag. */
	{ .name = "version", .type = F_COUNT, .at = SERVICE(version) },
	FIELD_END,
};

static const char *const statuses[] = { "PAID", "ISSUED", "PARTIALLY_PAID", "OVERDUE", "UNCOLLECTIBLE",
	"REFUNDED", "VOID", NULL };

const struct field invoice_fields[] = {
	{ "id", F_UUID, INVOICE(id), .use = REPLY },
	{ "number", F_TEXT, INVOICE(number), .use = REPLY | NULLABLE },
	{ "patientId", F_UUID, INVOICE(patient_id), .use = CREATE | REPLY | REQUIRED },
	{ "appointmentId", F_UUID, INVOICE(appointment_id), .use = REPLY | NULLABLE,
	  .help = "The booking that made it." },
	{ "status", F_ENUM, INVOICE(status), .choices = statuses, .use = REPLY },
	{ "amount", F_MONEY, INVOICE(amount), .use = CREATE | REPLY | REQUIRED },
	{ "remainingAmount", F_MONEY, INVOICE(remaining_amount), .use = REPLY },
	{ "currency", F_CURRENCY, INVOICE(currency), .use = CREATE | REPLY,
	  .help = "ISO 4217; the clinic's where absent." },
	{ "description", F_TEXT, INVOICE(description), .max = 255, .use = CREATE | REPLY | NULLABLE },
	{ "issuedAt", F_INSTANT, INVOICE(issued_at), .use = REPLY },
	{ "dueDate", F_DATE, INVOICE(due_date), .use = CREATE | REPLY | NULLABLE },
	{ "appointmentCancelled", F_BOOL, INVOICE(appointment_cancelled), .use = REPLY,
	  .help = "Only where true: the booking was cancelled." },
	{ "serviceCode", F_CODE, INVOICE(service_code), .max = SERVICE_CODE_MAX, .use = REPLY | NULLABLE },
	{ .name = "version", .type = F_COUNT, .at = INVOICE(version) },
	FIELD_END,
};

const struct field invoice_filters[] = {
	{ "patientId", F_UUID, FILTERED(patient_id), .use = FILTER },
	{ "status", F_ENUM, FILTERED(status), .choices = statuses, .use = FILTER },
	FIELD_END,
};

const struct field dead_letter_fields[] = {
	{ "id", F_INT, LETTER(id), .use = REPLY },
	{ "reason", F_TEXT, LETTER(reason), .use = REPLY },
	{ "attempts", F_INT, LETTER(attempts), .use = REPLY },
	{ "firstAt", F_INSTANT, LETTER(first_at), .use = REPLY },
	{ "lastAt", F_INSTANT, LETTER(last_at), .use = REPLY },
	{ "replayAskedAt", F_INSTANT, LETTER(replay_asked_at), .use = REPLY | NULLABLE },
	{ "topic", F_TEXT, LETTER(topic), .use = REPLY },
	{ "key", F_TEXT, LETTER(key), .use = REPLY | NULLABLE },
	{ "ceId", F_TEXT, LETTER(ce_id), .use = REPLY | NULLABLE },
	{ "type", F_TEXT, LETTER(type), .use = REPLY | NULLABLE },
	{ "source", F_TEXT, LETTER(source), .use = REPLY | NULLABLE },
	{ "time", F_TEXT, LETTER(time), .use = REPLY | NULLABLE },
	{ "traceparent", F_TEXT, LETTER(traceparent), .use = REPLY | NULLABLE },
	{ .name = "payload", .type = F_BYTES, .at = LETTER(payload) },
	FIELD_END,
};
