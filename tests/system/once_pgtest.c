/* What lib/once promises of requests with a key, on a real server: one effect, one answer, whatever happens when. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/once/once.h"
#include "lib/pg/pg.h"
#include "tests/system/pgtest.h"

#define MANY 50

static struct ctx rest, other, relay, super;

/* --- the database --- */

static void
run(const char *sql)
{
	enum rc rc = pg_script(&super, sql);

	ck_assert_msg(rc == RC_OK, "%s: %s", sql, super.err.detail);
}

static int64_t
number(const char *sql)
{
	static const struct field fields[] = { { .name = "n", .type = F_INT, .at = 0 }, FIELD_END };
	char name[UUID_SIZE];
	struct pg_stmt stmt = { .name = name, .kind = PG_READ, .sql = sql, .out = fields };
	int64_t n;

	uuid_new(name);
	ck_assert_msg(pg_fetch_one(&super, &stmt, NULL, &n) == RC_OK, "%s: %s", sql, super.err.detail);
	return n;
}

#define EFFECTS number("select count(*) as n from effect")
#define KEPT number("select count(*) as n from kept_answer")

static void
setup(void)
{
	pgtest_connect(&rest, "medicore_patient_rest");
	pgtest_connect(&other, "medicore_patient_rest");
	pgtest_connect(&relay, "medicore_patient_relay");
	pgtest_connect(&super, "postgres");
	run("create table if not exists effect (at timestamptz default now()); grant insert on effect to medicore_patient_rest;"
	    " truncate kept_answer, effect");
}

static void
teardown(void)
{
	pgtest_disconnect(&rest);
	pgtest_disconnect(&other);
	pgtest_disconnect(&relay);
	pgtest_disconnect(&super);
}

/* --- requests --- */

static const struct pg_stmt make_effect = { .name = "make_effect", .kind = PG_WRITE, .sql = "insert into effect default values" };

static const char body[] = "{\"name\":\"\xC3\x89\"}\n\0\xFF";

#define THING "018f0000-0000-7000-8000-000000000001"
#define PATIENT "018f0000-0000-7000-8000-000000000002"

static struct once_request
request(const char *key)
{
	return (struct once_request){ .route = "POST /x", .key = key, .path = "/x", .body = "{\"a\":1}", .length = 7 };
}

static void
forget(struct ctx *cx)
{
	err_clear(cx);
	cx->deadline_ns = 0;
}

/* Has the effect, in a nested transaction as a domain may, and an answer; then ends as asked. */
static enum rc
act(struct ctx *cx, struct once *once, enum rc outcome)
{
	enum rc rc = pg_begin(cx);

	ck_assert_int_eq(rc, RC_OK);
	rc = pg_end(cx, pg_execute(cx, &make_effect, NULL, NULL));
	once->answer = (struct once_answer){
		.status = 201,
		.headers = "ETag: \"1\"\r\nLocation: /x/1\r\n",
		.body = { .bytes = body, .length = sizeof(body) },
		.thing = THING,
		.patient_id = PATIENT,
	};
	return rc == RC_OK ? outcome : rc;
}

/* The whole of it. */
static enum rc
ask(struct ctx *cx, const struct once_request *asked, struct once *ret_once)
{
	enum rc rc;

	forget(cx);
	rc = once_begin(cx, asked, ret_once);
	if (rc == RC_OK && !ret_once->again)
		rc = once_end(cx, ret_once, act(cx, ret_once, RC_OK));
	return rc;
}

static void
assert_answer(const struct once_answer *answer)
{
	ck_assert_int_eq(answer->status, 201);
	ck_assert_str_eq(answer->headers, "ETag: \"1\"\r\nLocation: /x/1\r\n");
	ck_assert_uint_eq(answer->body.length, sizeof(body));
	ck_assert_mem_eq(answer->body.bytes, body, sizeof(body));
	ck_assert_str_eq(answer->thing, THING);
	ck_assert_str_eq(answer->patient_id, PATIENT);
}

/* --- one after the other --- */

START_TEST(the_same_again_has_no_effect_and_gets_the_very_same_answer)
{
	struct once_request asked = request("k");
	struct once first, again;

	ck_assert_int_eq(ask(&rest, &asked, &first), RC_OK);
	ck_assert(!first.again);
	ck_assert_int_eq(ask(&other, &asked, &again), RC_OK);
	ck_assert(again.again);
	assert_answer(&again.answer);
	ck_assert_int_eq(EFFECTS, 1);
}
END_TEST

START_TEST(another_request_with_the_key_is_refused)
{
	struct once_request asked[] = { request("k"), request("k"), request("k"), request("k") };
	struct once once;

	ck_assert_int_eq(ask(&rest, &asked[0], &once), RC_OK);
	asked[1].path = "/y";
	asked[2].length--;
	asked[3].path = "/x{"; /* the same bytes, parted elsewhere */
	asked[3].body = "\"a\":1}";
	asked[3].length = 6;
	for (size_t i = 1; i < 4; i++) {
		ck_assert_int_eq(ask(&other, &asked[i], &once), RC_REUSED);
		ck_assert_str_eq(err_message(&other, RC_REUSED), "This idempotency key was used for another request");
	}
	ck_assert_int_eq(EFFECTS, 1);
	ck_assert_int_eq(ask(&other, &asked[0], &once), RC_OK);
	ck_assert(once.again);
}
END_TEST

START_TEST(keys_of_other_accounts_and_routes_are_other_keys)
{
	struct once_request asked = request("k"), elsewhere = request("k"), another = request("K");
	struct once once;

	elsewhere.route = "POST /y";
	ck_assert_int_eq(ask(&rest, &asked, &once), RC_OK);
	ck_assert_int_eq(ask(&rest, &elsewhere, &once), RC_OK);
	ck_assert_int_eq(ask(&rest, &another, &once), RC_OK);
	rest.account = "somebody else";
	ck_assert_int_eq(ask(&rest, &asked, &once), RC_OK);
	ck_assert(!once.again);
	ck_assert_int_eq(EFFECTS, 4);
}
END_TEST

START_TEST(a_failure_has_no_effect_and_leaves_the_key_free)
{
	struct once_request asked = request("k");
	struct once once;

	ck_assert_int_eq(once_begin(&rest, &asked, &once), RC_OK);
	ck_assert_int_eq(once_end(&rest, &once, act(&rest, &once, RC_CONFLICT)), RC_CONFLICT);
	ck_assert_int_eq(EFFECTS, 0);
	ck_assert_int_eq(KEPT, 0);
	ck_assert_int_eq(ask(&rest, &asked, &once), RC_OK);
	ck_assert(!once.again);
	ck_assert_int_eq(EFFECTS, 1);
}
END_TEST

START_TEST(a_connection_lost_on_the_way_is_as_if_nothing_had_been_asked)
{
	struct once_request asked = request("k");
	struct once once;

	ck_assert_int_eq(once_begin(&rest, &asked, &once), RC_OK);
	ck_assert_int_eq(act(&rest, &once, RC_OK), RC_OK);
	ck_assert_int_ge(number("select count(pg_terminate_backend(pid, 5000)) as n from pg_stat_activity"
				" where usename = 'medicore_patient_rest' and state = 'idle in transaction'"), 1);
	ck_assert_int_eq(once_end(&rest, &once, RC_OK), RC_UNAVAILABLE);
	ck_assert_int_eq(EFFECTS, 0);
	ck_assert_int_eq(ask(&rest, &asked, &once), RC_OK);
	ck_assert(!once.again);
	ck_assert_int_eq(EFFECTS, 1);
}
END_TEST

/* Nobody who reads the table can use the key, or try out what a body held. */
START_TEST(neither_the_key_nor_a_plain_hash_of_the_request_is_kept)
{
	struct once_request asked = request("a key that is secret");
	unsigned char hash[crypto_hash_sha256_BYTES];
	char sql[256], hex[2 * sizeof(hash) + 1];
	struct once once;

	ck_assert_int_eq(ask(&rest, &asked, &once), RC_OK);
	ck_assert_int_eq(number("select count(*) as n from kept_answer where position('a key that is secret'::bytea in key) > 0"), 0);
	crypto_hash_sha256(hash, (const unsigned char *)"/x\0{\"a\":1}", 10);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	snprintf(sql, sizeof(sql), "select count(*) as n from kept_answer where fingerprint = '\\x%s'", hex);
	ck_assert_int_eq(number(sql), 0);
}
END_TEST

/* --- at once --- */

struct asking {
	pthread_t thread;
	pthread_barrier_t *start; /* NULL: at once */
	struct ctx cx;
	struct once_request asked;
	struct once once;
	enum rc rc;
};

static void *
asking_main(void *arg)
{
	struct asking *a = arg;

	if (a->start != NULL)
		pthread_barrier_wait(a->start);
	a->rc = ask(&a->cx, &a->asked, &a->once);
	return NULL;
}

static void
begin_asking(struct asking *a, pthread_barrier_t *start)
{
	a->start = start;
	a->asked = request("k");
	pgtest_connect(&a->cx, "medicore_patient_rest");
	ck_assert_int_eq(pthread_create(&a->thread, NULL, asking_main, a), 0);
}

/* Until somebody stands at the key's index. */
static void
wait_blocked(void)
{
	int64_t end = clock_monotonic_ns() + INT64_C(10000000000);

	while (number("select count(*) as n from pg_stat_activity where wait_event = 'transactionid'") == 0)
		ck_assert_int_lt(clock_monotonic_ns(), end);
}

START_TEST(who_comes_meanwhile_waits_and_gets_the_answer_of_the_first)
{
	struct once_request asked = request("k");
	struct asking second = { 0 };
	struct once first;

	ck_assert_int_eq(once_begin(&rest, &asked, &first), RC_OK);
	begin_asking(&second, NULL);
	wait_blocked();
	ck_assert_int_eq(once_end(&rest, &first, act(&rest, &first, RC_OK)), RC_OK);
	pthread_join(second.thread, NULL);
	ck_assert_int_eq(second.rc, RC_OK);
	ck_assert(second.once.again);
	assert_answer(&second.once.answer);
	ck_assert_int_eq(EFFECTS, 1);
	pgtest_disconnect(&second.cx);
}
END_TEST

START_TEST(where_the_first_fails_the_one_that_waits_does_it)
{
	struct once_request asked = request("k");
	struct asking second = { 0 };
	struct once first;

	ck_assert_int_eq(once_begin(&rest, &asked, &first), RC_OK);
	begin_asking(&second, NULL);
	wait_blocked();
	ck_assert_int_eq(once_end(&rest, &first, act(&rest, &first, RC_INVALID)), RC_INVALID);
	pthread_join(second.thread, NULL);
	ck_assert_int_eq(second.rc, RC_OK);
	ck_assert(!second.once.again);
	ck_assert_int_eq(EFFECTS, 1);
	pgtest_disconnect(&second.cx);
}
END_TEST

START_TEST(who_has_waited_too_long_is_told_so_and_can_go_on)
{
	struct once_request asked = request("k"), another = request("another");
	int64_t begun = clock_monotonic_ns(), took_ms;
	struct once first, second;

	ck_assert_int_eq(once_begin(&rest, &asked, &first), RC_OK);
	ck_assert_int_eq(ask(&other, &asked, &second), RC_CONFLICT);
	took_ms = (clock_monotonic_ns() - begun) / 1000000;
	ck_assert_str_eq(err_message(&other, RC_CONFLICT),
	    "The request that came with this idempotency key before is still under way");
	ck_assert_int_ge(took_ms, 1000);
	ck_assert_int_le(took_ms, ONCE_WAIT_MS + 1000);
	ck_assert_int_eq(ask(&other, &another, &second), RC_OK);
	ck_assert(!second.again);
	ck_assert_int_eq(once_end(&rest, &first, act(&rest, &first, RC_OK)), RC_OK);
	ck_assert_int_eq(EFFECTS, 2);
}
END_TEST

START_TEST(nobody_waits_beyond_the_time_of_the_request)
{
	struct once_request asked = request("k");
	struct once first, second;

	ck_assert_int_eq(once_begin(&rest, &asked, &first), RC_OK);
	other.deadline_ns = clock_monotonic_ns() + INT64_C(400000000);
	ck_assert_int_eq(once_begin(&other, &asked, &second), RC_CONFLICT);
	ck_assert_int_gt(ctx_time_left_ms(&other, 400), 0);
	ck_assert_int_eq(once_end(&rest, &first, RC_INVALID), RC_INVALID);
}
END_TEST

START_TEST(many_at_once_have_one_effect_and_equal_answers)
{
	struct asking all[MANY] = { 0 };
	pthread_barrier_t start;
	size_t did = 0;

	pthread_barrier_init(&start, NULL, MANY);
	for (size_t i = 0; i < MANY; i++)
		begin_asking(&all[i], &start);
	for (size_t i = 0; i < MANY; i++) {
		pthread_join(all[i].thread, NULL);
		ck_assert_int_eq(all[i].rc, RC_OK);
		assert_answer(&all[i].once.answer);
		did += !all[i].once.again;
		pgtest_disconnect(&all[i].cx);
	}
	pthread_barrier_destroy(&start);
	ck_assert_uint_eq(did, 1);
	ck_assert_int_eq(EFFECTS, 1);
	ck_assert_int_eq(KEPT, 1);
}
END_TEST

/* --- keeping --- */

START_TEST(answers_are_kept_a_day_and_all_older_ones_purged)
{
	run("insert into kept_answer (account, route, key, fingerprint, created_at)"
	    " select '', '', int4send(i), '', now() - interval '24 hours 1 minute' - i * interval '1 ms' from generate_series(1, 25000) i");
	run("insert into kept_answer (account, route, key, fingerprint, created_at)"
	    " values ('', '', 'young', '', now() - interval '23 hours 59 minutes')");
	ck_assert_int_eq(once_purge(&relay), RC_OK);
	ck_assert_int_eq(KEPT, 1);
	ck_assert_int_eq(number("select count(*) as n from kept_answer where key = 'young'"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("once");
	TCase *tc = tcase_create("once");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_same_again_has_no_effect_and_gets_the_very_same_answer);
	tcase_add_test(tc, another_request_with_the_key_is_refused);
	tcase_add_test(tc, keys_of_other_accounts_and_routes_are_other_keys);
	tcase_add_test(tc, a_failure_has_no_effect_and_leaves_the_key_free);
	tcase_add_test(tc, a_connection_lost_on_the_way_is_as_if_nothing_had_been_asked);
	tcase_add_test(tc, neither_the_key_nor_a_plain_hash_of_the_request_is_kept);
	tcase_add_test(tc, who_comes_meanwhile_waits_and_gets_the_answer_of_the_first);
	tcase_add_test(tc, where_the_first_fails_the_one_that_waits_does_it);
	tcase_add_test(tc, who_has_waited_too_long_is_told_so_and_can_go_on);
	tcase_add_test(tc, nobody_waits_beyond_the_time_of_the_request);
	tcase_add_test(tc, many_at_once_have_one_effect_and_equal_answers);
	tcase_add_test(tc, answers_are_kept_a_day_and_all_older_ones_purged);
	suite_add_tcase(suite, tc);
	return pgtest_main("patient", (Suite *[]){ suite, NULL });
}
