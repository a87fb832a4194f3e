#include "tests/system/billing_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"

struct ctx worker, rest, clerk, operator, super;

static char database[64];

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

const struct billing_ports known_patients = { .patients_exist = all_but_nobody };
const struct billing_ports away = { .patients_exist = no_answer };

/* --- connections --- */

void
billing_connect(struct ctx *cx, const char *role)
{
	struct pg *pg = pg_open(database, role);

	ck_assert_ptr_nonnull(pg);
	ctx_init(cx, arena_new(), pg);
	ck_assert_int_eq(pg_connect(cx), RC_OK);
}

void
billing_disconnect(struct ctx *cx)
{
	pg_close(cx->pg);
	arena_free(cx->arena);
}

void
billing_setup(void)
{
	billing_connect(&worker, "medicore_billing_worker");
	billing_connect(&rest, "medicore_billing_rest");
	billing_connect(&clerk, "medicore_billing_grpc");
	billing_connect(&operator, "medicore_operator");
	billing_connect(&super, "postgres");
	run("truncate service, invoice, inbox, cancelled_appointment, dead_letters, idempotency"
	    " restart identity;"
	    "insert into service (code, description, price, currency)"
	    " values ('GP-1', 'Consultation', 8555, 'USD')");
}

void
billing_teardown(void)
{
	billing_disconnect(&worker);
	billing_disconnect(&rest);
	billing_disconnect(&clerk);
	billing_disconnect(&operator);
	billing_disconnect(&super);
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

/* --- the server --- */

static void
psql(const char *db, const char *arguments)
{
	char command[1024];

	snprintf(command, sizeof(command), "psql -qX -v ON_ERROR_STOP=1 -U postgres -d %s %s", db, arguments);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

/* PGHOST and PGPORT say where a server is that takes anybody (tests/lib/with-postgres). */
int
main(void)
{
	const char *host = getenv("PGHOST"), *port = getenv("PGPORT");
	char arguments[512];
	SRunner *runner;
	int failed;

	if (host == NULL) {
		fputs("PGHOST is not set: run this by tests/lib/with-postgres\n", stderr);
		return 77;
	}
	setenv("MEDICORE__DATABASE__HOST", host, 1);
	setenv("MEDICORE__DATABASE__PORT", port == NULL ? "5432" : port, 1);
	if (!config_load("/dev/null"))
		return EXIT_FAILURE;
	snprintf(database, sizeof(database), "billing_pgtest_%d", (int)getpid());
	snprintf(arguments, sizeof(arguments), "-c 'create database %s'", database);
	psql("postgres", arguments);
	/* roles.sql runs after the migrator has made its own table. */
	psql(database,
	    "-c 'create table schema_migration (number integer)' -f '" TOP_SRCDIR "/db/billing/roles.sql'"
	    " -f '" TOP_SRCDIR "/db/billing/0001_invoices.sql'");

	runner = srunner_create(events_suite());
	srunner_add_suite(runner, letters_suite());
	srunner_add_suite(runner, invoices_suite());
	srunner_add_suite(runner, services_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	snprintf(arguments, sizeof(arguments), "-c 'drop database %s with (force)'", database);
	psql("postgres", arguments);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
