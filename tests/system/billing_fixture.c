#include "tests/system/billing_fixture.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/uuid.h"

struct ctx worker, rest, clerk, operator, super;

/* --- patients --- */

static enum rc
all_but_nobody(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)cx;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = strcmp(ids[i], NOBODY) != 0;
	return RC_OK;
}

static enum rc
no_answer(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)ids;
	(void)count;
	(void)ret_exist;
	return err_detail(cx, RC_UNAVAILABLE, "nobody there");
}

static enum rc
its_status(struct ctx *cx, const struct invoice *invoice, struct field_bytes *ret_payload)
{
	(void)cx;
	*ret_payload = (struct field_bytes){ .bytes = invoice->status, .length = strlen(invoice->status) };
	return RC_OK;
}

const struct billing_ports known_patients = { .patients_exist = all_but_nobody, .encode_invoice = its_status };
const struct billing_ports away = { .patients_exist = no_answer, .encode_invoice = its_status };

/* --- connections --- */

void
billing_setup(void)
{
	pgtest_connect(&worker, "medicore_billing_worker");
	pgtest_connect(&rest, "medicore_billing_rest");
	pgtest_connect(&clerk, "medicore_billing_grpc");
	pgtest_connect(&operator, "medicore_operator");
	pgtest_connect(&super, "postgres");
	run("truncate fee, service, invoice, invoice_line, invoice_series, payment, refund, credit_note, patient_credit, ledger, outbox, inbox, cancelled_appointment, dead_letters, idempotency"
	    " restart identity;"
	    "insert into service (code, description, price, currency)"
	    " values ('GP-1', 'Consultation', 8555, 'USD')");
}

void
billing_teardown(void)
{
	pgtest_disconnect(&worker);
	pgtest_disconnect(&rest);
	pgtest_disconnect(&clerk);
	pgtest_disconnect(&operator);
	pgtest_disconnect(&super);
}

/* --- what is in the tables --- */

void
run(const char *sql)
{
	enum rc rc = pg_script(&super, sql);

	ck_assert_msg(rc == RC_OK, "%s: %s", sql, super.err.detail);
}

static const char *
ask(const char *fmt, va_list ap)
{
	static const struct field answer[] = { { .name = "answer", .type = F_TEXT, .at = 0 }, FIELD_END };
	static unsigned counter;
	struct pg_stmt *stmt = arena_zalloc(super.arena, sizeof(*stmt));
	const char *query = arena_vprintf(super.arena, fmt, ap), *result = NULL;
	enum rc rc;

	stmt->name = arena_printf(super.arena, "ask%u", counter++);
	stmt->sql = arena_printf(super.arena, "select (%s)::text as answer", query);
	stmt->out = answer;
	rc = pg_fetch_one(&super, stmt, NULL, &result);
	ck_assert_msg(rc == RC_OK, "%s: %s", query, super.err.detail);
	return result;
}

int64_t
number(const char *fmt, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, fmt);
	answer = ask(fmt, ap);
	va_end(ap);
	ck_assert_ptr_nonnull(answer);
	return strtoll(answer, NULL, 10);
}

const char *
text(const char *fmt, ...)
{
	const char *answer;
	va_list ap;

	va_start(ap, fmt);
	answer = ask(fmt, ap);
	va_end(ap);
	return answer;
}

/* --- events --- */

const char *
new_id(void)
{
	char id[UUID_SIZE];

	uuid_new(id);
	return arena_strdup(super.arena, id);
}

static struct billing_event
event(const char *ce_id, const char *type, const char *appointment_id)
{
	struct event *e = arena_zalloc(super.arena, sizeof(*e));

	*e = (struct event){
		.topic = TOPIC_APPOINTMENT,
		.key = PATIENT,
		.id = ce_id == NULL ? new_id() : ce_id,
		.type = type,
		.source = "/scheduling",
		.time = "2026-11-01T04:58:59Z",
		.payload = "\x0a\x00\xff",
		.length = 3,
	};
	return (
	    struct billing_event){ .envelope = e, .appointment_id = appointment_id, .patient_id = PATIENT };
}

struct billing_event
booked(const char *ce_id, const char *appointment_id, const char *service_code)
{
	struct billing_event e = event(ce_id, TYPE_APPOINTMENT_BOOKED, appointment_id);

	e.kind = BOOKING_MADE;
	e.service_code = service_code;
	return e;
}

struct billing_event
cancelled(const char *ce_id, const char *appointment_id)
{
	struct billing_event e = event(ce_id, TYPE_APPOINTMENT_CANCELLED, appointment_id);

	e.kind = BOOKING_CANCELLED;
	e.notice_ms = INT64_MAX;
	return e;
}

struct billing_event
cancelled_before(const char *ce_id, const char *appointment_id, int64_t notice_ms)
{
	struct billing_event e = cancelled(ce_id, appointment_id);

	e.notice_ms = notice_ms;
	return e;
}

struct billing_event
not_shown(const char *ce_id, const char *appointment_id)
{
	struct billing_event e = event(ce_id, TYPE_APPOINTMENT_NO_SHOW, appointment_id);

	e.kind = BOOKING_NO_SHOW;
	return e;
}

struct billing_tally
take(const struct billing_event *events, size_t count)
{
	struct billing_tally tally;
	enum rc rc = billing_take(&worker, &known_patients, events, count, &tally);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, worker.err.detail);
	return tally;
}

struct billing_tally
take_one(struct billing_event e)
{
	return take(&e, 1);
}

/* --- all of it --- */

int
main(void)
{
	return pgtest_main("billing",
	    (Suite *[]){ events_suite(), fees_suite(), letters_suite(), invoices_suite(), services_suite(), money_suite(),
		numbers_suite(), overdue_suite(), takers_suite(), NULL });
}
