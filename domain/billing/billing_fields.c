/* billing_fields.c - what the members of services, invoices and dead letters are. */
#include "domain/billing/billing.h"

#define SERVICE(member) offsetof(struct service, member)
#define INVOICE(member) offsetof(struct invoice, member)
#define LINE(member) offsetof(struct invoice_line, member)
#define FILTERED(member) offsetof(struct invoice_filter, member)
#define LETTER(member) offsetof(struct dead_letter, member)

const struct field service_fields[] = {
	/* In a body only so that what GET gave can be sent back: the path names it. */
	{ "code", F_CODE, SERVICE(code), .max = SERVICE_CODE_MAX, .use = CREATE | REPLY },
	{ "description", F_TEXT, SERVICE(description), .max = 255, .use = CREATE | REPLY | REQUIRED },
	{ "price", F_MONEY, SERVICE(price), .use = CREATE | REPLY | REQUIRED },
	{ "currency", F_CURRENCY, SERVICE(currency), .use = CREATE | REPLY,
	  .help = "ISO 4217; the clinic's where absent." },
	{ "taxRate", F_RATE, SERVICE(tax_rate), .use = CREATE | REPLY, .help = "Percent; none where absent." },
	/* Outside it is the ETag. */
	{ .name = "version", .type = F_COUNT, .at = SERVICE(version) },
	FIELD_END,
};

/* As states.h has them, in a constant that tables can hold. */
static const char *const statuses[] = { "DRAFT", "PAID", "ISSUED", "PARTIALLY_PAID", "OVERDUE", "UNCOLLECTIBLE",
	"REFUNDED", "VOID", NULL };

static const struct field line_fields[] = {
	{ "serviceCode", F_CODE, LINE(service_code), .max = SERVICE_CODE_MAX, .use = CREATE | REPLY | NULLABLE,
	  .help = "What the line leaves out is the price list's." },
	{ "description", F_TEXT, LINE(description), .max = 255, .use = CREATE | REPLY | NULLABLE },
	{ "quantity", F_COUNT, LINE(quantity), .max = 1000000, .use = CREATE | REPLY, .help = "1 where absent." },
	{ "unitPrice", F_MONEY, LINE(unit_price), .use = CREATE | REPLY, .help = "Without tax." },
	{ "taxRate", F_RATE, LINE(tax_rate), .use = CREATE | REPLY, .help = "Percent; where absent the service's, or none." },
	{ "discount", F_MONEY, LINE(discount), .use = REPLY, .help = "Its share of the invoice's." },
	{ "net", F_MONEY, LINE(net), .use = REPLY, .help = "quantity * unitPrice - discount" },
	{ "tax", F_MONEY, LINE(tax), .use = REPLY },
	/* The invoice's. */
	{ .name = "currency", .type = F_CURRENCY, .at = LINE(currency) },
	FIELD_END,
};

const struct field invoice_fields[] = {
	{ "id", F_UUID, INVOICE(id), .use = REPLY },
	{ "number", F_TEXT, INVOICE(number), .use = REPLY | NULLABLE },
	{ "patientId", F_UUID, INVOICE(patient_id), .use = CREATE | REPLY | REQUIRED },
	{ "appointmentId", F_UUID, INVOICE(appointment_id), .use = REPLY | NULLABLE,
	  .help = "The booking that made it." },
	{ "status", F_ENUM, INVOICE(status), .choices = statuses, .use = REPLY },
	{ "amount", F_MONEY, INVOICE(amount), .use = CREATE | UPDATE | REPLY,
	  .help = "In a request: of one line without tax, in place of lines." },
	{ "remainingAmount", F_MONEY, INVOICE(remaining_amount), .use = REPLY },
	{ "currency", F_CURRENCY, INVOICE(currency), .use = CREATE | UPDATE | REPLY,
	  .help = "ISO 4217; the clinic's where absent." },
	{ "description", F_TEXT, INVOICE(description), .max = 255, .use = CREATE | UPDATE | REPLY | NULLABLE },
	{ "issuedAt", F_INSTANT, INVOICE(issued_at), .use = REPLY | NULLABLE },
	{ "dueDate", F_DATE, INVOICE(due_date), .use = CREATE | UPDATE | REPLY | NULLABLE,
	  .help = "Where absent, as many days after issue as the clinic's terms have." },
	{ "appointmentCancelled", F_BOOL, INVOICE(appointment_cancelled), .use = REPLY,
	  .help = "Only where true: the booking was cancelled." },
	{ "serviceCode", F_CODE, INVOICE(service_code), .max = SERVICE_CODE_MAX, .use = REPLY | NULLABLE },
	{ "subtotal", F_MONEY, INVOICE(subtotal), .use = REPLY, .help = "amount without tax" },
	{ "tax", F_MONEY, INVOICE(tax), .use = REPLY },
	{ "discount", F_MONEY, INVOICE(discount), .use = CREATE | UPDATE | REPLY,
	  .help = "On the whole, without tax: the lines share it." },
	{ "amountPaid", F_MONEY, INVOICE(amount_paid), .use = REPLY },
	{ "amountCredited", F_MONEY, INVOICE(amount_credited), .use = REPLY },
	{ "amountRefunded", F_MONEY, INVOICE(amount_refunded), .use = REPLY },
	{ "draft", F_BOOL, INVOICE(draft), .use = CREATE, .help = "true: not issued yet, and to be changed." },
	{ "lines", F_LIST, INVOICE(lines), .max = INVOICE_LINES_MAX, .use = CREATE | UPDATE | REPLY, .items = line_fields,
	  .item_size = sizeof(struct invoice_line), .help = "Only of a single invoice." },
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
