/* account_fields.c - what the members of accounts, statements and reports are. */
#include "domain/billing/account.h"
#include "domain/billing/states.h"

#define AGEING(member) offsetof(struct ageing, member)
#define BALANCE(member) offsetof(struct balance, member)
#define INVOICE(member) offsetof(struct invoice, member)
#define ENTRY(member) offsetof(struct statement_entry, member)
#define ROW(member) offsetof(struct revenue_row, member)

#define BUCKETS                                                                                              \
	{ "days0to30", F_MONEY, AGEING(days_0_to_30), .use = REPLY,                                          \
	  .help = "Also what isn't due yet." },                                                              \
	{ "days31to60", F_MONEY, AGEING(days_31_to_60), .use = REPLY },                                      \
	{ "days61to90", F_MONEY, AGEING(days_61_to_90), .use = REPLY },                                      \
	{ "daysOver90", F_MONEY, AGEING(days_over_90), .use = REPLY }

/* --- accounts --- */

static const struct field bucket_fields[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = AGEING(currency) },
	BUCKETS,
	FIELD_END,
};

static const struct field balance_fields[] = {
	{ "currency", F_CURRENCY, BALANCE(currency), .use = REPLY },
	{ "balance", F_MONEY, BALANCE(balance), .use = REPLY, .help = "What is owed; nothing that was written off." },
	{ "credit", F_MONEY, BALANCE(credit), .use = REPLY, .help = "What was paid too much, and can pay an invoice." },
	{ "openInvoices", F_INT, BALANCE(open_invoices), .use = REPLY },
	{ "ageing", F_GROUP, BALANCE(ageing), .use = REPLY, .items = bucket_fields,
	  .help = "The balance by days since it was due, as of today in the clinic's zone." },
	FIELD_END,
};

static const struct field open_invoice_fields[] = {
	{ "id", F_UUID, INVOICE(id), .use = REPLY },
	{ "number", F_TEXT, INVOICE(number), .use = REPLY | NULLABLE },
	{ "status", F_ENUM, INVOICE(status), .choices = invoice_state_names, .use = REPLY },
	{ "amount", F_MONEY, INVOICE(amount), .use = REPLY },
	{ "remainingAmount", F_MONEY, INVOICE(remaining_amount), .use = REPLY },
	{ "currency", F_CURRENCY, INVOICE(currency), .use = REPLY },
	{ "dueDate", F_DATE, INVOICE(due_date), .use = REPLY | NULLABLE },
	FIELD_END,
};

const struct field account_fields[] = {
	{ "patientId", F_UUID, offsetof(struct account, patient_id), .use = REPLY },
	{ "balances", F_LIST, offsetof(struct account, balances), .use = REPLY | EVEN_EMPTY, .items = balance_fields,
	  .item_size = sizeof(struct balance), .help = "One for each currency in which anything is owed or credited." },
	{ "invoices", F_LIST, offsetof(struct account, invoices), .use = REPLY | EVEN_EMPTY, .items = open_invoice_fields,
	  .item_size = sizeof(struct invoice), .help = "Those with something to pay, oldest first, at most 500." },
	FIELD_END,
};

/* --- statements --- */

#define PERIOD                                                                                               \
	{ "from", F_DATE, offsetof(struct period, from), .use = FILTER,                                      \
	  .help = "The first day, in the clinic's zone; the first of this year where absent." },             \
	{ "to", F_DATE, offsetof(struct period, to), .use = FILTER, .help = "The last day; today where absent." }

const struct field statement_filters[] = { PERIOD, FIELD_END };

const struct field statement_entry_fields[] = {
	{ "date", F_DATE, ENTRY(date), .use = REPLY },
	{ "kind", F_TEXT, ENTRY(kind), .use = REPLY,
	  .help = "ISSUE, PAYMENT, BOUNCE, VOID, WRITE_OFF, CREDIT_NOTE; in a file OPENING and CLOSING, too." },
	{ "invoiceNumber", F_TEXT, ENTRY(invoice_number), .use = REPLY | NULLABLE },
	{ "description", F_TEXT, ENTRY(description), .use = REPLY | NULLABLE },
	{ "method", F_TEXT, ENTRY(method), .use = REPLY | NULLABLE },
	{ "debit", F_MONEY, ENTRY(debit), .use = REPLY | NULLABLE },
	{ "credit", F_MONEY, ENTRY(credit), .use = REPLY | NULLABLE },
	{ "balance", F_MONEY, ENTRY(balance), .use = REPLY | SIGNED,
	  .help = "What is owed after it, less the patient's credit." },
	{ "currency", F_CURRENCY, ENTRY(currency), .use = REPLY },
	FIELD_END,
};

static const struct field statement_balance_fields[] = {
	{ "currency", F_CURRENCY, offsetof(struct statement_balance, currency), .use = REPLY },
	{ "opening", F_MONEY, offsetof(struct statement_balance, opening), .use = REPLY | SIGNED },
	{ "closing", F_MONEY, offsetof(struct statement_balance, closing), .use = REPLY | SIGNED },
	FIELD_END,
};

const struct field statement_fields[] = {
	{ "patientId", F_UUID, offsetof(struct statement, patient_id), .use = REPLY },
	{ "from", F_DATE, offsetof(struct statement, from), .use = REPLY },
	{ "to", F_DATE, offsetof(struct statement, to), .use = REPLY },
	{ "balances", F_LIST, offsetof(struct statement, balances), .use = REPLY | EVEN_EMPTY, .items = statement_balance_fields,
	  .item_size = sizeof(struct statement_balance) },
	{ "entries", F_LIST, offsetof(struct statement, entries), .use = REPLY | EVEN_EMPTY, .items = statement_entry_fields,
	  .item_size = sizeof(struct statement_entry) },
	FIELD_END,
};

/* --- reports --- */

static const char *const bys[] = { "day", "month", "service", "method", NULL };

const struct field revenue_filters[] = {
	PERIOD,
	{ "by", F_ENUM, offsetof(struct period, by), .choices = bys, .use = FILTER, .help = "Month where absent." },
	FIELD_END,
};

const struct field revenue_row_fields[] = {
	{ "key", F_TEXT, ROW(key), .use = REPLY | NULLABLE, .help = "The day, month, service or method." },
	{ "currency", F_CURRENCY, ROW(currency), .use = REPLY },
	{ "revenue", F_MONEY, ROW(revenue), .use = REPLY | NULLABLE | SIGNED,
	  .help = "Without tax, less what was voided, credited or refunded; null by method." },
	{ "tax", F_MONEY, ROW(tax), .use = REPLY | NULLABLE | SIGNED, .help = "Null by service and by method." },
	{ "received", F_MONEY, ROW(received), .use = REPLY | NULLABLE | SIGNED,
	  .help = "Paid, less what bounced; by method alone." },
	{ "refunds", F_MONEY, ROW(refunds), .use = REPLY | SIGNED,
	  .help = "What went back: with tax, but without it by service. Revenue and tax are less it already; received is not." },
	FIELD_END,
};

const struct field revenue_fields[] = {
	{ "from", F_DATE, offsetof(struct revenue, period.from), .use = REPLY },
	{ "to", F_DATE, offsetof(struct revenue, period.to), .use = REPLY },
	{ "by", F_ENUM, offsetof(struct revenue, period.by), .choices = bys, .use = REPLY },
	{ "rows", F_LIST, offsetof(struct revenue, rows), .use = REPLY | EVEN_EMPTY, .items = revenue_row_fields,
	  .item_size = sizeof(struct revenue_row) },
	FIELD_END,
};

const struct field ageing_fields[] = {
	{ "currency", F_CURRENCY, AGEING(currency), .use = REPLY },
	{ "openInvoices", F_INT, AGEING(open_invoices), .use = REPLY },
	BUCKETS,
	{ "total", F_MONEY, AGEING(total), .use = REPLY },
	FIELD_END,
};

const struct field ageing_report_fields[] = {
	{ "date", F_DATE, offsetof(struct ageing_report, date), .use = REPLY, .help = "Today, in the clinic's zone." },
	{ "rows", F_LIST, offsetof(struct ageing_report, rows), .use = REPLY | EVEN_EMPTY, .items = ageing_fields,
	  .item_size = sizeof(struct ageing) },
	FIELD_END,
};
