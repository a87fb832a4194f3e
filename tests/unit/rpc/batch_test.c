/* batch_test.c - methods that answer many calls at once. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "proto/health.pb-c.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

#define MAX 4
#define MANY 10

/* What the batches were, but for those that wait. */
struct seen {
	size_t sizes[100], batches, calls;
	int64_t earliest_ns, latest_ns; /* of their deadlines */
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen counted;

/* Of those since the last time. */
static struct seen
seen(void)
{
	struct seen s;

	pthread_mutex_lock(&lock);
	s = counted;
	memset(&counted, 0, sizeof(counted));
	pthread_mutex_unlock(&lock);
	return s;
}

static void
count(const struct ctx *cx, size_t calls)
{
	struct seen *s = &counted;

	pthread_mutex_lock(&lock);
	s->earliest_ns = s->batches == 0 || cx->deadline_ns < s->earliest_ns ? cx->deadline_ns : s->earliest_ns;
	s->latest_ns = s->batches == 0 || cx->deadline_ns > s->latest_ns ? cx->deadline_ns : s->latest_ns;
	s->sizes[s->batches++ % 100] = calls;
	s->calls += calls;
	pthread_mutex_unlock(&lock);
}

static const char *
id_of(const struct rpc_call *call)
{
	return ((const Patient__PatientLookupRequest *)rpc_asked(call))->patientid;
}

/* "wait" waits for the gate, "missing" and "silent" are what their names say, and others exist that begin with 'y'. */
static void
answer_one(struct ctx *cx, struct rpc_call *call)
{
	Patient__PatientLookupResponse response = PATIENT__PATIENT_LOOKUP_RESPONSE__INIT;
	const char *id = id_of(call);

	if (strcmp(id, "wait") == 0)
		gate_wait();
	if (strcmp(id, "missing") == 0)
		rpc_fail(call, err_set(rpc_ctx(call), RC_NOT_FOUND, "not %s", id));
	else if (strcmp(id, "together") == 0)
		rpc_fail_with(call, cx, err_set(cx, RC_CONFLICT, "all of them"));
	response.exists = id[0] == 'y' || strcmp(id, "wait") == 0;
	if (strcmp(id, "silent") != 0)
		rpc_answer(call, &response.base); /* nothing more, where it failed */
}

static void
verify_patient(struct ctx *cx, struct rpc_call *const *calls, size_t n)
{
	if (strcmp(id_of(calls[0]), "wait") != 0)
		count(cx, n);
	for (size_t i = 0; i < n; i++)
		answer_one(cx, calls[i]);
}

static const struct rpc_batched batched[] = {
	{ .method = "verifyPatient", .max = MAX, .run = verify_patient },
	{ .method = NULL },
};

/* --- clients --- */

struct client {
	pthread_t thread;
	struct fixture *f;
	const char *id;
	int timeout_ms;
	enum rc rc;
	bool exists;
	char words[100];
};

static void *
ask_once(void *arg)
{
	struct client *c = arg;
	struct arena *a = arena_new();
	struct ctx cx;

	ctx_init(&cx, a, NULL);
	c->rc = ask(c->f, &cx, c->id, c->timeout_ms, &c->exists);
	snprintf(c->words, sizeof(c->words), "%s", err_message(&cx, c->rc));
	arena_free(a);
	return NULL;
}

static void
begin(struct client *c, struct fixture *f, const char *id, int timeout_ms)
{
	*c = (struct client){ .f = f, .id = id, .timeout_ms = timeout_ms };
	ck_assert_int_eq(pthread_create(&c->thread, NULL, ask_once, c), 0);
}

static void
end(struct client *c, enum rc rc, bool exists)
{
	pthread_join(c->thread, NULL);
	ck_assert_msg(c->rc == rc, "%s: %s", c->id, rc_meaning(c->rc)->name);
	if (rc == RC_OK)
		ck_assert_msg(c->exists == exists, "%s", c->id);
}

/* Answered by the server's other threads: by then it has what was sent before. */
static void
ask_health(struct fixture *f)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	ProtobufCMessage *answer;

	ck_assert_int_eq(
	    rpc_invoke(&f->cx, f->channel, &grpc__health__v1__health__descriptor, 0, &request.base, 20000, &answer), RC_OK);
}

/* MANY calls of these ids (each third is "no", the others "yes", but for what is put in between) while the only worker is in a batch. */
static void
ask_many(struct fixture *f, struct client c[MANY], const char *between, int timeout_ms)
{
	struct client first;
	int64_t arrived_ns;

	(void)seen();
	gate_shut();
	begin(&first, f, "wait", 20000);
	gate_await_waiting(1);
	for (int i = 0; i < MANY; i++)
		begin(&c[i], f, i == 7 ? between : i % 3 == 0 ? "no" : "yes", i == 7 ? timeout_ms : 20000);
	ask_health(f);
	if (timeout_ms < 1000) { /* it is late by the time that somebody could see it, by the server's reckoning too */
		end(&c[7], RC_TIMEOUT, false);
		ask_health(f);
		arrived_ns = clock_monotonic_ns();
		while (clock_monotonic_ns() < arrived_ns + (timeout_ms + 10) * INT64_C(1000000))
			usleep(1000);
	}
	gate_open();
	end(&first, RC_OK, true);
	for (int i = 0; i < MANY; i++)
		if (i != 7)
			end(&c[i], RC_OK, i % 3 != 0);
}

/* A client's thread may be late with its call, so that it isn't the first round in which all wait together. */
START_TEST(calls_that_wait_are_answered_together_each_with_its_own)
{
	struct client c[MANY];
	struct fixture f;
	struct seen s;

	fixture_open_batched(&f, 1, 0, batched);
	do {
		ask_many(&f, c, "missing", 20000);
		end(&c[7], RC_NOT_FOUND, false);
		ck_assert_str_eq(c[7].words, "not missing");
		s = seen();
		ck_assert_uint_eq(s.calls, MANY);
	} while (s.sizes[0] < MAX || s.sizes[1] < MAX);
	ck_assert_uint_eq(s.batches, (MANY + MAX - 1) / MAX);
	ck_assert_uint_eq(s.sizes[2], MANY - 2 * MAX);
	fixture_close(&f);
}
END_TEST

START_TEST(one_that_is_not_well_formed_is_not_the_others_trouble)
{
	struct client c[MANY];
	struct fixture f;

	fixture_open_batched(&f, 1, 0, batched);
	ask_many(&f, c, "y\xff", 20000);
	end(&c[7], RC_INVALID, false);
	ck_assert_uint_eq(seen().calls, MANY - 1);
	fixture_close(&f);
}
END_TEST

START_TEST(one_without_an_answer_is_internal)
{
	struct client c[MANY];
	struct fixture f;

	fixture_open_batched(&f, 1, 0, batched);
	ask_many(&f, c, "silent", 20000);
	end(&c[7], RC_INTERNAL, false);
	fixture_close(&f);
}
END_TEST

START_TEST(what_went_wrong_for_all_is_told_to_each)
{
	struct client c[MANY];
	struct fixture f;

	fixture_open_batched(&f, 1, 0, batched);
	ask_many(&f, c, "together", 20000);
	end(&c[7], RC_CONFLICT, false);
	ck_assert_str_eq(c[7].words, "all of them");
	fixture_close(&f);
}
END_TEST

START_TEST(one_whose_deadline_passed_while_it_waited_is_not_handed_over)
{
	struct client c[MANY];
	struct fixture f;

	fixture_open_batched(&f, 1, 0, batched);
	ask_many(&f, c, "yes", 100);
	ck_assert_uint_eq(seen().calls, MANY - 1);
	fixture_close(&f);
}
END_TEST

START_TEST(a_batchs_deadline_is_its_latest)
{
	int64_t begun_ns = clock_monotonic_ns();
	struct client c[MANY];
	struct fixture f;
	struct seen s;

	fixture_open_batched(&f, 1, 0, batched);
	do {
		ask_many(&f, c, "yes", 60000);
		end(&c[7], RC_OK, true);
		s = seen();
	} while (s.calls < MANY || s.batches > 3);
	/* One of the three has 60 s, the others have 20. */
	ck_assert_int_gt(s.latest_ns, begun_ns + INT64_C(55000000000));
	ck_assert_int_lt(s.earliest_ns, begun_ns + INT64_C(55000000000));
	fixture_close(&f);
}
END_TEST

START_TEST(several_workers_run_batches_at_once)
{
	struct client waiting[3];
	struct fixture f;
	bool exists;

	fixture_open_batched(&f, 4, 0, batched);
	for (int i = 0; i < 3; i++) {
		begin(&waiting[i], &f, "wait", 20000);
		gate_await_waiting(i + 1);
	}
	ck_assert_int_eq(ask(&f, &f.cx, "yes", 20000, &exists), RC_OK);
	ck_assert(exists);
	gate_open();
	for (int i = 0; i < 3; i++)
		end(&waiting[i], RC_OK, true);
	fixture_close(&f);
}
END_TEST

/* And again: whoever stepped in rests, and is there the next time. */
START_TEST(workers_that_rest_step_in_for_those_that_are_stuck)
{
	struct client waiting[3];
	struct fixture f;
	bool exists;

	fixture_open_batched(&f, 4, 1, batched);
	for (int round = 0; round < 3; round++) {
		gate_shut();
		for (int i = 0; i < 3; i++) {
			begin(&waiting[i], &f, "wait", 20000);
			gate_await_waiting(i + 1);
		}
		ck_assert_int_eq(ask(&f, &f.cx, "yes", 20000, &exists), RC_OK);
		ck_assert(exists);
		ask_health(&f);
		gate_open();
		for (int i = 0; i < 3; i++)
			end(&waiting[i], RC_OK, true);
	}
	fixture_close(&f);
}
END_TEST

START_TEST(what_waits_when_the_server_stops_is_answered)
{
	struct client first, c[MANY];
	struct fixture f;

	fixture_open_batched(&f, 1, 0, batched);
	begin(&first, &f, "wait", 20000);
	gate_await_waiting(1);
	for (int i = 0; i < MANY; i++)
		begin(&c[i], &f, "yes", 20000);
	ask_health(&f);
	gate_open();
	ck_assert(rpc_server_stop(f.server, 10000));
	end(&first, RC_OK, true);
	for (int i = 0; i < MANY; i++) {
		pthread_join(c[i].thread, NULL);
		/* Those that came in time, and those that didn't. */
		ck_assert(c[i].rc == RC_OK ? c[i].exists : c[i].rc == RC_UNAVAILABLE);
	}
	fixture_close(&f);
}
END_TEST

Suite *
batch_suite(void)
{
	Suite *suite = suite_create("batch");
	TCase *tc = tcase_create("batch");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, calls_that_wait_are_answered_together_each_with_its_own);
	tcase_add_test(tc, one_that_is_not_well_formed_is_not_the_others_trouble);
	tcase_add_test(tc, one_without_an_answer_is_internal);
	tcase_add_test(tc, what_went_wrong_for_all_is_told_to_each);
	tcase_add_test(tc, one_whose_deadline_passed_while_it_waited_is_not_handed_over);
	tcase_add_test(tc, a_batchs_deadline_is_its_latest);
	tcase_add_test(tc, several_workers_run_batches_at_once);
	tcase_add_test(tc, workers_that_rest_step_in_for_those_that_are_stuck);
	tcase_add_test(tc, what_waits_when_the_server_stops_is_answered);
	suite_add_tcase(suite, tc);
	return suite;
}
