/* The overdue sweep: what it marks, when a day ends, and that each event is told once. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "tests/system/billing_fixture.h"

static struct ctx relay, other;

static void
setup(void)
{
	billing_setup();
	pgtest_connect(&relay, "medicore_billing_relay");
	pgtest_connect(&other, "medicore_billing_relay");
}

static void
teardown(void)
{
	pgtest_disconnect(&relay);
	pgtest_disconnect(&other);
	billing_teardown();
}

/* due: SQL.  A PARTIALLY_PAID one has 40 of its 100 paid, a PAID one all. */
static void
owed(int count, const char *status, int amount, const char *due)
{
	run(arena_printf(super.arena,
	    "insert into invoice (id, patient_id, status, amount, subtotal, amount_paid, remaining_amount, currency, due_date)"
	    " select gen_random_uuid(), '" PATIENT "', s, a, a, p, case s when 'VOID' then 0 else a - p end, 'USD', %s"
	    " from generate_series(1, %d), lateral (select '%s' as s, %d as a) x,"
	    " lateral (select case s when 'PAID' then a when 'PARTIALLY_PAID' then 40 else 0 end as p) y",
	    due, count, status, amount));
}

static size_t
sweep(const char *today, size_t max)
{
	size_t marked = 99;
	enum rc rc = invoice_sweep_overdue(&relay, &known_patients, today, max, &marked);

	ck_assert_msg(rc == RC_OK, "%s: %s", rc_meaning(rc)->name, relay.err.detail);
	return marked;
}

START_TEST(what_is_owed_and_past_due_is_marked_and_told)
{
	struct event *events;
	int64_t *seqs;
	size_t count;

	owed(1, "ISSUED", 100, "'2026-03-02'");
	owed(1, "PARTIALLY_PAID", 100, "'2026-03-02'");
	owed(1, "ISSUED", 200, "'2026-03-03'");
	ck_assert_uint_eq(sweep("2026-03-03", 10), 2);
	ck_assert_int_eq(number("select count(*) from invoice where status = 'OVERDUE' and version = 2"), 2);
	ck_assert_int_eq(number("select remaining_amount from invoice where status = 'OVERDUE' and amount_paid = 40"), 60);
	ck_assert_str_eq(text("select status from invoice where amount = 200"), "ISSUED");
	ck_assert_int_eq(outbox_pending(&relay, &billing_outbox, 10, &events, &seqs, &count), RC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(events[0].topic, "medicore.invoice.v1");
	ck_assert_str_eq(events[0].source, "/medicore/billing");
	ck_assert_str_eq(events[0].type, "medicore.invoice.overdue.v1");
	ck_assert_str_eq(events[0].key, PATIENT);
	ck_assert_int_eq(
	    number("select count(*) from outbox join invoice i on headers->>'invoice_id' = i.id::text and aggregatetype = 'invoice'"), 2);
	ck_assert_uint_eq(sweep("2026-03-03", 10), 0);
	ck_assert_uint_eq(sweep("2026-03-04", 10), 1);
}
END_TEST

static const struct {
	const char *status;
	int amount;
} never[] = {
	{ "DRAFT", 100 },
	{ "ISSUED", 0 },
	{ "PAID", 100 },
	{ "OVERDUE", 100 },
	{ "VOID", 100 },
	{ "UNCOLLECTIBLE", 100 },
};

START_TEST(what_nobody_owes_is_never_overdue)
{
	owed(1, never[_i].status, never[_i].amount, "'2026-03-02'");
	ck_assert_uint_eq(sweep("2027-03-03", 10), 0);
	ck_assert_str_eq(text("select status from invoice"), never[_i].status);
	ck_assert_int_eq(number("select count(*) from outbox"), 0);
}
END_TEST

START_TEST(without_a_due_date_nothing_is_due)
{
	owed(1, "ISSUED", 100, "null");
	ck_assert_uint_eq(sweep("2027-03-03", 10), 0);
}
END_TEST

/* It is never the same day in both. */
#define PAGO_PAGO "(now() at time zone 'Pacific/Pago_Pago')::date"

START_TEST(day_ends_when_it_does_in_the_clinics_zone)
{
	owed(1, "ISSUED", 100, PAGO_PAGO);
	setenv("MEDICORE__SCHEDULING__ZONE", "Pacific/Pago_Pago", 1);
	ck_assert(config_load("/dev/null"));
	ck_assert_uint_eq(sweep(NULL, 10), 0);
	setenv("MEDICORE__SCHEDULING__ZONE", "Pacific/Kiritimati", 1);
	ck_assert(config_load("/dev/null"));
	ck_assert_uint_eq(sweep(NULL, 10), 1);
}
END_TEST

START_TEST(what_is_being_paid_is_left_to_the_next_sweep)
{
	owed(2, "ISSUED", 100, "'2026-03-02'");
	ck_assert_int_eq(pg_begin(&super), RC_OK);
	run("update invoice set status = 'PAID', amount_paid = 100, remaining_amount = 0 where id = (select min(id::text)::uuid from invoice)");
	ck_assert_uint_eq(sweep("2026-03-03", 10), 1);
	ck_assert_int_eq(pg_end(&super, RC_INVALID), RC_INVALID);
	ck_assert_uint_eq(sweep("2026-03-03", 10), 1);
}
END_TEST

static enum rc
no_encoder(struct ctx *cx, const struct invoice *invoice, struct field_bytes *ret_payload)
{
	(void)invoice;
	(void)ret_payload;
	return err_detail(cx, RC_INTERNAL, "no encoder");
}

START_TEST(without_its_event_nothing_is_marked)
{
	static const struct billing_ports mute = { .encode_invoice = no_encoder };
	size_t marked;

	owed(1, "ISSUED", 100, "'2026-03-02'");
	ck_assert_int_eq(invoice_sweep_overdue(&relay, &mute, "2026-03-03", 10, &marked), RC_INTERNAL);
	ck_assert_str_eq(text("select status from invoice"), "ISSUED");
}
END_TEST

#define MANY 2000

static void *
sweep_all(void *arg)
{
	size_t marked = 50, sum = 0;
	struct ctx *cx = arg;

	while (marked == 50) {
		if (invoice_sweep_overdue(cx, &known_patients, "2026-03-03", 50, &marked) != RC_OK)
			return NULL;
		sum += marked;
	}
	return (void *)(uintptr_t)sum;
}

START_TEST(two_at_once_tell_each_invoice_once)
{
	uintptr_t mine, others;
	pthread_t thread;
	void *ended;

	owed(MANY, "ISSUED", 100, "'2026-03-02'");
	ck_assert_int_eq(pthread_create(&thread, NULL, sweep_all, &other), 0);
	mine = (uintptr_t)sweep_all(&relay);
	ck_assert_int_eq(pthread_join(thread, &ended), 0);
	others = (uintptr_t)ended;
	mine += sweep("2026-03-03", MANY);
	ck_assert_uint_eq(mine + others, MANY);
	ck_assert_int_eq(number("select count(*) from invoice where status = 'OVERDUE' and version = 2"), MANY);
	ck_assert_int_eq(number("select count(*) from outbox"), MANY);
	ck_assert_int_eq(number("select count(distinct headers->>'invoice_id') from outbox"), MANY);
}
END_TEST

Suite *
overdue_suite(void)
{
	Suite *suite = suite_create("overdue");
	TCase *tc = tcase_create("overdue");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_is_owed_and_past_due_is_marked_and_told);
	tcase_add_loop_test(tc, what_nobody_owes_is_never_overdue, 0, COUNT(never));
	tcase_add_test(tc, without_a_due_date_nothing_is_due);
	tcase_add_test(tc, day_ends_when_it_does_in_the_clinics_zone);
	tcase_add_test(tc, what_is_being_paid_is_left_to_the_next_sweep);
	tcase_add_test(tc, without_its_event_nothing_is_marked);
	tcase_add_test(tc, two_at_once_tell_each_invoice_once);
	suite_add_tcase(suite, tc);
	return suite;
}
