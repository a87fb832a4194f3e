/* What may be a password, and how many are hashed at once. */
#include "config.h" /* _GNU_SOURCE: cpu_set_t */

#include "domain/auth/password.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "tests/unit/auth/fakes.h"

static struct config own;

static void
setup(void)
{
	fakes_setup();
	own = *config;
	own.auth.hashes_at_once = 1;
	config = &own;
}

START_TEST(password_has_a_length_and_is_not_common)
{
	static const struct {
		const char *password;
		bool good;
	} cases[] = {
		{ "1234567", false },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", false }, /* eight bytes, four characters */
		{ "password", false },
		{ "PASSWORD1", false },
		{ "qwertyuiop", false },
		{ "1q2w3e4r5t", false }, /* of the first ten */
		{ "long enough", true },
		{ "password\n", true },
		{ "word1234567890123", true }, /* the end of one and more */
		{ "\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91\xf0\x9f\x94\x91"
		  "\xf0\x9f\x94\x91", true },
	};
	char longest[130];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err_clear(&cx);
		ck_assert_msg(password_check(&cx, "p", cases[i].password) == (cases[i].good ? RC_OK : RC_INVALID), "%s",
		    cases[i].password);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[129] = '\0';
	ck_assert_int_eq(password_check(&cx, "p", longest), RC_INVALID);
	err_clear(&cx);
	ck_assert_int_eq(password_check(&cx, "p", longest + 1), RC_OK);
}
END_TEST

START_TEST(hash_is_argon2id_with_the_configured_parameters)
{
	const char *hash, *other;
	bool good, outdated;

	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &other), RC_OK);
	ck_assert_int_eq(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
	ck_assert_str_ne(hash, other);
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(good && !outdated);
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD "!", &good, &outdated), RC_OK);
	ck_assert(!good);
	own.auth.hash_memory = INT64_C(20) << 20;
	ck_assert_int_eq(password_verify(&cx, hash, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(good && outdated);
}
END_TEST

START_TEST(nobodys_password_is_never_good_and_takes_as_long)
{
	clock_t start, hashed, verified; /* of the processor: who waits for a turn on it is no slower */
	const char *hash;
	bool good, outdated;

	ck_assert_int_eq(password_verify(&cx, NULL, 0, PASSWORD, &good, &outdated), RC_OK);
	ck_assert(!good && !outdated);
	start = clock();
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
	hashed = clock() - start;
	start = clock();
	ck_assert_int_eq(password_verify(&cx, NULL, 0, PASSWORD, &good, &outdated), RC_OK);
	verified = clock() - start;
	ck_assert_int_gt(verified * 5, hashed);
}
END_TEST

/* --- a turn that lasts until the test ends it --- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	int begun, refused; /* of others, since it was closed */
	char whose[8];      /* the first letters of what was hashed, in turn */
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

/* libsodium's, and what the linker calls in its place (--wrap): whoever has got the turn keeps it while the gate is closed. */
int __real_crypto_pwhash_str_alg(char *out, const char *password, unsigned long long length,
    unsigned long long passes, size_t memory, int alg);
int __wrap_crypto_pwhash_str_alg(char *out, const char *password, unsigned long long length,
    unsigned long long passes, size_t memory, int alg);

int
__wrap_crypto_pwhash_str_alg(char *out, const char *password, unsigned long long length,
    unsigned long long passes, size_t memory, int alg)
{
	pthread_mutex_lock(&gate.lock);
	if (gate.begun < (int)sizeof(gate.whose) - 1)
		gate.whose[gate.begun] = *password;
	gate.begun++;
	pthread_cond_broadcast(&gate.changed);
	while (gate.closed)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	return __real_crypto_pwhash_str_alg(out, password, length, passes, memory, alg);
}

static void
gate_close(void)
{
	const char *hash;

	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK); /* nobody's is made before the first */
	gate.closed = true;
	gate.begun = gate.refused = 0;
	memset(gate.whose, 0, sizeof(gate.whose));
}

static void
gate_open(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = false;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* What never comes ends with the test's time. */
static void
gate_await(const int *what, int count)
{
	pthread_mutex_lock(&gate.lock);
	while (*what < count)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

struct other {
	pthread_t id;
	struct ctx cx;
	const char *password;
	int times;
	enum rc rc; /* of the last */
};

static void *
hash_some(void *arg)
{
	struct other *other = arg;
	const char *hash;

	for (int i = 0; i < other->times; i++)
		other->rc = password_hash(&other->cx, other->password, &hash);
	pthread_mutex_lock(&gate.lock);
	gate.refused += other->rc == RC_UNAVAILABLE;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	return NULL;
}

static void
other_comes(struct other *other, const char *password, int times, int64_t deadline_ns)
{
	*other = (struct other){ .password = password, .times = times };
	ctx_init(&other->cx, arena_new(), NULL);
	other->cx.deadline_ns = deadline_ns;
	ck_assert_int_eq(pthread_create(&other->id, NULL, hash_some, other), 0);
}

static void
other_goes(struct other *other)
{
	pthread_join(other->id, NULL);
	arena_free(other->cx.arena);
}

/* More often than there are places in the line: who leaves it leaves a place. */
START_TEST(who_gets_no_turn_in_time_is_told_so)
{
	struct other other;
	const char *hash;

	gate_close();
	other_comes(&other, PASSWORD, 1, 0);
	gate_await(&gate.begun, 1);
	for (int i = 0; i < 4; i++) {
		cx.deadline_ns = clock_monotonic_ns() + 20000000;
		ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_UNAVAILABLE);
		ck_assert_int_ge(clock_monotonic_ns(), cx.deadline_ns);
	}
	ck_assert_int_eq(gate.begun, 1);
	gate_open();
	other_goes(&other);
	ck_assert_int_eq(other.rc, RC_OK);
	cx.deadline_ns = 0;
	ck_assert_int_eq(password_hash(&cx, PASSWORD, &hash), RC_OK);
}
END_TEST

/* A second waits, a third too; the fourth is told at once, although it would have time. */
START_TEST(who_comes_when_the_line_is_long_is_told_so_at_once)
{
	int64_t deadline_ns = clock_monotonic_ns() + INT64_C(600000000000); /* more than the test has */
	struct other others[4];

	gate_close();
	for (size_t i = 0; i < 4; i++)
		other_comes(&others[i], PASSWORD, 1, deadline_ns);
	gate_await(&gate.refused, 1);
	gate_await(&gate.begun, 1);
	gate_open();
	for (size_t i = 0; i < 4; i++)
		other_goes(&others[i]);
	ck_assert_int_eq(gate.refused, 1);
	ck_assert_int_eq(gate.begun, 3);
}
END_TEST

/* There whoever wakes another goes on before it. */
static void
stay_on_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	ck_assert_int_eq(sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }), 0);
}

/* Two wait; only a line that is full shows that they do. */
static void
come_again_while_two_wait(void)
{
	struct other again, others[3];

	gate_close();
	other_comes(&again, "again", 3, 0);
	gate_await(&gate.begun, 1);
	for (size_t i = 0; i < 3; i++)
		other_comes(&others[i], "other", 1, 0);
	gate_await(&gate.refused, 1);
	gate_open();
	other_goes(&again);
	for (size_t i = 0; i < 3; i++)
		other_goes(&others[i]);
	ck_assert_str_eq(gate.whose, "aooaa");
}

START_TEST(who_is_done_and_comes_again_is_behind_those_that_wait)
{
	stay_on_one_processor();
	come_again_while_two_wait();
	come_again_while_two_wait(); /* in a line that has been empty meanwhile */
}
END_TEST

Suite *
password_suite(void)
{
	Suite *suite = suite_create("passwords");
	TCase *tc = tcase_create("passwords");

	tcase_add_checked_fixture(tc, setup, fakes_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, password_has_a_length_and_is_not_common);
	tcase_add_test(tc, hash_is_argon2id_with_the_configured_parameters);
	tcase_add_test(tc, nobodys_password_is_never_good_and_takes_as_long);
	tcase_add_test(tc, who_gets_no_turn_in_time_is_told_so);
	tcase_add_test(tc, who_comes_when_the_line_is_long_is_told_so_at_once);
	tcase_add_test(tc, who_is_done_and_comes_again_is_behind_those_that_wait);
	suite_add_tcase(suite, tc);
	return suite;
}
