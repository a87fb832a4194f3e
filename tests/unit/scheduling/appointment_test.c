/* The appointments' rules, on a store and ports that only remember what they were asked. */
#include "domain/scheduling/scheduling.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "domain/scheduling/appointment_store.h"
#include "domain/scheduling/states.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "tests/lib/run_suites.h"

#define ADA "6b29fc40-ca47-4067-b31d-00dd010662da"
#define ID "018f4e5c-0000-7000-8000-000000000002"
#define MINUTE INT64_C(60000000)
#define DAY (24 * 60 * MINUTE)
#define LAST INT64_C(253402300799999999)

static struct {
	int calls, lost; /* lost: how often somebody else is quicker to cancel */
	enum rc rc;
	struct appointment asked, stored;
	struct outbox_row event;
	struct instant after_start;
	const char *after_id;
	int64_t limit;
	size_t count;
} store;

static struct {
	int calls;
	enum rc rc;
	bool exists;
	struct appointment encoded;
} port;

static struct ctx cx;

enum rc
appointment_store_insert(
    struct ctx *c, const struct appointment *a, const struct outbox_row *event, struct appointment *ret_saved)
{
	store.calls++;
	store.asked = *a;
	store.asked.id = arena_strdup(c->arena, a->id);
	store.event = *event;
	*ret_saved = store.asked;
	return store.rc;
}

enum rc
appointment_store_find(struct ctx *c, const char *id, struct appointment *ret_appointment)
{
	(void)c;
	if (store.stored.id == NULL || strcmp(store.stored.id, id) != 0)
		return RC_NOT_FOUND;
	*ret_appointment = store.stored;
	return RC_OK;
}

enum rc
appointment_store_status(
    struct ctx *c, const struct appointment *a, const struct outbox_row *event, struct appointment *ret_saved)
{
	(void)c;
	store.calls++;
	store.asked = *a;
	store.event = *event;
	if (store.lost > 0) {
		store.lost--;
		store.stored.status = "CANCELLED";
		store.stored.cancel_reason = "theirs";
		store.stored.version++;
		return RC_NOT_FOUND;
	}
	*ret_saved = *a;
	ret_saved->version++;
	return store.rc;
}

enum rc
appointment_store_reschedule(
    struct ctx *c, const struct appointment *a, const struct outbox_row *event, struct appointment *ret_saved)
{
	return appointment_store_status(c, a, event, ret_saved);
}

enum rc
appointment_store_list(struct ctx *c, const struct appointment_filter *filter, struct instant after_start,
    const char *after_id, int64_t limit, struct appointment **ret_appointments, size_t *ret_count)
{
	(void)filter;
	store.calls++;
	store.after_start = after_start;
	store.after_id = after_id;
	store.limit = limit;
	*ret_appointments = arena_zalloc_n(c->arena, store.count, sizeof(**ret_appointments));
	for (size_t i = 0; i < store.count; i++)
		(*ret_appointments)[i] = (struct appointment){
			.id = ID,
			.starts_at = { .us = -1500000 + (int64_t)i * MINUTE, .known = true },
		};
	*ret_count = store.count;
	return store.rc;
}

static enum rc
patients_exist(struct ctx *c, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)c;
	(void)ids;
	ck_assert_uint_eq(count, 1);
	port.calls++;
	ret_exist[0] = port.exists;
	return port.rc;
}

static enum rc
encode(struct ctx *c, const struct appointment *a, struct field_bytes *ret_payload)
{
	(void)c;
	port.encoded = *a;
	*ret_payload = (struct field_bytes){ .bytes = "payload", .length = 7 };
	return RC_OK;
}

static const struct scheduling_ports ports = {
	.patients_exist = patients_exist,
	.encode_booked = encode,
	.encode_cancelled = encode,
	.encode_rescheduled = encode,
	.encode_checked_in = encode,
	.encode_completed = encode,
	.encode_no_show = encode,
};

static void
setup(void)
{
	memset(&store, 0, sizeof(store));
	memset(&port, 0, sizeof(port));
	port.exists = true;
	ctx_init(&cx, arena_new(), NULL);
	ck_assert(config_load("/dev/null"));
}

static void
teardown(void)
{
	arena_free(cx.arena);
}

static struct appointment
visit(int64_t starts_us, int64_t ends_us, int64_t minutes)
{
	return (struct appointment){
		.patient_id = ADA,
		.service_code = "GP-1",
		.starts_at = { .us = starts_us, .known = true },
		.ends_at = { .us = ends_us, .known = ends_us != 0 },
		.duration_minutes = minutes,
	};
}

START_TEST(exactly_one_of_end_and_duration_says_when_it_ends)
{
	static const struct {
		int64_t starts, ends, minutes, expected;
		const char *blamed;
	} cases[] = {
		{ DAY, 0, 30, DAY + 30 * MINUTE, NULL },
		{ DAY, DAY + 1, 0, DAY + 1, NULL },
		{ -DAY, 0, 1, -DAY + MINUTE, NULL },
		{ DAY, DAY + 366 * DAY, 0, DAY + 366 * DAY, NULL },
		{ DAY, 0, 366 * 24 * 60, DAY + 366 * DAY, NULL },
		{ LAST - MINUTE, 0, 1, LAST, NULL },
		{ DAY, 0, 0, 0, "endsAt" },
		{ DAY, DAY + MINUTE, 1, 0, "durationMinutes" },
		{ DAY, DAY, 0, 0, "endsAt" },
		{ DAY, DAY - 1, 0, 0, "endsAt" },
		{ DAY, DAY + 366 * DAY + 1, 0, 0, "endsAt" },
		{ DAY, 0, 366 * 24 * 60 + 1, 0, "durationMinutes" },
		{ DAY, 0, INT64_MAX, 0, "durationMinutes" },
		{ DAY, 0, -1, 0, "durationMinutes" },
		{ LAST, 0, 1, 0, "durationMinutes" },
	};
	struct appointment booked;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct appointment asked = visit(cases[i].starts, cases[i].ends, cases[i].minutes);
		enum rc rc = appointment_book(&cx, &ports, &asked, &booked);

		if (cases[i].blamed == NULL) {
			ck_assert_msg(rc == RC_OK && booked.ends_at.us == cases[i].expected, "case %zu", i);
		} else {
			ck_assert_msg(rc == RC_INVALID, "case %zu", i);
			ck_assert_str_eq(cx.err.fields->name, cases[i].blamed);
		}
		err_clear(&cx);
	}
	ck_assert_int_eq(store.calls, 6);
	ck_assert_int_eq(port.calls, 6);
}
END_TEST

START_TEST(booking_and_its_event_say_the_same)
{
	struct appointment asked = visit(DAY, 0, 30), booked;

	ck_assert_int_eq(appointment_book(&cx, &ports, &asked, &booked), RC_OK);
	ck_assert_str_eq(store.asked.status, "BOOKED");
	ck_assert_str_eq(store.asked.zone, config->scheduling.zone);
	ck_assert_int_eq(port.encoded.version, 1);
	ck_assert_int_eq(port.encoded.ends_at.us, store.asked.ends_at.us);
	ck_assert_str_eq(store.event.type, TYPE_APPOINTMENT_BOOKED);
	ck_assert_uint_eq(store.event.payload.length, 7);
	ck_assert_ptr_nonnull(strstr(store.event.headers, store.asked.id));
	ck_assert_str_ne(store.event.id, store.asked.id);
}
END_TEST

START_TEST(id_and_zone_that_are_given_are_kept)
{
	struct appointment asked = visit(DAY, 0, 30), booked;

	asked.id = ID;
	asked.zone = "Europe/Berlin";
	ck_assert_int_eq(appointment_book(&cx, &ports, &asked, &booked), RC_OK);
	ck_assert_str_eq(booked.id, ID);
	ck_assert_str_eq(booked.zone, "Europe/Berlin");
}
END_TEST

START_TEST(nothing_is_written_for_a_patient_who_is_unknown_or_cannot_be_asked_for)
{
	struct appointment asked = visit(DAY, 0, 30), booked;

	port.exists = false;
	ck_assert_int_eq(appointment_book(&cx, &ports, &asked, &booked), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.fields->name, "patientId");
	err_clear(&cx);
	port.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(appointment_book(&cx, &ports, &asked, &booked), RC_UNAVAILABLE);
	ck_assert_ptr_null(cx.err.fields);
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

static void
store_booked(void)
{
	store.stored = visit(DAY, DAY + MINUTE, 0);
	store.stored.id = ID;
	store.stored.status = "BOOKED";
	store.stored.version = 1;
}

START_TEST(cancellation_and_its_event_carry_the_next_version)
{
	struct appointment cancelled;

	store_booked();
	ck_assert_int_eq(appointment_cancel(&cx, &ports, ID, 1, "ill", &cancelled), RC_OK);
	ck_assert_int_eq(port.encoded.version, 2);
	ck_assert_str_eq(port.encoded.cancel_reason, "ill");
	ck_assert_str_eq(port.encoded.patient_id, ADA);
	ck_assert_str_eq(store.event.type, TYPE_APPOINTMENT_CANCELLED);
	ck_assert_int_eq(store.asked.version, 1);
	ck_assert_int_eq(cancelled.version, 2);
	ck_assert(port.encoded.cancelled_at.known);
	ck_assert_int_le(clock_now_us() - port.encoded.cancelled_at.us, MINUTE);
}
END_TEST

START_TEST(cancelling_what_is_cancelled_writes_nothing)
{
	struct appointment cancelled;

	store_booked();
	store.stored.status = "CANCELLED";
	store.stored.cancel_reason = "first";
	store.stored.version = 2;
	for (int64_t if_version = 0; if_version <= 2; if_version++) {
		ck_assert_int_eq(
		    appointment_cancel(&cx, &ports, ID, if_version, "second", &cancelled), RC_OK);
		ck_assert_str_eq(cancelled.cancel_reason, "first");
	}
	ck_assert_int_eq(appointment_cancel(&cx, &ports, ID, 3, "second", &cancelled), RC_STALE);
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(who_is_second_of_two_racing_cancellations_gets_the_firsts_answer)
{
	struct appointment cancelled;

	store_booked();
	store.lost = 1;
	ck_assert_int_eq(appointment_cancel(&cx, &ports, ID, 0, "mine", &cancelled), RC_OK);
	ck_assert_str_eq(cancelled.cancel_reason, "theirs");
	ck_assert_int_eq(store.calls, 1);
}
END_TEST

START_TEST(only_the_version_named_is_cancelled)
{
	struct appointment cancelled;

	store_booked();
	ck_assert_int_eq(appointment_cancel(&cx, &ports, ID, 2, NULL, &cancelled), RC_STALE);
	err_clear(&cx);
	ck_assert_int_eq(appointment_cancel(&cx, &ports, ADA, 0, NULL, &cancelled), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.message, "Appointment with the id " ADA " doesn't exist");
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

/* --- what may become of it --- */

typedef enum rc step(struct ctx *, const struct scheduling_ports *, const char *, int64_t, struct appointment *);

static enum rc
cancel(struct ctx *c, const struct scheduling_ports *p, const char *id, int64_t if_version, struct appointment *ret)
{
	return appointment_cancel(c, p, id, if_version, NULL, ret);
}

static enum rc
reschedule(struct ctx *c, const struct scheduling_ports *p, const char *id, int64_t if_version, struct appointment *ret)
{
	struct appointment asked = visit(2 * DAY, 0, 30);

	return appointment_reschedule(c, p, id, if_version, &asked, ret);
}

static const struct {
	step *step;
	enum visit_state to;
	const char *type;
} steps[] = {
	{ reschedule, VISIT_BOOKED, TYPE_APPOINTMENT_RESCHEDULED },
	{ appointment_check_in, VISIT_CHECKED_IN, TYPE_APPOINTMENT_CHECKED_IN },
	{ appointment_complete, VISIT_COMPLETED, TYPE_APPOINTMENT_COMPLETED },
	{ appointment_no_show, VISIT_NO_SHOW, TYPE_APPOINTMENT_NO_SHOW },
	{ cancel, VISIT_CANCELLED, TYPE_APPOINTMENT_CANCELLED },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* The words, apart from the code's table: y is a step, s what is there already, . refused. */
static const char *const allowed[VISIT_STATES] = {
	/*                   move check-in complete no-show cancel */
	[VISIT_BOOKED]     = "yyyyy",
	[VISIT_CHECKED_IN] = ".sy..",
	[VISIT_COMPLETED]  = "..s..",
	[VISIT_NO_SHOW]    = "...s.",
	[VISIT_CANCELLED]  = "....s",
};

static const char *const refusals[VISIT_STATES] = {
	[VISIT_CHECKED_IN] = "The appointment is CHECKED_IN; from there it can only become COMPLETED",
	[VISIT_COMPLETED] = "The appointment is COMPLETED, which is final",
	[VISIT_NO_SHOW] = "The appointment is NO_SHOW, which is final",
	[VISIT_CANCELLED] = "The appointment is CANCELLED, which is final",
};

static void
take_step(enum visit_state from, size_t i)
{
	char expected = allowed[from][i];
	struct appointment now;
	enum rc rc;

	setup();
	store_booked();
	store.stored.status = visit_state_names[from];
	rc = steps[i].step(&cx, &ports, ID, 1, &now);
	ck_assert_msg(rc == (expected == '.' ? RC_CONFLICT : RC_OK), "%s, step %zu", visit_state_names[from], i);
	ck_assert_int_eq(store.calls, expected == 'y');
	ck_assert_int_eq(visit_state_follows(from, steps[i].to), expected == 'y');
	if (expected == '.')
		ck_assert_str_eq(cx.err.message, refusals[from]);
	else
		ck_assert_str_eq(now.status, visit_state_names[steps[i].to]);
	if (expected == 'y') {
		ck_assert_str_eq(store.event.type, steps[i].type);
		ck_assert_int_eq(port.encoded.version, 2);
		ck_assert_str_eq(port.encoded.status, now.status);
	}
	teardown();
}

START_TEST(only_the_steps_of_the_table_are_taken)
{
	teardown();
	for (enum visit_state from = 0; from < VISIT_STATES; from++)
		for (size_t i = 0; i < STEPS; i++)
			take_step(from, i);
	ck_assert(!visit_state_follows(VISIT_STATES, VISIT_BOOKED) && !visit_state_follows(VISIT_BOOKED, VISIT_STATES));
	setup();
}
END_TEST

START_TEST(only_the_version_named_takes_a_step)
{
	struct appointment now;

	for (size_t i = 0; i < STEPS; i++) {
		store_booked();
		ck_assert_int_eq(steps[i].step(&cx, &ports, ID, 2, &now), RC_STALE);
		err_clear(&cx);
		ck_assert_int_eq(steps[i].step(&cx, &ports, ADA, 0, &now), RC_NOT_FOUND);
		err_clear(&cx);
	}
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(moving_keeps_what_it_is_not_told)
{
	struct appointment asked = visit(2 * DAY, 0, 30), moved;

	store_booked();
	store.stored.provider_id = ADA;
	store.stored.zone = "Europe/Vienna";
	ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, 0, &asked, &moved), RC_OK);
	ck_assert_int_eq(store.asked.starts_at.us, 2 * DAY);
	ck_assert_int_eq(store.asked.ends_at.us, 2 * DAY + 30 * MINUTE);
	ck_assert_str_eq(store.asked.provider_id, ADA);
	ck_assert_str_eq(store.asked.zone, "Europe/Vienna");
	ck_assert_str_eq(store.asked.service_code, "GP-1");
	asked.provider_id = ID;
	asked.zone = "Asia/Tokyo";
	ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, 0, &asked, &moved), RC_OK);
	ck_assert_str_eq(store.asked.provider_id, ID);
	ck_assert_str_eq(store.asked.zone, "Asia/Tokyo");
}
END_TEST

START_TEST(moving_to_where_it_is_writes_nothing)
{
	struct appointment asked = visit(DAY, 0, 1), moved;

	store_booked();
	store.stored.version = 2;
	for (int64_t if_version = 0; if_version <= 2; if_version++)
		ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, if_version, &asked, &moved), RC_OK);
	ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, 3, &asked, &moved), RC_STALE);
	ck_assert_int_eq(store.calls, 0);
	asked.provider_id = ADA;
	err_clear(&cx);
	ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, 0, &asked, &moved), RC_OK);
	ck_assert_int_eq(store.calls, 1);
}
END_TEST

START_TEST(moving_asks_for_an_end_as_booking_does)
{
	struct appointment asked = visit(DAY, 0, 0), moved;

	store_booked();
	ck_assert_int_eq(appointment_reschedule(&cx, &ports, ID, 0, &asked, &moved), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "endsAt");
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(key_of_the_next_page_leads_behind_the_last_row)
{
	struct appointment_filter filter = { .page.limit = 2 };
	struct appointment *rows;
	const char *next;
	size_t count;

	store.count = 3;
	ck_assert_int_eq(appointment_list(&cx, &filter, &rows, &count, &next), RC_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(store.limit, 3);
	ck_assert_str_eq(next, "58500000|" ID);
	filter.page.after = next;
	store.count = 2;
	ck_assert_int_eq(appointment_list(&cx, &filter, &rows, &count, &next), RC_OK);
	ck_assert_int_eq(store.after_start.us, 58500000);
	ck_assert_str_eq(store.after_id, ID);
	ck_assert_ptr_null(next);
}
END_TEST

START_TEST(key_that_no_page_gave_is_refused)
{
	static const char *const keys[] = { "", "|", "|" ID, "-|" ID, "1|", "1|x", "1|" ID "x", "1x|" ID,
		"+1|" ID, " 1|" ID, "--1|" ID, "99999999999999999999|" ID, "9223372036854775807|" ID,
		"999999999999999999|" ID, "-999999999999999999|" ID, "253402300800000000|" ID,
		"-62135596800000001|" ID, ID };
	struct appointment_filter filter = { .page.limit = 2 };
	struct appointment *rows;
	const char *next;
	size_t count;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		filter.page.after = keys[i];
		ck_assert_msg(
		    appointment_list(&cx, &filter, &rows, &count, &next) == RC_INVALID, "%s", keys[i]);
		ck_assert_str_eq(cx.err.fields->name, "cursor");
		err_clear(&cx);
	}
	ck_assert_int_eq(store.calls, 0);
	filter.page.after = "-1500000|" ID;
	ck_assert_int_eq(appointment_list(&cx, &filter, &rows, &count, &next), RC_OK);
	ck_assert_int_eq(store.after_start.us, -1500000);
}
END_TEST

START_TEST(window_that_ends_before_it_begins_is_refused)
{
	struct appointment_filter filter = {
		.from = { .us = 2, .known = true }, .to = { .us = 2, .known = true }, .page.limit = 2
	};
	struct appointment *rows;
	const char *next;
	size_t count;

	ck_assert_int_eq(appointment_list(&cx, &filter, &rows, &count, &next), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "to");
	filter.to.us = 3;
	ck_assert_int_eq(appointment_list(&cx, &filter, &rows, &count, &next), RC_OK);
}
END_TEST

START_TEST(event_is_a_part_of_its_requests_trace)
{
	char parent[TRACEPARENT_SIZE];
	struct outbox_row row;

	cx.request_id = "mine";
	ck_assert(trace_join(&cx.trace, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
	trace_parent(&cx.trace, parent);
	ck_assert_int_eq(strncmp(parent, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36), 0);
	ck_assert_ptr_null(strstr(parent, "00f067aa0ba902b7"));
	outbox_row_init(&cx, &row, "appointment", TYPE_APPOINTMENT_BOOKED, ID);
	ck_assert_ptr_nonnull(strstr(row.headers, "\"request_id\":\"mine\""));
	ck_assert_ptr_nonnull(strstr(row.headers, arena_printf(cx.arena, "\"traceparent\":\"%s\"", parent)));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scheduling");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, exactly_one_of_end_and_duration_says_when_it_ends);
	tcase_add_test(tc, booking_and_its_event_say_the_same);
	tcase_add_test(tc, id_and_zone_that_are_given_are_kept);
	tcase_add_test(tc, nothing_is_written_for_a_patient_who_is_unknown_or_cannot_be_asked_for);
	tcase_add_test(tc, cancellation_and_its_event_carry_the_next_version);
	tcase_add_test(tc, cancelling_what_is_cancelled_writes_nothing);
	tcase_add_test(tc, who_is_second_of_two_racing_cancellations_gets_the_firsts_answer);
	tcase_add_test(tc, only_the_version_named_is_cancelled);
	tcase_add_test(tc, only_the_steps_of_the_table_are_taken);
	tcase_add_test(tc, only_the_version_named_takes_a_step);
	tcase_add_test(tc, moving_keeps_what_it_is_not_told);
	tcase_add_test(tc, moving_to_where_it_is_writes_nothing);
	tcase_add_test(tc, moving_asks_for_an_end_as_booking_does);
	tcase_add_test(tc, key_of_the_next_page_leads_behind_the_last_row);
	tcase_add_test(tc, key_that_no_page_gave_is_refused);
	tcase_add_test(tc, window_that_ends_before_it_begins_is_refused);
	tcase_add_test(tc, event_is_a_part_of_its_requests_trace);
	suite_add_tcase(suite, tc);
	return run_suites((Suite *[]){ suite, NULL });
}
