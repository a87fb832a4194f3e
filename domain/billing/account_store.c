/* account_store.c - what patients owe, in PostgreSQL. */
#include "domain/billing/account_store.h"

#include "lib/base/config.h"
#include "lib/pg/pg.h"

struct account_args {
	const char *patient_id, *today, *from, *to, *zone;
	int64_t max;
};

#define ARG(member) offsetof(struct account_args, member)

static const struct field args_fields[] = {
	{ .name = "patientId", .type = F_UUID, .at = ARG(patient_id) },
	{ .name = "today", .type = F_DATE, .at = ARG(today) },
	{ .name = "from", .type = F_DATE, .at = ARG(from) },
	{ .name = "to", .type = F_DATE, .at = ARG(to) },
	{ .name = "zone", .type = F_TEXT, .at = ARG(zone) },
	{ .name = "max", .type = F_INT, .at = ARG(max) },
	FIELD_END,
};

/* --- what is open --- */

#define BALANCE(member) offsetof(struct stored_balance, balance.member)

static const struct field balance_columns[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = BALANCE(currency) },
	{ .name = "total", .type = F_MONEY, .at = BALANCE(balance) },
	{ .name = "credit", .type = F_MONEY, .at = BALANCE(credit) },
	{ .name = "openInvoices", .type = F_INT, .at = BALANCE(open_invoices) },
	{ .name = "days0", .type = F_MONEY, .at = BALANCE(ageing.days_0_to_30) },
	{ .name = "days31", .type = F_MONEY, .at = BALANCE(ageing.days_31_to_60) },
	{ .name = "days61", .type = F_MONEY, .at = BALANCE(ageing.days_61_to_90) },
	{ .name = "days91", .type = F_MONEY, .at = BALANCE(ageing.days_over_90) },
	{ .name = "tooLarge", .type = F_BOOL, .at = offsetof(struct stored_balance, too_large) },
	FIELD_END,
};

/* The words of index invoice_open, so that it is used; what was written off is owed no more. */
#define OPEN "remaining_amount > 0 and status <> 'DRAFT' and status <> 'UNCOLLECTIBLE'"
#define LARGEST "9223372036854775807"
#define AMOUNT(sum) "least(coalesce(" sum ", 0), " LARGEST ")::bigint"
#define AGED(condition) AMOUNT("sum(remaining_amount) filter (where coalesce($2::date - due_date, 0) " condition ")")

static const struct pg_stmt balances = {
	.name = "account_balances",
	.kind = PG_READ,
	.sql = "select coalesce(o.currency, c.currency) as currency, coalesce(o.total, 0) as total,"
	       " coalesce(c.amount, 0) as credit, coalesce(o.open_invoices, 0) as open_invoices,"
	       " coalesce(o.days0, 0) as days0, coalesce(o.days31, 0) as days31, coalesce(o.days61, 0) as days61,"
	       " coalesce(o.days91, 0) as days91, coalesce(o.too_large, false) as too_large"
	       " from (select currency, " AMOUNT("sum(remaining_amount)") " as total, count(*) as open_invoices,"
	       " " AGED("<= 30") " as days0, " AGED("between 31 and 60") " as days31,"
	       " " AGED("between 61 and 90") " as days61, " AGED("> 90") " as days91,"
	       " sum(remaining_amount) > " LARGEST " as too_large"
	       " from invoice where patient_id = $1::uuid and " OPEN " group by currency) o"
	       " full join (select currency, amount from patient_credit where patient_id = $1::uuid and amount > 0) c"
	       " on c.currency = o.currency order by 1",
	.takes = "patientId today",
	.in = args_fields,
	.out = balance_columns,
};

enum rc
account_store_balances(
    struct ctx *cx, const char *patient_id, const char *today, struct stored_balance **ret_balances, size_t *ret_count)
{
	struct account_args args = { .patient_id = patient_id, .today = today };

	return pg_fetch_all(cx, &balances, &args, sizeof(**ret_balances), ret_balances, ret_count);
}

static const struct field open_columns[] = {
	{ .name = "id", .type = F_UUID, .at = offsetof(struct invoice, id) },
	{ .name = "number", .type = F_TEXT, .at = offsetof(struct invoice, number) },
	{ .name = "status", .type = F_TEXT, .at = offsetof(struct invoice, status) },
	{ .name = "amount", .type = F_MONEY, .at = offsetof(struct invoice, amount) },
	{ .name = "remainingAmount", .type = F_MONEY, .at = offsetof(struct invoice, remaining_amount) },
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct invoice, currency) },
	{ .name = "dueDate", .type = F_DATE, .at = offsetof(struct invoice, due_date) },
	FIELD_END,
};

static const struct pg_stmt open_invoices = {
	.name = "account_open",
	.kind = PG_READ,
	.sql = "select id, number, status, amount, remaining_amount, currency, due_date from invoice"
	       " where patient_id = $1::uuid and " OPEN " order by id limit $2::bigint",
	.takes = "patientId max",
	.in = args_fields,
	.out = open_columns,
};

enum rc
account_store_open(struct ctx *cx, const char *patient_id, struct invoice **ret_invoices, size_t *ret_count)
{
	struct account_args args = { .patient_id = patient_id, .max = ACCOUNT_INVOICES_MAX };

	return pg_fetch_all(cx, &open_invoices, &args, sizeof(**ret_invoices), ret_invoices, ret_count);
}

struct known {
	bool known;
};

static const struct field known_columns[] = {
	{ .name = "known", .type = F_BOOL, .at = offsetof(struct known, known) },
	FIELD_END,
};

static const struct pg_stmt is_known = {
	.name = "account_known",
	.kind = PG_LOOKUP,
	.sql = "select exists (select from invoice where patient_id = $1::uuid)"
	       " or exists (select from patient_credit where patient_id = $1::uuid) as known",
	.takes = "patientId",
	.in = args_fields,
	.out = known_columns,
};

enum rc
account_store_known(struct ctx *cx, const char *patient_id, bool *ret_known)
{
	struct account_args args = { .patient_id = patient_id };
	struct known answer;
	enum rc rc = pg_fetch_one(cx, &is_known, &args, &answer);

	if (rc == RC_OK)
		*ret_known = answer.known;
	return rc;
}

/* --- statements --- */

/* The moment at which a day begins in the clinic's zone. */
#define START_OF(day, zone) "((" day ")::timestamp at time zone " zone "::text)"
#define PERSONAL "account in ('RECEIVABLE', 'CREDIT')"

static const struct field opening_columns[] = {
	{ .name = "currency", .type = F_CURRENCY, .at = offsetof(struct stored_opening, currency) },
	{ .name = "opening", .type = F_MONEY, .at = offsetof(struct stored_opening, opening) },
	{ .name = "tooLarge", .type = F_BOOL, .at = offsetof(struct stored_opening, too_large) },
	FIELD_END,
};

static const struct pg_stmt opening = {
	.name = "statement_opening",
	.kind = PG_READ,
	.sql = "select currency, greatest(-" LARGEST ", least(sum(amount), " LARGEST "))::bigint as opening,"
	       " abs(sum(amount)) > " LARGEST " as too_large from ledger"
	       " where patient_id = $1::uuid and " PERSONAL " and at < " START_OF("$2::date", "$3")
	       " group by currency order by currency",
	.takes = "patientId from zone",
	.in = args_fields,
	.out = opening_columns,
};

enum rc
account_store_opening(
    struct ctx *cx, const char *patient_id, const char *from, struct stored_opening **ret_openings, size_t *ret_count)
{
	struct account_args args = { .patient_id = patient_id, .from = from, .zone = config->scheduling.zone };

	return pg_fetch_all(cx, &opening, &args, sizeof(**ret_openings), ret_openings, ret_count);
}

#define ENTRY(member) offsetof(struct statement_entry, member)

static const struct field entry_columns[] = {
	{ .name = "date", .type = F_DATE, .at = ENTRY(date) },
	{ .name = "kind", .type = F_TEXT, .at = ENTRY(kind) },
	{ .name = "invoiceNumber", .type = F_TEXT, .at = ENTRY(invoice_number) },
	{ .name = "description", .type = F_TEXT, .at = ENTRY(description) },
	{ .name = "method", .type = F_TEXT, .at = ENTRY(method) },
	{ .name = "debit", .type = F_MONEY, .at = ENTRY(debit) },
	{ .name = "credit", .type = F_MONEY, .at = ENTRY(credit) },
	{ .name = "currency", .type = F_CURRENCY, .at = ENTRY(currency) },
	FIELD_END,
};

/*
 * What a patient pays or gets without owing more or less by it: a refund, and money for what was written off.  A statement shows it on both
 * sides, as it does a payment out of credit.
 */
#define THROUGH                                                                                              \
	"((kind = 'REFUND' and account not in ('REVENUE', 'TAX', 'CREDIT'))"                                  \
	" or (kind in ('PAYMENT', 'BOUNCE') and account = 'WRITE_OFF'))"
#define SIDE(sign)                                                                                           \
	"nullif(coalesce(sum(abs(amount)) filter (where " THROUGH " or (" PERSONAL " and amount " sign " 0)), 0), 0)::bigint"

/* A line for each posting: what is paid too much shows with what it paid. */
static const struct pg_stmt entries = {
	.name = "statement_entries",
	.kind = PG_READ,
	.sql = "select (l.at at time zone $4::text)::date as date, l.kind, i.number as invoice_number, i.description, p.method,"
	       " l.debit, l.credit, l.currency"
	       " from (select posting, kind, currency, invoice_id, payment_id, min(at) as at, min(seq) as seq,"
	       " " SIDE(">") " as debit, " SIDE("<") " as credit"
	       " from ledger where patient_id = $1::uuid and (" PERSONAL " or " THROUGH ")"
	       " and at >= " START_OF("$2::date", "$4") " and at < " START_OF("$3::date + 1", "$4")
	       " group by posting, kind, currency, invoice_id, payment_id order by at, seq limit $5::bigint) l"
	       " join invoice i on i.id = l.invoice_id left join payment p on p.id = l.payment_id order by l.at, l.seq",
	.takes = "patientId from to zone max",
	.in = args_fields,
	.out = entry_columns,
};

enum rc
account_store_entries(struct ctx *cx, const char *patient_id, const char *from, const char *to, int64_t max,
    struct statement_entry **ret_entries, size_t *ret_count)
{
	struct account_args args = {
		.patient_id = patient_id, .from = from, .to = to, .zone = config->scheduling.zone, .max = max
	};

	return pg_fetch_all(cx, &entries, &args, sizeof(**ret_entries), ret_entries, ret_count);
}
