#include <string.h>

#include "domain/billing/billing.h"
#include "domain/scheduling/scheduling.h"
#include "proto/events.pb-c.h"
#include "tests/unit/worker/suites.h"
#include "worker/event_codec.h"

#define APPOINTMENT "0190f3a1-0000-7000-8000-000000000001"
#define PATIENT "0190f3a1-0000-7000-8000-000000000002"
#define PROVIDER "0190f3a1-0000-7000-8000-000000000003"

static struct arena *arena;
static struct ctx cx;

static void
setup(void)
{
	arena = arena_new();
	ctx_init(&cx, arena, NULL);
}

static void
teardown(void)
{
	arena_free(arena);
}

static struct appointment
booked(void)
{
	return (struct appointment){
		.id = APPOINTMENT,
		.patient_id = PATIENT,
		.provider_id = PROVIDER,
		.service_code = "GP-1",
		.status = "BOOKED",
		.starts_at = { 1764583200123999, true },
		.ends_at = { 1764584400000000, true },
		.zone = "Europe/Vienna",
		.version = 3,
	};
}

static struct event
event_of(const char *type, const void *payload, size_t length)
{
	return (struct event){
		.topic = TOPIC_APPOINTMENT,
		.key = PATIENT,
		.id = "0190f3a1-0000-7000-8000-00000000000e",
		.type = type,
		.payload = payload,
		.length = length,
	};
}

START_TEST(a_booking_has_the_numbers_of_the_contract)
{
	struct appointment a = booked();
	struct field_bytes payload;
	Medicore__V1__AppointmentBooked *m;

	ck_assert_int_eq(event_encode_booked(&cx, &a, &payload), RC_OK);
	ck_assert_mem_eq(
	    payload.bytes, "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x1a\x24" PROVIDER "\x22\x04GP-1", 120);
	m = medicore__v1__appointment_booked__unpack(NULL, payload.length, payload.bytes);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(m->starts_at_ms, 1764583200123);
	ck_assert_int_eq(m->ends_at_ms, 1764584400000);
	ck_assert_str_eq(m->zone, "Europe/Vienna");
	ck_assert_uint_eq(m->version, 3);
	medicore__v1__appointment_booked__free_unpacked(m, NULL);
}
END_TEST

START_TEST(a_cancellation_has_the_numbers_of_the_contract)
{
	struct appointment a = booked();
	struct field_bytes payload;
	static const char wanted[] = "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x1a\x03ill\x20\x03"
				     "\x28\xfb\xaa\xeb\xca\xad\x33\x30\x80\xc9\xb4\xcb\xad\x33";

	a.cancel_reason = "ill";
	a.cancelled_at = a.ends_at;
	ck_assert_int_eq(event_encode_cancelled(&cx, &a, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, sizeof(wanted) - 1);
	ck_assert_mem_eq(payload.bytes, wanted, sizeof(wanted) - 1);
}
END_TEST

START_TEST(a_move_has_the_numbers_of_the_contract)
{
	struct appointment a = booked();
	struct field_bytes payload;
	static const char wanted[] = "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x18\xfb\xaa\xeb\xca\xad\x33\x20\x80\xc9\xb4\xcb\xad\x33\x28\x03";

	ck_assert_int_eq(event_encode_rescheduled(&cx, &a, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, sizeof(wanted) - 1);
	ck_assert_mem_eq(payload.bytes, wanted, sizeof(wanted) - 1);
}
END_TEST

static enum rc (*const visits[])(struct ctx *, const struct appointment *, struct field_bytes *) = {
	event_encode_checked_in,
	event_encode_completed,
	event_encode_no_show,
};

START_TEST(a_visit_has_the_numbers_of_the_contract)
{
	struct appointment a = booked();
	struct field_bytes payload;
	static const char wanted[] = "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x18\x03";

	ck_assert_int_eq(visits[_i](&cx, &a, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, sizeof(wanted) - 1);
	ck_assert_mem_eq(payload.bytes, wanted, sizeof(wanted) - 1);
}
END_TEST

START_TEST(an_invoice_has_the_numbers_of_the_contract)
{
	struct invoice i = {
		.id = APPOINTMENT,
		.patient_id = PATIENT,
		.appointment_id = PROVIDER,
		.status = "PAID",
		.currency = "USD",
		.amount = { .minor = INT64_MAX, .known = true },
		.remaining_amount = { .minor = 1, .known = true },
		.amount_paid = { .minor = 2, .known = true },
		.amount_refunded = { .minor = 3, .known = true },
		.due_date = "2026-12-01",
		.version = 4,
	};
	static const char wanted[] = "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x1a\x24" PROVIDER "\x22\x04PAID\x2a\x03USD"
				     "\x30\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x38\x01\x40\x02\x48\x03\x52\x0a" "2026-12-01\x58\x04";
	struct field_bytes payload;

	ck_assert_int_eq(event_encode_invoice(&cx, &i, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, sizeof(wanted) - 1);
	ck_assert_mem_eq(payload.bytes, wanted, sizeof(wanted) - 1);
	i = (struct invoice){ .id = APPOINTMENT, .patient_id = PATIENT };
	ck_assert_int_eq(event_encode_invoice(&cx, &i, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, 2 * 38);
}
END_TEST

START_TEST(what_an_appointment_has_not_is_left_out)
{
	struct appointment a = { .id = APPOINTMENT, .patient_id = PATIENT };
	struct field_bytes payload;

	ck_assert_int_eq(event_encode_booked(&cx, &a, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, 2 * 38);
	ck_assert_int_eq(event_encode_cancelled(&cx, &a, &payload), RC_OK);
	ck_assert_uint_eq(payload.length, 2 * 38);
}
END_TEST

static const struct {
	int64_t us, ms;
} times[] = {
	{ 0, 0 },
	{ 999, 0 },
	{ 1000, 1 },
	{ -1, -1 },
	{ -1000, -1 },
	{ -1001, -2 },
};

START_TEST(microseconds_become_milliseconds_rounded_down)
{
	struct appointment a = booked();
	struct field_bytes payload;
	Medicore__V1__AppointmentBooked *m;

	a.starts_at.us = times[_i].us;
	ck_assert_int_eq(event_encode_booked(&cx, &a, &payload), RC_OK);
	m = medicore__v1__appointment_booked__unpack(NULL, payload.length, payload.bytes);
	ck_assert_int_eq(m->starts_at_ms, times[_i].ms);
	medicore__v1__appointment_booked__free_unpacked(m, NULL);
}
END_TEST

START_TEST(what_was_booked_is_read_back)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;
	struct event e;

	event_encode_booked(&cx, &a, &payload);
	e = event_of(TYPE_APPOINTMENT_BOOKED, payload.bytes, payload.length);
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.kind, BOOKING_MADE);
	ck_assert_ptr_eq(read.envelope, &e);
	ck_assert_str_eq(read.appointment_id, APPOINTMENT);
	ck_assert_str_eq(read.patient_id, PATIENT);
	ck_assert_str_eq(read.service_code, "GP-1");
}
END_TEST

START_TEST(what_was_cancelled_is_read_back)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;
	struct event e;

	event_encode_cancelled(&cx, &a, &payload);
	e = event_of(TYPE_APPOINTMENT_CANCELLED, payload.bytes, payload.length);
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.kind, BOOKING_CANCELLED);
	ck_assert_str_eq(read.appointment_id, APPOINTMENT);
	ck_assert_str_eq(read.patient_id, PATIENT);
}
END_TEST

static const struct {
	int64_t starts_us, cancelled_us, notice_ms;
} notices[] = {
	{ 5000000, 2000000, 3000 },
	{ 2000000, 5000000, -3000 },
	{ 2000000, 2000000, 0 },
	{ 1000, -1000, 2 },
	{ 0, 5000000, INT64_MAX }, /* older messages say neither */
	{ 5000000, 0, INT64_MAX },
	{ 0, 0, INT64_MAX },
};

START_TEST(a_cancellation_says_how_long_before_its_start_it_came)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;
	struct event e;

	a.starts_at.us = notices[_i].starts_us;
	a.cancelled_at.us = notices[_i].cancelled_us;
	event_encode_cancelled(&cx, &a, &payload);
	e = event_of(TYPE_APPOINTMENT_CANCELLED, payload.bytes, payload.length);
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.notice_ms, notices[_i].notice_ms);
}
END_TEST

START_TEST(times_too_far_apart_for_a_number_say_nothing)
{
	Medicore__V1__AppointmentCancelled m = MEDICORE__V1__APPOINTMENT_CANCELLED__INIT;
	char appointment[] = APPOINTMENT, patient[] = PATIENT;
	struct billing_event read;
	uint8_t bytes[256];
	struct event e;

	m.appointment_id = appointment;
	m.patient_id = patient;
	m.starts_at_ms = INT64_MIN;
	m.cancelled_at_ms = INT64_MAX;
	ck_assert_uint_lt(medicore__v1__appointment_cancelled__get_packed_size(&m), sizeof(bytes));
	e = event_of(TYPE_APPOINTMENT_CANCELLED, bytes, medicore__v1__appointment_cancelled__pack(&m, bytes));
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.notice_ms, INT64_MAX);
}
END_TEST

START_TEST(who_did_not_come_is_read_back)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;
	struct event e;

	event_encode_no_show(&cx, &a, &payload);
	e = event_of(TYPE_APPOINTMENT_NO_SHOW, payload.bytes, payload.length);
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.kind, BOOKING_NO_SHOW);
	ck_assert_str_eq(read.appointment_id, APPOINTMENT);
	ck_assert_str_eq(read.patient_id, PATIENT);
	e.length--;
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_MALFORMED);
}
END_TEST

static const char *const others[] = { TYPE_APPOINTMENT_RESCHEDULED, TYPE_APPOINTMENT_CHECKED_IN,
	TYPE_APPOINTMENT_COMPLETED };

START_TEST(what_billing_does_nothing_about_is_never_parked)
{
	struct event e = event_of(others[_i], "\xff\xff", 2);
	struct billing_event read;

	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_int_eq(read.kind, BOOKING_ELSE);
}
END_TEST

START_TEST(an_upper_case_id_is_the_same_id)
{
	static const char payload[] = "\x0a\x24"
				      "0190F3A1-0000-7000-8000-00000000000A\x12\x24" PATIENT "\x22\x01X";
	struct event e = event_of(TYPE_APPOINTMENT_BOOKED, payload, sizeof(payload) - 1);
	struct billing_event read;

	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
	ck_assert_str_eq(read.appointment_id, "0190f3a1-0000-7000-8000-00000000000a");
}
END_TEST

START_TEST(members_that_came_later_are_ignored)
{
	static const char payload[] =
	    "\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x04GP-1\xa2\x06\x03new\xa8\x06\x07";
	struct event e = event_of(TYPE_APPOINTMENT_BOOKED, payload, sizeof(payload) - 1);
	struct billing_event read;

	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, RC_OK);
}
END_TEST

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
	const char *what;
	const char *bytes;
	size_t length;
} malformed[] = {
	{ "nothing", BYTES("") },
	{ "garbage", BYTES("\xff\xff\xff\xff") },
	{ "text", BYTES("hello, world") },
	{ "a length beyond the end", BYTES("\x0a\x7f"
					   "abc") },
	{ "no appointment", BYTES("\x12\x24" PATIENT "\x22\x04GP-1") },
	{ "no patient", BYTES("\x0a\x24" APPOINTMENT "\x22\x04GP-1") },
	{ "an appointment that is no UUID", BYTES("\x0a\x07"
						  "1-1-1-1\x12\x24" PATIENT "\x22\x04GP-1") },
	{ "a patient that is no UUID", BYTES("\x0a\x24" APPOINTMENT "\x12\x01x\x22\x04GP-1") },
	{ "an id of another wire type", BYTES("\x08\x01\x12\x24" PATIENT "\x22\x04GP-1") },
	{ "NUL in the service", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x05GP-1\x00") },
	{ "NUL after the id", BYTES("\x0a\x25" APPOINTMENT "\x00\x12\x24" PATIENT "\x22\x04GP-1") },
	{ "overlong UTF-8", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x02\xc0\xaf") },
	{ "a lone surrogate", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x03\xed\xa0\x80") },
	{ "bad UTF-8 in a member not used",
	    BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x04GP-1\x3a\x01\xff") },
	{ "no service", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT) },
};

START_TEST(what_is_no_booking_is_malformed)
{
	struct event e = event_of(TYPE_APPOINTMENT_BOOKED, malformed[_i].bytes, malformed[_i].length);
	struct billing_event read;

	event_decode(&cx, &e, &read);
	ck_assert_msg(read.rc == RC_MALFORMED, "%s", malformed[_i].what);
	ck_assert_ptr_eq(read.envelope, &e);
}
END_TEST

static const struct {
	const char *what;
	const char *bytes;
	size_t length;
} malformed_cancellations[] = {
	{ "nothing", BYTES("") },
	{ "garbage", BYTES("\xff\xff\xff\xff") },
	{ "no appointment", BYTES("\x12\x24" PATIENT) },
	{ "no patient", BYTES("\x0a\x24" APPOINTMENT) },
	{ "a booking", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x22\x04GP-1") },
	{ "NUL in the reason", BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x1a\x02x\x00") },
	{ "overlong UTF-8 in the reason",
	    BYTES("\x0a\x24" APPOINTMENT "\x12\x24" PATIENT "\x1a\x02\xc0\xaf") },
};

START_TEST(what_is_no_cancellation_is_malformed)
{
	struct event e = event_of(TYPE_APPOINTMENT_CANCELLED, malformed_cancellations[_i].bytes,
	    malformed_cancellations[_i].length);
	struct billing_event read;

	event_decode(&cx, &e, &read);
	ck_assert_msg(read.rc == RC_MALFORMED, "%s", malformed_cancellations[_i].what);
}
END_TEST

/* Every proper beginning of a booking either isn't one or, cut between members, still has all that is needed. */
START_TEST(a_truncated_booking_is_never_taken_for_another)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;

	event_encode_booked(&cx, &a, &payload);
	for (size_t length = 0; length < payload.length; length++) {
		struct event e =
		    event_of(TYPE_APPOINTMENT_BOOKED, arena_copy(arena, payload.bytes, length), length);

		event_decode(&cx, &e, &read);
		if (length < 120)
			ck_assert_int_eq(read.rc, RC_MALFORMED);
		else if (read.rc == RC_OK)
			ck_assert_str_eq(read.service_code, "GP-1");
	}
}
END_TEST

static const struct {
	const char *id, *type;
	enum rc rc;
} envelopes[] = {
	{ "an id", TYPE_APPOINTMENT_BOOKED, RC_OK },
	{ NULL, TYPE_APPOINTMENT_BOOKED, RC_MALFORMED },
	{ "", TYPE_APPOINTMENT_BOOKED, RC_MALFORMED },
	{ NULL, "medicore.appointment.moved.v1", RC_MALFORMED },
	{ "an id", NULL, RC_UNKNOWN_TYPE },
	{ "an id", "", RC_UNKNOWN_TYPE },
	{ "an id", "medicore.appointment.moved.v1", RC_UNKNOWN_TYPE },
	{ "an id", "medicore.appointment.booked.v2", RC_UNKNOWN_TYPE },
};

START_TEST(an_envelope_needs_an_id_and_a_type_of_ours)
{
	struct appointment a = booked();
	struct field_bytes payload;
	struct billing_event read;
	struct event e;

	event_encode_booked(&cx, &a, &payload);
	e = event_of(envelopes[_i].type, payload.bytes, payload.length);
	e.id = envelopes[_i].id;
	event_decode(&cx, &e, &read);
	ck_assert_int_eq(read.rc, envelopes[_i].rc);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

Suite *
event_codec_suite(void)
{
	Suite *suite = suite_create("event_codec");
	TCase *tests = tcase_create("event_codec");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_booking_has_the_numbers_of_the_contract);
	tcase_add_test(tests, a_cancellation_has_the_numbers_of_the_contract);
	tcase_add_test(tests, a_move_has_the_numbers_of_the_contract);
	tcase_add_loop_test(tests, a_visit_has_the_numbers_of_the_contract, 0, COUNT(visits));
	tcase_add_test(tests, an_invoice_has_the_numbers_of_the_contract);
	tcase_add_test(tests, what_an_appointment_has_not_is_left_out);
	tcase_add_loop_test(tests, microseconds_become_milliseconds_rounded_down, 0, COUNT(times));
	tcase_add_test(tests, what_was_booked_is_read_back);
	tcase_add_test(tests, what_was_cancelled_is_read_back);
	tcase_add_loop_test(tests, a_cancellation_says_how_long_before_its_start_it_came, 0, COUNT(notices));
	tcase_add_test(tests, times_too_far_apart_for_a_number_say_nothing);
	tcase_add_test(tests, who_did_not_come_is_read_back);
	tcase_add_loop_test(tests, what_billing_does_nothing_about_is_never_parked, 0, COUNT(others));
	tcase_add_test(tests, an_upper_case_id_is_the_same_id);
	tcase_add_test(tests, members_that_came_later_are_ignored);
	tcase_add_loop_test(tests, what_is_no_booking_is_malformed, 0, COUNT(malformed));
	tcase_add_loop_test(tests, what_is_no_cancellation_is_malformed, 0, COUNT(malformed_cancellations));
	tcase_add_test(tests, a_truncated_booking_is_never_taken_for_another);
	tcase_add_loop_test(tests, an_envelope_needs_an_id_and_a_type_of_ours, 0, COUNT(envelopes));
	suite_add_tcase(suite, tests);
	return suite;
}
