/*
 * bus_broker - lib/bus on a real broker, which bus_test.py starts and names in BUS_BROKERS.  BUS_KILL and BUS_START are commands that end the broker
 * with SIGKILL and bring it back with its data.  Settings, as [events] tls, come from the environment.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/bus/bus.h"
#include "tests/lib/run_suites.h"

#define MANY 10000
#define MANY_AT_ONCE 500

static const char *brokers;
static struct arena *arena;
static struct ctx cx;
static char topic[64];
static char group[64];

/* Each test has a topic and a group of its own. */
static void
setup(void)
{
	char id[UUID_SIZE];

	brokers = getenv("BUS_BROKERS");
	ck_assert_msg(brokers != NULL, "BUS_BROKERS isn't set: run bus_test.py");
	arena = arena_new();
	ctx_init(&cx, arena, NULL);
	uuid_new(id);
	snprintf(topic, sizeof(topic), "test.%s", id);
	snprintf(group, sizeof(group), "group.%s", id);
	if (getenv("BUS_REFUSED") == NULL)
		ck_assert_msg(bus_make_topic(&cx, brokers, topic, 6, 1) == RC_OK, "%s", cx.err.detail);
}

static void
teardown(void)
{
	arena_free(arena);
}

static struct event
numbered(int n)
{
	return (struct event){
		.topic = topic,
		.key = arena_printf(arena, "key %d", n % 100),
		.id = arena_printf(arena, "%d", n),
		.type = "test.made.v1",
		.source = "/test",
		.time = "2026-01-02T03:04:05Z",
		.payload = arena_printf(arena, "payload %d", n),
		.length = (size_t)snprintf(NULL, 0, "payload %d", n),
	};
}

static struct event *
numbered_from(int first, size_t count)
{
	struct event *events = arena_zalloc_n(arena, count, sizeof(*events));

	for (size_t i = 0; i < count; i++)
		events[i] = numbered(first + (int)i);
	return events;
}

static struct bus_consumer *
member(const char *instance)
{
	const char *const topics[] = { topic, NULL };
	struct bus_consumer *c = bus_consumer_new(brokers, group, instance, topics);

	ck_assert_ptr_nonnull(c);
	return c;
}

/* Counts how often each of count numbered events comes, until all have come at least once or 30 s passed. */
static void
consume_all(struct bus_consumer *c, int count, int *seen, bool commit)
{
	int64_t end = clock_monotonic_ns() + INT64_C(30) * 1000000000;
	int missing = 0;

	for (int n = 0; n < count; n++)
		missing += seen[n] == 0;
	while (missing > 0 && clock_monotonic_ns() < end) {
		struct arena *a = arena_new();
		struct event *events;
		size_t got = 0;

		if (bus_consume(&cx, c, a, MANY_AT_ONCE, 100, &events, &got) != RC_OK)
			got = 0;
		for (size_t i = 0; i < got; i++) {
			int n = (int)strtol(events[i].id, NULL, 10);

			ck_assert_int_lt(n, count);
			missing -= seen[n]++ == 0;
		}
		if (commit)
			bus_commit(&cx, c, 0); /* what isn't committed is next time */
		arena_free(a);
	}
	ck_assert_int_eq(missing, 0);
	while (commit && bus_commit(&cx, c, 0) != RC_OK)
		ck_assert_int_lt(clock_monotonic_ns(), end);
}

START_TEST(an_event_comes_out_as_it_went_in)
{
	static const unsigned char payload[] = { 0x0a, 0x00, 0xff, 0x00 };
	struct event sent = numbered(0), *got;
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	size_t count = 0;
	bool acked;

	sent.payload = payload;
	sent.length = sizeof(payload);
	sent.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
	ck_assert_int_eq(bus_publish(&cx, p, &sent, 1, &acked, 10000), RC_OK);
	ck_assert(acked);
	for (int i = 0; i < 100 && count == 0; i++)
		ck_assert_int_eq(bus_consume(&cx, c, arena, 10, 100, &got, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(got->topic, topic);
	ck_assert_str_eq(got->key, sent.key);
	ck_assert_str_eq(got->id, sent.id);
	ck_assert_str_eq(got->type, sent.type);
	ck_assert_str_eq(got->source, sent.source);
	ck_assert_str_eq(got->time, sent.time);
	ck_assert_str_eq(got->traceparent, sent.traceparent);
	ck_assert_uint_eq(got->length, sizeof(payload));
	ck_assert_mem_eq(got->payload, payload, sizeof(payload));
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

static void
await_lag(const struct bus_consumer *c, int64_t wanted)
{
	int64_t end = clock_monotonic_ns() + INT64_C(10) * 1000000000, lag = -1;

	while ((!bus_lag(c, &lag) || lag != wanted) && clock_monotonic_ns() < end)
		;
	ck_assert_int_eq(lag, wanted);
}

START_TEST(what_is_not_committed_is_the_lag)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	int seen[30] = { 0 };
	bool acked[30];
	int64_t lag;

	ck_assert(!bus_lag(c, &lag)); /* it has no partitions yet */
	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 30), 30, acked, 10000), RC_OK);
	consume_all(c, 30, seen, false);
	await_lag(c, 30);
	ck_assert_int_eq(bus_commit(&cx, c, 0), RC_OK);
	await_lag(c, 0);
	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 5), 5, acked, 10000), RC_OK);
	await_lag(c, 5); /* although nobody has asked for them */
	memset(seen, 0, sizeof(seen));
	consume_all(c, 5, seen, false);
	bus_rewind(c);
	await_lag(c, 5);
	bus_consumer_free(c);
	/* A successor knows what was committed. */
	c = member("one");
	memset(seen, 0, sizeof(seen));
	consume_all(c, 5, seen, true);
	await_lag(c, 0);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(what_a_message_has_not_is_null)
{
	struct event sent = { .topic = topic }, *got;
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	size_t count = 0;
	bool acked;

	ck_assert_int_eq(bus_publish(&cx, p, &sent, 1, &acked, 10000), RC_OK);
	for (int i = 0; i < 100 && count == 0; i++)
		ck_assert_int_eq(bus_consume(&cx, c, arena, 10, 100, &got, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_null(got->key);
	ck_assert_ptr_null(got->id);
	ck_assert_ptr_null(got->type);
	ck_assert_ptr_null(got->source);
	ck_assert_ptr_null(got->time);
	ck_assert_ptr_null(got->traceparent);
	ck_assert_uint_eq(got->length, 0);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(a_header_that_is_no_text_counts_as_absent)
{
	struct event sent = numbered(0), *got;
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	size_t count = 0;
	bool acked;

	sent.id = "\xc0\xaf";
	sent.key = "\xed\xa0\x80";
	ck_assert_int_eq(bus_publish(&cx, p, &sent, 1, &acked, 10000), RC_OK);
	for (int i = 0; i < 100 && count == 0; i++)
		ck_assert_int_eq(bus_consume(&cx, c, arena, 10, 100, &got, &count), RC_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_ptr_null(got->id);
	ck_assert_ptr_null(got->key);
	ck_assert_str_eq(got->type, sent.type);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(one_event_at_a_time_travels_in_milliseconds)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	int64_t worst = 0, sum = 0;
	int seen[1] = { 0 };
	bool acked;

	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 1), 1, &acked, 10000), RC_OK);
	consume_all(c, 1, seen, true);
	for (int n = 0; n < 100; n++) {
		int64_t start = clock_monotonic_ns(), took;
		struct event *got;
		size_t count = 0;

		ck_assert_int_eq(bus_publish(&cx, p, numbered_from(n, 1), 1, &acked, 10000), RC_OK);
		while (count == 0)
			ck_assert_int_eq(bus_consume(&cx, c, arena, 10, 1000, &got, &count), RC_OK);
		took = clock_monotonic_ns() - start;
		worst = took > worst ? took : worst;
		sum += took;
		ck_assert_int_eq(bus_commit(&cx, c, 0), RC_OK);
	}
	printf("one at a time: mean %.2f ms, worst %.2f ms\n", (double)sum / 1e8, (double)worst / 1e6);
	ck_assert_int_lt(sum / 100, 50000000);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(a_rewind_gives_the_same_events_again)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	bool acked[50];
	int seen[50] = { 0 };

	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 30), 30, acked, 10000), RC_OK);
	consume_all(c, 30, seen, true);
	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(30, 20), 20, acked, 10000), RC_OK);
	for (int times = 0; times < 5; times++) {
		int again[50] = { 0 };

		for (int n = 0; n < 30; n++)
			again[n] = 1; /* committed */
		for (int got = 0; got < 20;) {
			struct event *events;
			size_t count;

			ck_assert_int_eq(bus_consume(&cx, c, arena, 7, 10000, &events, &count), RC_OK);
			ck_assert_uint_gt(count, 0);
			for (size_t i = 0; i < count; i++)
				again[strtol(events[i].id, NULL, 10)]++;
			got += (int)count;
		}
		for (int n = 0; n < 50; n++)
			ck_assert_int_eq(again[n], 1);
		bus_rewind(c);
	}
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

/* Takes count events, so many at a time. */
static void
consume_by(struct bus_consumer *c, size_t at_once, size_t count, int *seen)
{
	for (size_t got = 0; got < count;) {
		struct event *events;
		size_t n;

		ck_assert_int_eq(bus_consume(&cx, c, arena, at_once, 10000, &events, &n), RC_OK);
		ck_assert_uint_gt(n, 0);
		for (size_t i = 0; i < n; i++)
			seen[strtol(events[i].id, NULL, 10)]++;
		got += n;
	}
}

START_TEST(what_is_committed_but_for_the_last_times_comes_again_from_there)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	int seen[40] = { 0 };
	bool acked[40];
	int again = 0;

	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 40), 40, acked, 10000), RC_OK);
	consume_by(c, 1, 40, seen);
	ck_assert_int_eq(bus_commit(&cx, c, 5), RC_OK);
	await_lag(c, 5);
	ck_assert_int_eq(bus_commit(&cx, c, 7), RC_OK); /* which is no step back */
	await_lag(c, 5);
	bus_rewind(c);
	memset(seen, 0, sizeof(seen));
	consume_by(c, 1, 5, seen);
	ck_assert_int_eq(bus_commit(&cx, c, 5), RC_OK);
	await_lag(c, 5);
	ck_assert_int_eq(bus_commit(&cx, c, 2), RC_OK);
	await_lag(c, 2);
	bus_consumer_free(c);
	/* A successor gets the rest, and that once. */
	c = member("one");
	consume_by(c, 10, 2, seen);
	for (int n = 0; n < 40; n++)
		again += seen[n];
	ck_assert_int_eq(again, 7);
	ck_assert_int_eq(bus_commit(&cx, c, 0), RC_OK);
	await_lag(c, 0);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(a_successor_of_the_same_name_begins_at_once_where_commits_ended)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	struct event *events;
	int64_t start, took;
	bool acked[20];
	int seen[20] = { 0 }, rest[20] = { 0 };
	size_t count = 0;

	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 10), 10, acked, 10000), RC_OK);
	consume_all(c, 10, seen, true);
	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(10, 10), 10, acked, 10000), RC_OK);
	ck_assert_int_eq(
	    bus_consume(&cx, c, arena, 3, 10000, &events, &count), RC_OK); /* and never committed */
	bus_consumer_free(c);
	start = clock_monotonic_ns();
	c = member("one");
	for (int n = 0; n < 10; n++)
		rest[n] = 1;
	consume_all(c, 20, rest, false);
	took = clock_monotonic_ns() - start;
	printf("successor: %.0f ms\n", (double)took / 1e6);
	ck_assert_int_lt(took, INT64_C(2000000000));
	for (int n = 0; n < 20; n++)
		ck_assert_int_eq(rest[n], 1);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(a_topic_that_is_there_already_is_fine)
{
	ck_assert_int_eq(bus_make_topic(&cx, brokers, topic, 6, 1), RC_OK);
	ck_assert_int_eq(bus_make_topic(&cx, brokers, "no topic's name", 6, 1), RC_INVALID);
}
END_TEST

START_TEST(an_unknown_topic_is_not_acknowledged)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct event e = numbered(0);
	bool acked = true;

	e.topic = "test.nobody.made.this";
	ck_assert_int_eq(bus_publish(&cx, p, &e, 1, &acked, 1500), RC_UNAVAILABLE);
	ck_assert(!acked);
	ck_assert_ptr_nonnull(cx.err.detail);
	e.topic = topic; /* it works again */
	ck_assert_int_eq(bus_publish(&cx, p, &e, 1, &acked, 10000), RC_OK);
	bus_producer_free(p);
}
END_TEST

/* --- a broker that dies --- */

static void *
kill_and_start(void *arg)
{
	(void)arg;
	ck_assert_int_eq(system(getenv("BUS_KILL")), 0);
	ck_assert_int_eq(system(getenv("BUS_START")), 0);
	return NULL;
}

/* Publishes until everything is acknowledged; begin is called halfway. */
static void
publish_stubbornly(struct bus_producer *p, pthread_t *ret_killer)
{
	bool acked[MANY_AT_ONCE];

	for (int first = 0; first < MANY; first += MANY_AT_ONCE) {
		struct event *events = numbered_from(first, MANY_AT_ONCE);
		size_t left = MANY_AT_ONCE;

		if (first == MANY / 2)
			ck_assert_int_eq(pthread_create(ret_killer, NULL, kill_and_start, NULL), 0);
		while (left > 0) {
			size_t kept = 0;

			err_clear(&cx);
			bus_publish(&cx, p, events, left, acked, 1000);
			for (size_t i = 0; i < left; i++)
				if (!acked[i])
					events[kept++] = events[i];
			left = kept;
		}
	}
}

START_TEST(a_broker_killed_among_ten_thousand_events_loses_none)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	int *seen = arena_zalloc_n(arena, MANY, sizeof(*seen));
	pthread_t killer;

	publish_stubbornly(p, &killer);
	ck_assert_int_eq(pthread_join(killer, NULL), 0);
	consume_all(c, MANY, seen, true);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(a_consumer_goes_on_soon_after_its_brokers_return)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct bus_consumer *c = member("one");
	int64_t back, took;
	int seen[2] = { 0 };
	bool acked;

	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(0, 1), 1, &acked, 10000), RC_OK);
	consume_all(c, 1, seen, true);
	ck_assert_int_eq(system(getenv("BUS_KILL")), 0);
	ck_assert_int_eq(bus_publish(&cx, p, numbered_from(1, 1), 1, &acked, 300), RC_UNAVAILABLE);
	ck_assert(!acked);
	err_clear(&cx);
	ck_assert_int_eq(system(getenv("BUS_START")), 0);
	back = clock_monotonic_ns();
	while (bus_publish(&cx, p, numbered_from(1, 1), 1, &acked, 3000) != RC_OK)
		err_clear(&cx);
	consume_all(c, 2, seen, true);
	took = clock_monotonic_ns() - back;
	printf("after the broker's return: %.0f ms\n", (double)took / 1e6);
	ck_assert_int_lt(took, INT64_C(5000000000));
	ck_assert_int_ge(seen[1], 1);
	bus_consumer_free(c);
	bus_producer_free(p);
}
END_TEST

START_TEST(nobody_there_is_unavailable_in_the_time_given)
{
	struct bus_producer *p = bus_producer_new("127.0.0.1:1");
	struct event e = numbered(0);
	int64_t start = clock_monotonic_ns();
	bool acked = true;

	ck_assert_int_eq(bus_publish(&cx, p, &e, 1, &acked, 200), RC_UNAVAILABLE);
	ck_assert(!acked);
	ck_assert_int_lt(clock_monotonic_ns() - start, INT64_C(2000000000));
	ck_assert_ptr_null(bus_producer_new(""));
	err_clear(&cx);
	ck_assert_int_eq(bus_make_topic(&cx, "", topic, 1, 1), RC_INVALID);
	bus_producer_free(p);
}
END_TEST

START_TEST(who_is_refused_publishes_nothing)
{
	struct bus_producer *p = bus_producer_new(brokers);
	struct event e = numbered(0);
	bool acked = true;

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(bus_publish(&cx, p, &e, 1, &acked, 1500), RC_UNAVAILABLE);
	ck_assert(!acked);
	bus_producer_free(p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bus on a broker");
	TCase *one = tcase_create("one event"), *none = tcase_create("refused"), *tests = tcase_create("bus");

	if (!config_load(NULL))
		return EXIT_FAILURE;
	tcase_add_checked_fixture(one, setup, teardown);
	tcase_add_test(one, an_event_comes_out_as_it_went_in);
	tcase_set_timeout(one, 60);
	suite_add_tcase(suite, one);
	tcase_add_checked_fixture(none, setup, teardown);
	if (getenv("BUS_REFUSED") != NULL) /* by the address that "one event" has just used */
		tcase_add_test(none, who_is_refused_publishes_nothing);
	suite_add_tcase(suite, none);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_is_not_committed_is_the_lag);
	tcase_add_test(tests, what_a_message_has_not_is_null);
	tcase_add_test(tests, a_header_that_is_no_text_counts_as_absent);
	tcase_add_test(tests, one_event_at_a_time_travels_in_milliseconds);
	tcase_add_test(tests, a_rewind_gives_the_same_events_again);
	tcase_add_test(tests, what_is_committed_but_for_the_last_times_comes_again_from_there);
	tcase_add_test(tests, a_successor_of_the_same_name_begins_at_once_where_commits_ended);
	tcase_add_test(tests, a_topic_that_is_there_already_is_fine);
	tcase_add_test(tests, an_unknown_topic_is_not_acknowledged);
	tcase_add_test(tests, a_broker_killed_among_ten_thousand_events_loses_none);
	tcase_add_test(tests, a_consumer_goes_on_soon_after_its_brokers_return);
	tcase_add_test(tests, nobody_there_is_unavailable_in_the_time_given);
	suite_add_tcase(suite, tests);
	return run_suites((Suite *[]){ suite, NULL });
}
