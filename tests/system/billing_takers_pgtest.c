/* Events among several threads (worker/takers.h), on a real PostgreSQL. */
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "proto/events.pb-c.h"
#include "tests/system/billing_fixture.h"
#include "worker/billing_worker.h"
#include "worker/takers.h"

#define BATCH 10
#define PATIENTS 20 /* enough for either thread to have some */
#define DELIVERY (PATIENTS * 3)

static struct takers *takers;
static struct ctx cx;
static char patients[PATIENTS][UUID_SIZE];

/* What becomes of batches with the first patient: how they fail, or wait; the others are counted. */
static _Atomic enum rc first_fails;
static atomic_bool first_waits;
static atomic_int asked_without;

static bool
has_first(const char *const *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(ids[i], patients[0]) == 0)
			return true;
	return false;
}

static enum rc
all_exist(struct ctx *asking, const char *const *ids, size_t count, bool *ret_exist)
{
	bool first = has_first(ids, count);

	while (first && atomic_load(&first_waits))
		sched_yield();
	memset(ret_exist, true, count * sizeof(*ret_exist));
	atomic_fetch_add(&asked_without, !first);
	return first && first_fails != RC_OK ? err_detail(asking, first_fails, "the first patient") : RC_OK;
}

static struct billing_ports ports;

static void
setup(void)
{
	billing_setup();
	setenv("MEDICORE__EVENTS__BATCH", "10", 1);
	ck_assert(config_load("/dev/null"));
	ports = known_patients;
	ports.patients_exist = all_exist;
	for (size_t i = 0; i < PATIENTS; i++)
		snprintf(patients[i], sizeof(patients[i]), "0198f000-0000-7000-8000-%012zx", 0x1000 + i); /* so that it is always the same thread's */
	log_level_set(LOG_ERROR);
	ctx_init(&cx, arena_new(), NULL);
	takers = takers_start(&ports);
	ck_assert_ptr_nonnull(takers);
}

static void
teardown(void)
{
	takers_stop(takers);
	arena_free(cx.arena);
	billing_teardown();
}

static struct event
event_of(const char *type, const char *patient, const ProtobufCMessage *m)
{
	size_t length = protobuf_c_message_get_packed_size(m);
	uint8_t *payload = arena_alloc(super.arena, length + 1);

	protobuf_c_message_pack(m, payload);
	return (struct event){ .topic = TOPIC_APPOINTMENT, .key = patient, .id = new_id(), .type = type, .source = "/test",
		.time = "2026-11-01T04:58:59Z", .payload = payload, .length = length };
}

static struct event
booking(const char *patient, const char *appointment)
{
	static char service[] = "GP-1";
	Medicore__V1__AppointmentBooked m = MEDICORE__V1__APPOINTMENT_BOOKED__INIT;

	m.appointment_id = (char *)(uintptr_t)appointment;
	m.patient_id = (char *)(uintptr_t)patient;
	m.service_code = service;
	return event_of(TYPE_APPOINTMENT_BOOKED, patient, &m.base);
}

static struct event
cancellation(const char *patient, const char *appointment)
{
	Medicore__V1__AppointmentCancelled m = MEDICORE__V1__APPOINTMENT_CANCELLED__INIT;

	m.appointment_id = (char *)(uintptr_t)appointment;
	m.patient_id = (char *)(uintptr_t)patient;
	return event_of(TYPE_APPOINTMENT_CANCELLED, patient, &m.base);
}

static struct event *
bookings(void)
{
	struct event *events = arena_alloc(super.arena, DELIVERY * sizeof(*events));

	for (size_t i = 0; i < DELIVERY; i++)
		events[i] = booking(patients[i % PATIENTS], new_id());
	return events;
}

/* As a consumer of a log gives them: in memory that is used again. */
static void
give(const struct event *events, size_t count, bool alone)
{
	takers_give(takers, arena_copy(takers_room(takers), events, count * sizeof(*events)), count, alone);
}

static size_t
await_all(enum rc expected)
{
	size_t done;
	enum rc rc = takers_await(&cx, takers, 0, &done);

	ck_assert_msg(rc == expected, "%s: %s", rc_meaning(rc)->name, cx.err.detail == NULL ? "-" : cx.err.detail);
	return done;
}

static void
each_once(const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_int_eq(number("select count(*) from inbox where ce_id = '%s'", events[i].id), 1);
}

START_TEST(what_one_failed_at_comes_again_and_what_the_other_did_is_known)
{
	struct event *one = bookings(), *two = bookings();
	int64_t before;

	first_waits = true;
	first_fails = RC_UNAVAILABLE;
	give(one, DELIVERY, false);
	give(two, DELIVERY, false);
	while (atomic_load(&asked_without) < 2) /* who asks for a second batch has committed the first */
		;
	first_waits = false;
	ck_assert_uint_eq(await_all(RC_UNAVAILABLE), 0);
	ck_assert_str_eq(cx.err.detail, "the first patient");
	before = number("select count(*) from invoice");
	ck_assert_int_ge(before, BATCH);
	ck_assert_int_lt(before, 2 * DELIVERY);
	ck_assert_int_eq(number("select count(*) from invoice where patient_id = '%s'", patients[0]), 0);
	takers_drop(takers);
	ck_assert_uint_eq(takers_in_hand(takers), 0);
	first_fails = RC_OK;
	give(one, DELIVERY, true);
	ck_assert_uint_eq(await_all(RC_OK), 1);
	give(two, DELIVERY, false);
	ck_assert_uint_eq(await_all(RC_OK), 1);
	ck_assert_int_eq(number("select count(*) from invoice"), 2 * DELIVERY);
	ck_assert_int_eq(number("select count(distinct appointment_id) from invoice"), 2 * DELIVERY);
	each_once(one, DELIVERY);
	each_once(two, DELIVERY);
}
END_TEST

START_TEST(a_delivery_is_done_after_those_before_it_though_its_own_events_are)
{
	struct event first = booking(patients[0], new_id()), other = first;
	size_t done;

	first_waits = true;
	give(&first, 1, false);
	give(bookings(), DELIVERY, false); /* of those without an event of the first */
	while (number("select count(*) from invoice") == 0)
		;
	other = booking(text("select patient_id from invoice limit 1"), new_id());
	give(&other, 1, false);
	while (number("select count(*) from inbox where ce_id = '%s'", other.id) == 0)
		;
	ck_assert_int_eq(takers_await(&cx, takers, 3, &done), RC_OK);
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(takers_in_hand(takers), 3);
	first_waits = false;
	ck_assert_uint_eq(await_all(RC_OK), 3);
	ck_assert_int_eq(number("select count(*) from invoice"), DELIVERY + 2);
}
END_TEST

/* So a consumer of the invoices' events sees none voided that was not issued. */
START_TEST(a_cancellation_waits_for_its_booking_and_not_for_others)
{
	struct event *made = bookings(), *gone = arena_alloc(super.arena, DELIVERY * sizeof(*gone));

	for (size_t i = 0; i < DELIVERY; i++) {
		const char *appointment = new_id();

		made[i] = booking(patients[i % PATIENTS], appointment);
		gone[(i + 1) % DELIVERY] = cancellation(patients[i % PATIENTS], appointment);
	}
	first_waits = true;
	give(made, DELIVERY, false);
	give(bookings(), DELIVERY, false); /* so many that none is cancelled in the batch that books it */
	give(gone, DELIVERY, false);
	while (number("select count(*) from cancelled_appointment") == 0)
		;
	first_waits = false;
	ck_assert_uint_eq(await_all(RC_OK), 3);
	ck_assert_int_eq(number("select count(*) from invoice where status = 'VOID'"), DELIVERY);
	ck_assert_int_eq(number("select count(*) from invoice where status = 'ISSUED'"), DELIVERY);
	ck_assert_int_eq(number("select count(*) from outbox i join outbox v on v.headers->>'invoice_id' = i.headers->>'invoice_id'"
				" where i.type = '" TYPE_INVOICE_ISSUED "' and v.type = '" TYPE_INVOICE_VOIDED "' and i.seq < v.seq"),
	    DELIVERY);
}
END_TEST

START_TEST(what_fails_again_and_again_is_taken_one_by_one)
{
	struct event *one = bookings();

	first_fails = RC_INTERNAL;
	for (int i = 0; i < 5; i++) {
		give(one, BATCH, true);
		ck_assert_uint_eq(await_all(RC_INTERNAL), 0);
		takers_drop(takers);
		ck_assert_int_eq(number("select count(*) from invoice"), 0);
	}
	give(one, BATCH, true);
	ck_assert_uint_eq(await_all(RC_INTERNAL), 0);
	takers_drop(takers);
	ck_assert_int_eq(number("select count(*) from invoice"), BATCH - 1);
	first_fails = RC_OK;
	give(one, DELIVERY, true);
	ck_assert_uint_eq(await_all(RC_OK), 1);
	ck_assert_int_eq(number("select count(*) from invoice"), DELIVERY);
	each_once(one, DELIVERY);
}
END_TEST

START_TEST(few_events_need_one_connection)
{
	static const char connections[] = "select count(*) from pg_stat_activity where datname = current_database() and usename = '"
					  BILLING_WORKER_ROLE "'";
	int64_t before = number(connections);
	struct event *one = bookings();

	give(one, DELIVERY, true);
	await_all(RC_OK);
	ck_assert_int_eq(number(connections), before);
	give(bookings(), DELIVERY, false);
	await_all(RC_OK);
	ck_assert_int_eq(number(connections), before + 1);
}
END_TEST

Suite *
takers_suite(void)
{
	Suite *suite = suite_create("takers");
	TCase *t = tcase_create("takers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 20);
	tcase_add_test(t, what_one_failed_at_comes_again_and_what_the_other_did_is_known);
	tcase_add_test(t, a_delivery_is_done_after_those_before_it_though_its_own_events_are);
	tcase_add_test(t, a_cancellation_waits_for_its_booking_and_not_for_others);
	tcase_add_test(t, what_fails_again_and_again_is_taken_one_by_one);
	tcase_add_test(t, few_events_need_one_connection);
	suite_add_tcase(suite, t);
	return suite;
}
