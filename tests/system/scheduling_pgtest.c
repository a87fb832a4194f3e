/* Bookings inside an importer's transaction, and the outbox as the relay sees it, on a real PostgreSQL (run by tests/lib/with-postgres). */
#include <check.h>
#include <string.h>

#include "domain/scheduling/scheduling.h"
#include "lib/base/clock.h"
#include "lib/pg/pg.h"
#include "tests/system/pgtest.h"

#define PATIENT "0198f000-0000-7000-8000-00000000000a"
#define PROVIDER "0198f000-0000-7000-8000-00000000000c"
#define ID "0198f000-0000-7000-8000-0000000000d1"
#define OTHER_ID "0198f000-0000-7000-8000-0000000000d2"
#define START INT64_C(1700000000000000)
#define MINUTE INT64_C(60000000)

static struct ctx desk, importer, relay, super; /* each as the program that would do it */

static enum rc
known(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)cx;
	(void)ids;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = true;
	return RC_OK;
}

/* Bytes that no text could hold. */
static enum rc
encode(struct ctx *cx, const struct appointment *a, struct field_bytes *ret_payload)
{
	char bytes[] = { 0, (char)0xff, '\\', '\'', (char)a->version };

	*ret_payload = (struct field_bytes){ .bytes = arena_copy(cx->arena, bytes, sizeof(bytes)), .length = sizeof(bytes) };
	return RC_OK;
}

static const struct scheduling_ports ports = { known, encode, encode, encode, encode, encode, encode };

static void
setup(void)
{
	pgtest_connect(&desk, "medicore_scheduling_rest");
	pgtest_connect(&importer, "medicore_operator");
	pgtest_connect(&relay, "medicore_scheduling_relay");
	pgtest_connect(&super, "postgres");
	ck_assert_int_eq(pg_script(&super, "truncate appointment, outbox restart identity"), RC_OK);
}

static void
teardown(void)
{
	pgtest_disconnect(&desk);
	pgtest_disconnect(&importer);
	pgtest_disconnect(&relay);
	pgtest_disconnect(&super);
}

static enum rc
book(struct ctx *cx, const char *id, int minute)
{
	struct appointment booked, asked = {
		.id = id,
		.patient_id = PATIENT,
		.provider_id = PROVIDER,
		.service_code = "GP-1",
		.starts_at = { .us = START + minute * MINUTE, .known = true },
		.duration_minutes = 10,
	};

	return appointment_book(cx, &ports, &asked, &booked);
}

static size_t
pending(struct event **ret_events, int64_t **ret_seqs)
{
	size_t count;

	ck_assert_int_eq(outbox_pending(&relay, &scheduling_outbox, 100, ret_events, ret_seqs, &count), RC_OK);
	return count;
}

START_TEST(refused_bookings_leave_their_batch_whole)
{
	struct event *events;
	int64_t *seqs;

	ck_assert_int_eq(pg_begin(&importer), RC_OK);
	ck_assert_int_eq(book(&importer, ID, 0), RC_OK);
	ck_assert_int_eq(book(&importer, NULL, 5), RC_CONFLICT);
	ck_assert_str_eq(importer.err.fields->name, "startsAt");
	ck_assert_str_eq(importer.err.fields->message,
	    "Provider " PROVIDER " is already booked from 2023-11-14T22:13:20Z to 2023-11-14T22:23:20Z");
	err_clear(&importer);
	ck_assert_int_eq(book(&importer, ID, 20), RC_CONFLICT);
	ck_assert_str_eq(importer.err.fields->name, "id");
	err_clear(&importer);
	ck_assert_int_eq(book(&importer, NULL, 10), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 0);
	ck_assert_int_eq(pg_end(&importer, RC_OK), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 2);
}
END_TEST

START_TEST(same_booking_again_is_known_by_its_id_and_not_by_its_time)
{
	ck_assert_int_eq(book(&importer, ID, 0), RC_OK);
	ck_assert_int_eq(book(&importer, ID, 0), RC_CONFLICT);
	ck_assert_str_eq(importer.err.fields->name, "id");
}
END_TEST

START_TEST(booking_that_is_rolled_back_leaves_no_event)
{
	struct event *events;
	int64_t *seqs;

	ck_assert_int_eq(pg_begin(&importer), RC_OK);
	ck_assert_int_eq(book(&importer, ID, 0), RC_OK);
	ck_assert_int_eq(pg_end(&importer, RC_INVALID), RC_INVALID);
	ck_assert_uint_eq(pending(&events, &seqs), 0);
	ck_assert_int_eq(book(&importer, ID, 0), RC_OK);
}
END_TEST

START_TEST(event_comes_out_of_the_outbox_as_it_went_in)
{
	static const char payload[] = { 0, (char)0xff, '\\', '\'', 1 };
	char traceparent[TRACEPARENT_SIZE];
	struct appointment cancelled;
	struct event *events;
	int64_t *seqs;

	trace_parent(&desk.trace, traceparent);
	ck_assert_int_eq(book(&desk, ID, 0), RC_OK);
	ck_assert_int_eq(appointment_cancel(&desk, &ports, ID, 1, "ill", &cancelled), RC_OK);
	ck_assert_int_eq(appointment_cancel(&desk, &ports, ID, 0, "again", &cancelled), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 2);
	ck_assert_str_eq(events[0].type, TYPE_APPOINTMENT_BOOKED);
	ck_assert_str_eq(events[1].type, TYPE_APPOINTMENT_CANCELLED);
	ck_assert_str_ne(events[0].id, events[1].id);
	ck_assert_int_eq(((const char *)events[1].payload)[4], 2);
	for (size_t i = 0; i < 2; i++) {
		struct instant time;

		ck_assert_str_eq(events[i].topic, TOPIC_APPOINTMENT);
		ck_assert_str_eq(events[i].key, PATIENT);
		ck_assert_str_eq(events[i].source, "/medicore/scheduling");
		ck_assert_str_eq(events[i].traceparent, traceparent);
		ck_assert(instant_parse(events[i].time, strlen(events[i].time), &time));
		ck_assert_uint_eq(events[i].length, sizeof(payload));
		ck_assert_mem_eq(events[i].payload, payload, sizeof(payload) - 1);
	}
}
END_TEST

static enum rc
move_to(const char *id, int minute, struct appointment *moved)
{
	struct appointment asked = {
		.starts_at = { .us = START + minute * MINUTE, .known = true },
		.duration_minutes = 10,
	};

	return appointment_reschedule(&desk, &ports, id, 0, &asked, moved);
}

START_TEST(appointment_is_moved_where_its_provider_is_free)
{
	struct appointment moved;
	struct event *events;
	int64_t *seqs;

	ck_assert_int_eq(book(&desk, ID, 0), RC_OK);
	ck_assert_int_eq(book(&desk, NULL, 20), RC_OK);
	ck_assert_int_eq(move_to(ID, 15, &moved), RC_CONFLICT);
	ck_assert_str_eq(desk.err.fields->name, "startsAt");
	ck_assert_str_eq(desk.err.fields->message,
	    "Provider " PROVIDER " is already booked from 2023-11-14T22:33:20Z to 2023-11-14T22:43:20Z");
	err_clear(&desk);
	ck_assert_int_eq(move_to(ID, 5, &moved), RC_OK);
	ck_assert_int_eq(moved.starts_at.us, START + 5 * MINUTE);
	ck_assert_int_eq(moved.version, 2);
	ck_assert_int_eq(book(&desk, NULL, -5), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 4);
	ck_assert_str_eq(events[2].type, TYPE_APPOINTMENT_RESCHEDULED);
	ck_assert_str_eq(events[2].key, PATIENT);
}
END_TEST

START_TEST(who_did_not_come_takes_up_no_time_and_who_was_treated_does)
{
	struct appointment now;

	ck_assert_int_eq(book(&desk, ID, 0), RC_OK);
	ck_assert_int_eq(appointment_no_show(&desk, &ports, ID, 1, &now), RC_OK);
	ck_assert_str_eq(now.status, "NO_SHOW");
	ck_assert_int_eq(book(&desk, OTHER_ID, 0), RC_OK);
	ck_assert_int_eq(appointment_check_in(&desk, &ports, OTHER_ID, 1, &now), RC_OK);
	ck_assert_int_eq(book(&desk, NULL, 0), RC_CONFLICT);
	err_clear(&desk);
	ck_assert_int_eq(appointment_complete(&desk, &ports, OTHER_ID, 2, &now), RC_OK);
	ck_assert_int_eq(now.version, 3);
	ck_assert_int_eq(book(&desk, NULL, 0), RC_CONFLICT);
}
END_TEST

START_TEST(published_events_are_pending_no_more_and_purged_when_old)
{
	struct event *events;
	int64_t *seqs, purged, waiting, since_us, before_us = clock_now_us();

	ck_assert_int_eq(outbox_backlog(&relay, 10, &waiting, &since_us), RC_OK);
	ck_assert(waiting == 0 && since_us == 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(book(&desk, NULL, 10 * i), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 3);
	ck_assert_int_eq(outbox_backlog(&relay, 10, &waiting, &since_us), RC_OK);
	ck_assert(waiting == 3 && since_us >= before_us && since_us <= clock_now_us());
	ck_assert_int_eq(outbox_backlog(&relay, 2, &waiting, &since_us), RC_OK);
	ck_assert_int_eq(waiting, 2);
	ck_assert(seqs[0] < seqs[1] && seqs[1] < seqs[2]);
	ck_assert_int_eq(outbox_published(&relay, seqs, 0), RC_OK);
	ck_assert_int_eq(outbox_published(&relay, seqs, 2), RC_OK);
	ck_assert_uint_eq(pending(&events, &seqs), 1);
	ck_assert_int_eq(outbox_backlog(&relay, 10, &waiting, &since_us), RC_OK);
	ck_assert_int_eq(waiting, 1);
	ck_assert_int_eq(outbox_purge(&relay, 3600, &purged), RC_OK);
	ck_assert_int_eq(purged, 0);
	ck_assert_int_eq(pg_script(&super, "update outbox set published_at = published_at - interval '2 hours'"), RC_OK);
	ck_assert_int_eq(outbox_purge(&relay, 3600, &purged), RC_OK);
	ck_assert_int_eq(purged, 2);
	ck_assert_uint_eq(pending(&events, &seqs), 1);
}
END_TEST

START_TEST(waiting_relay_is_woken_by_a_booking)
{
	ck_assert_int_ne(pg_listen_wait(&relay, "outbox", 0, -1), RC_UNAVAILABLE);
	ck_assert_int_eq(book(&desk, NULL, 0), RC_OK);
	ck_assert_int_eq(pg_listen_wait(&relay, "outbox", 5000, -1), RC_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("scheduling on PostgreSQL");
	TCase *tc = tcase_create("outbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, refused_bookings_leave_their_batch_whole);
	tcase_add_test(tc, same_booking_again_is_known_by_its_id_and_not_by_its_time);
	tcase_add_test(tc, booking_that_is_rolled_back_leaves_no_event);
	tcase_add_test(tc, event_comes_out_of_the_outbox_as_it_went_in);
	tcase_add_test(tc, appointment_is_moved_where_its_provider_is_free);
	tcase_add_test(tc, who_did_not_come_takes_up_no_time_and_who_was_treated_does);
	tcase_add_test(tc, published_events_are_pending_no_more_and_purged_when_old);
	tcase_add_test(tc, waiting_relay_is_woken_by_a_booking);
	suite_add_tcase(suite, tc);
	return pgtest_main("scheduling", (Suite *[]){ suite, NULL });
}
