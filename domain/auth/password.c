/*
 * password.c - argon2id by libsodium (RFC 9106), a few at a time: each takes [auth] hash_memory, and logins must not be able to
 * take all there is.
 */
#include "config.h" /* _GNU_SOURCE: pthread_cond_clockwait */

#include "domain/auth/password.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "domain/auth/auth.h"
#include "domain/auth/bcrypt.h"
#include "domain/auth/common_passwords.h"
#include "lib/base/config.h"

/* How many may be hashed or wait for it, for each that is hashed at once: the process has other things to answer too, such as which logins
 * have ended, and whoever waits holds what answers. */
#define IN_LINE 3

struct waiter {
	struct waiter *next;
	pthread_cond_t called;
	bool has_turn;
};

/* Of the process, as the bound is: how many more may be hashed now, how many may come, who waits, and a hash of nobody's password. */
static struct {
	pthread_mutex_t lock;
	int left, places;
	struct waiter *first, **last;
} turns = { .lock = PTHREAD_MUTEX_INITIALIZER, .last = &turns.first };
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static char nobodys[crypto_pwhash_STRBYTES];
static bool usable;

struct job {
	const char *password, *hash;
	int dearest_bcrypt;
	char made[crypto_pwhash_STRBYTES];
	int64_t deadline_ns;
	enum rc rc;
	bool good;
};

static bool
make(char hash[crypto_pwhash_STRBYTES], const char *password)
{
	return crypto_pwhash_str_alg(hash, password, strlen(password),
		   (unsigned long long)config->auth.hash_passes, (size_t)config->auth.hash_memory,
		   crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static void
prepare(void)
{
	unsigned char random[24];
	char password[2 * sizeof(random) + 1];

	turns.left = config->auth.hashes_at_once;
	turns.places = turns.left * IN_LINE;
	usable = sodium_init() >= 0;
	if (!usable)
		return;
	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(password, sizeof(password), random, sizeof(random));
	usable = make(nobodys, password);
}

/* --- the line; under lock, up to enter() --- */

static void
wait_until_called(struct waiter *w, int64_t deadline_ns)
{
	struct timespec until = { .tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000 };
	int err = 0;

	while (!w->has_turn && err == 0)
		err = deadline_ns == 0
			  ? pthread_cond_wait(&w->called, &turns.lock)
			  : pthread_cond_clockwait(&w->called, &turns.lock, CLOCK_MONOTONIC, &until);
}

static void
give_up(const struct waiter *w)
{
	struct waiter **at = &turns.first;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (w->next == NULL)
		turns.last = at;
}

static bool
wait_for_turn(int64_t deadline_ns)
{
	struct waiter w = { .called = PTHREAD_COND_INITIALIZER };

	*turns.last = &w;
	turns.last = &w.next;
	wait_until_called(&w, deadline_ns);
	if (!w.has_turn)
		give_up(&w);
	pthread_cond_destroy(&w.called);
	return w.has_turn;
}

/* A turn is free only while nobody waits. */
static bool
take_turn(int64_t deadline_ns)
{
	if (turns.left == 0)
		return wait_for_turn(deadline_ns);
	turns.left--;
	return true;
}

/* To whoever has waited longest: one left lying would be taken by who comes next, perhaps this thread again, before another wakes. */
static void
hand_on_turn(void)
{
	struct waiter *w = turns.first;

	if (w == NULL) {
		turns.left++;
		return;
	}
	turns.first = w->next;
	if (turns.first == NULL)
		turns.last = &turns.first;
	w->has_turn = true;
	pthread_cond_signal(&w->called);
}

/* False: no place, or no turn until the deadline. */
static bool
enter(int64_t deadline_ns)
{
	bool entered = false;

	pthread_mutex_lock(&turns.lock);
	if (turns.places > 0) {
		turns.places--;
		entered = take_turn(deadline_ns);
		if (!entered)
			turns.places++;
	}
	pthread_mutex_unlock(&turns.lock);
	return entered;
}

static void
leave(void)
{
	pthread_mutex_lock(&turns.lock);
	hand_on_turn();
	turns.places++;
	pthread_mutex_unlock(&turns.lock);
}

/* --- one --- */

static bool
is_argon2id(const char *hash, const char *password)
{
	return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

/* An argon2id that isn't it, or nobody's, costs a bcrypt too where any account has one. */
static void
verify_argon2id(struct job *job)
{
	job->good = is_argon2id(job->hash, job->password);
	if (!job->good && job->dearest_bcrypt > 0 && !bcrypt_spend(job->dearest_bcrypt))
		job->rc = RC_UNAVAILABLE;
}

/* A bcrypt that isn't it costs an argon2id too, and what is missing to the dearest one: 2^n + … + 2^(m-1) is 2^m - 2^n. */
static void
verify_bcrypt(struct job *job, int cost)
{
	bool done = bcrypt_verify(job->hash, job->password, &job->good);

	if (done && !job->good) {
		(void)is_argon2id(nobodys, job->password);
		for (; done && cost < job->dearest_bcrypt; cost++)
			done = bcrypt_spend(cost);
	}
	if (!done)
		job->rc = RC_UNAVAILABLE;
}

static void
verify(struct job *job)
{
	int cost = bcrypt_cost(job->hash);

	if (cost == 0)
		verify_argon2id(job);
	else
		verify_bcrypt(job, cost);
}

/* hash NULL: makes one. */
static void
work(void *arg)
{
	struct job *job = arg;

	pthread_once(&prepared, prepare);
	if (!usable || !enter(job->deadline_ns)) {
		job->rc = RC_UNAVAILABLE;
		return;
	}
	if (job->hash != NULL)
		verify(job);
	/* Fails only for want of memory. */
	else if (!make(job->made, job->password))
		job->rc = RC_UNAVAILABLE;
	leave();
}

static enum rc
run(struct ctx *cx, struct job *job)
{
	job->deadline_ns = cx->deadline_ns;
	offload(work, job);
	return job->rc == RC_OK ? RC_OK : err_detail(cx, job->rc, "no password can be hashed now");
}

enum rc
password_hash(struct ctx *cx, const char *password, const char **ret_hash)
{
	struct job job = { .password = password };
	enum rc rc = run(cx, &job);

	if (rc == RC_OK)
		*ret_hash = arena_strdup(cx->arena, job.made);
	return rc;
}

/* --- many --- */

struct pile {
	const char *const *passwords;
	char (*made)[crypto_pwhash_STRBYTES];
	size_t count;
	atomic_size_t next;
	atomic_bool failed;
};

static void *
work_off(void *arg)
{
	struct pile *pile = arg;
	size_t i;

	while (!atomic_load(&pile->failed) && (i = atomic_fetch_add(&pile->next, 1)) < pile->count)
		if (!make(pile->made[i], pile->passwords[i]))
			atomic_store(&pile->failed, true);
	return NULL;
}

/* This thread takes its share, so that it is done where no other can be had. */
static void
share_out(struct pile *pile)
{
	pthread_t others[64];
	size_t count = 0, most = (size_t)config->auth.hashes_at_once - 1;

	while (count < most && count < sizeof(others) / sizeof(*others) && count + 1 < pile->count &&
	       pthread_create(&others[count], NULL, work_off, pile) == 0)
		count++;
	work_off(pile);
	while (count > 0)
		pthread_join(others[--count], NULL);
}

enum rc
password_hash_all(struct ctx *cx, const char *const *passwords, size_t count, const char **ret_hashes)
{
	struct pile pile = { .passwords = passwords, .count = count };

	pthread_once(&prepared, prepare);
	pile.made = arena_zalloc_n(cx->arena, count, crypto_pwhash_STRBYTES);
	if (usable)
		share_out(&pile);
	if (!usable || atomic_load(&pile.failed))
		return err_detail(cx, RC_UNAVAILABLE, "no password can be hashed now");
	for (size_t i = 0; i < count; i++)
		ret_hashes[i] = pile.made[i];
	return RC_OK;
}

/* --- is it? --- */

enum rc
password_verify(struct ctx *cx, const char *hash, int dearest_bcrypt, const char *password, bool *ret_good,
    bool *ret_outdated)
{
	struct job job = { .password = password, .hash = hash != NULL ? hash : nobodys, .dearest_bcrypt = dearest_bcrypt };
	enum rc rc = run(cx, &job);

	if (rc != RC_OK)
		return rc;
	*ret_good = job.good && hash != NULL;
	/* Which bcrypt always is. */
	*ret_outdated = crypto_pwhash_str_needs_rehash(job.hash, (unsigned long long)config->auth.hash_passes,
			    (size_t)config->auth.hash_memory) != 0;
	return RC_OK;
}

static bool
common(struct ctx *cx, const char *password)
{
	char *line = arena_printf(cx->arena, "\n%s\n", password);

	if (strchr(password, '\n') != NULL)
		return false;
	for (char *c = line; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return strstr(common_passwords, line) != NULL;
}

enum rc
password_check(struct ctx *cx, const char *member, const char *password)
{
	size_t length = utf8_length(password);

	if (length < PASSWORD_MIN)
		return err_field(
		    cx, RC_INVALID, member, "Password must have at least %d characters", PASSWORD_MIN);
	if (length > PASSWORD_MAX)
		return err_field(
		    cx, RC_INVALID, member, "Password must have at most %d characters", PASSWORD_MAX);
	if (common(cx, password))
		return err_field(
		    cx, RC_INVALID, member, "This password is among the commonest, which are tried first");
	return RC_OK;
}
