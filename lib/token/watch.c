/* watch.c - keys and ended logins learnt from auth, and tokens checked by them. */
#include "lib/token/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/uuid.h"
#include "lib/metrics/metrics.h"
#include "lib/token/cache.h"
#include "lib/token/ended.h"
#include "lib/token/fetch.h"

#define SECOND_NS INT64_C(1000000000)
#define TICK_NS SECOND_NS                     /* between two questions for ended logins … */
#define TICK_FIRST_NS (SECOND_NS / 4)         /* … and while nothing is known */
#define KEYS_EVERY_NS (60 * SECOND_NS)        /* so that a key that was taken away is forgotten */
#define KEYS_WANTED_EVERY_NS (10 * SECOND_NS) /* at most, however many unknown keys are named */
#define PATIENCE_NS SECOND_NS                 /* that a token of an unknown key has for it */
#define PAGES_MAX 1000                        /* of ended logins, at one time */

struct token_watch {
	token_watch_tell *tell;
	struct fetch *fetch; /* one thread's at a time */
	unsigned failed;     /* in a row; that thread's */
	bool threaded;
	pthread_t thread;
	atomic_bool known; /* keys, and which logins have ended */

	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;  /* the thread: there is something to do */
	pthread_cond_t news;  /* who waits: the thread has asked */
	bool stop;
	bool asking;             /* the thread is about it */
	unsigned rounds;         /* how often it has asked, whatever came of it */
	struct token_keys *keys; /* NULL: never learnt */
	bool keys_wanted, keys_failed;
	int64_t keys_asked_ns; /* 0: never */
	bool ended_known;
	int64_t after; /* the last that auth told of */
	struct ended ended;
	struct cache cache;
};

static int64_t
now_s(void)
{
	return clock_now_us() / 1000000;
}

/* --- asking --- */

/* NULL, or why not. */
static const char *
ask_keys(struct token_watch *w)
{
	const char *content, *why;
	struct token_keys *keys = NULL, *old;
	size_t length;

	why = fetch_get(w->fetch, "/.well-known/jwks.json", false, &content, &length);
	if (why == NULL)
		keys = token_keys_parse(content, length, &why);
	pthread_mutex_lock(&w->lock);
	w->keys_asked_ns = clock_monotonic_ns();
	w->keys_failed = keys == NULL;
	w->keys_wanted = false;
	old = w->keys;
	if (keys != NULL) {
		if (old != NULL && !keys_same(old, keys))
			cache_clear(&w->cache); /* perhaps of a key that is no more */
		w->keys = keys;
	}
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
	if (keys != NULL)
		token_keys_unref(old);
	return keys != NULL ? NULL : why;
}

/* A whole number that isn't negative, or -1. */
static int64_t
whole(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_int))
		return -1;
	return json_object_get_int64(value);
}

/* Under lock.  {"session": UUID, "until": seconds since 1970} */
static bool
take_session(struct token_watch *w, struct json_object *row)
{
	struct json_object *text;
	char session[UUID_SIZE];
	int64_t until = whole(row, "until");

	if (json_object_object_length(row) != 2 || !json_object_object_get_ex(row, "session", &text) ||
	    !json_object_is_type(text, json_type_string) || until < 0 || until > INT64_MAX / 2 ||
	    !uuid_parse(json_object_get_string(text), (size_t)json_object_get_string_len(text), session))
		return false;
	if (ended_add(&w->ended, session, until, now_s()))
		return true;
	w->ended_known = false; /* until there is room again */
	return false;
}

/* {"next": N, "sessions": […]}.  *ret_more: there may be more behind these. */
static bool
take_page(struct token_watch *w, struct json_object *page, bool *ret_more)
{
	struct json_object *sessions = NULL;
	int64_t next = whole(page, "next");
	bool good;

	good = json_object_object_length(page) == 2 && next >= 0 &&
	       json_object_object_get_ex(page, "sessions", &sessions) &&
	       json_object_is_type(sessions, json_type_array);
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; good && i < json_object_array_length(sessions); i++) {
		struct json_object *row = json_object_array_get_idx(sessions, i);

		good = json_object_is_type(row, json_type_object) && take_session(w, row);
	}
	if (good) {
		*ret_more = json_object_array_length(sessions) > 0 && next != w->after;
		/* A number below the last one: auth counts anew, from a database that was restored. */
		w->after = next < w->after ? 0 : next;
		w->ended_known = w->ended_known || !*ret_more;
	}
	pthread_mutex_unlock(&w->lock);
	return good;
}

static const char *
ask_ended(struct token_watch *w)
{
	const char *content, *why;
	struct json_object *page;
	bool more = true, good;
	char path[64];
	size_t length;

	for (int i = 0; more && i < PAGES_MAX; i++) {
		snprintf(path, sizeof(path), "/auth/revocations?after=%" PRId64, w->after);
		why = fetch_get(w->fetch, path, true, &content, &length);
		if (why != NULL)
			return why;
		page = json_read(content, length, &why);
		if (page == NULL)
			return "its list of ended logins is no JSON object";
		good = take_page(w, page, &more);
		json_object_put(page);
		if (!good)
			return "its list of ended logins is none, or too long";
	}
	return NULL;
}

static void
ask(struct token_watch *w, bool keys)
{
	const char *why_keys = keys ? ask_keys(w) : NULL, *why = ask_ended(w);

	if (why == NULL)
		why = why_keys;
	if (why != NULL && w->failed++ == 0)
		w->tell(why, 1);
	if (why == NULL && w->failed > 0) {
		w->tell(NULL, w->failed);
		w->failed = 0;
	}
	pthread_mutex_lock(&w->lock);
	w->asking = false;
	w->rounds++;
	atomic_store(&w->known, w->keys != NULL && w->ended_known);
	pthread_cond_broadcast(&w->news);
	pthread_mutex_unlock(&w->lock);
}

/* Under lock. */
static void
wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t at_ns)
{
	struct timespec at = { .tv_sec = at_ns / SECOND_NS, .tv_nsec = at_ns % SECOND_NS };

	(void)pthread_cond_timedwait(cond, lock, &at);
}

static void *
thread_main(void *arg)
{
	struct token_watch *w = arg;
	int64_t tick = clock_monotonic_ns(), now;
	bool keys;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		now = clock_monotonic_ns();
		if (now < tick && !w->keys_wanted) {
			wait_until(&w->wake, &w->lock, tick);
			continue;
		}
		keys = w->keys == NULL || w->keys_wanted || now - w->keys_asked_ns >= KEYS_EVERY_NS;
		w->asking = true;
		pthread_mutex_unlock(&w->lock);
		ask(w, keys);
		pthread_mutex_lock(&w->lock);
		tick = now + (w->keys != NULL && w->ended_known ? TICK_NS : TICK_FIRST_NS);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- who waits for an answer --- */

/* Without a thread: in its place, once. */
static void
ask_once(void *arg)
{
	ask(arg, true);
}

struct wish {
	struct token_watch *w;
	bool known_will_do; /* else it must be asked again, although something is known */
};

/* Under lock. */
static void
wake_thread(struct token_watch *w)
{
	w->keys_wanted = true;
	pthread_cond_signal(&w->wake);
}

/*
 * Under lock: until something is known, which a round brings that began after the question; one that is under way may have begun before
 * auth was there.
 */
static void
await_known(struct token_watch *w, int64_t until)
{
	unsigned due = w->rounds + (w->asking ? 2 : 1);

	while (!atomic_load(&w->known) && (int)(w->rounds - due) < 0 && clock_monotonic_ns() < until) {
		if (!w->asking && !w->keys_wanted)
			wake_thread(w);
		wait_until(&w->news, &w->lock, until);
	}
}

/* Under lock: until keys were asked for.  A question that is under way has to do, so that a flood of unknown keys can't make it a chain. */
static void
await_keys(struct token_watch *w, int64_t until)
{
	wake_thread(w);
	while (w->keys_wanted && clock_monotonic_ns() < until)
		wait_until(&w->news, &w->lock, until);
}

/* Has the thread ask at once, and waits for what comes of it. */
static void
ask_now(void *arg)
{
	const struct wish *wish = arg;
	struct token_watch *w = wish->w;
	int64_t until = clock_monotonic_ns() + PATIENCE_NS;

	pthread_mutex_lock(&w->lock);
	if (wish->known_will_do)
		await_known(w, until);
	else
		await_keys(w, until);
	pthread_mutex_unlock(&w->lock);
}

/* A key is unknown.  RC_OK where keys were asked for just now; else what that means. */
static enum rc
renew_keys(struct token_watch *w)
{
	bool may, failed;

	pthread_mutex_lock(&w->lock);
	may = w->threaded &&
	      (w->keys_wanted || clock_monotonic_ns() - w->keys_asked_ns >= KEYS_WANTED_EVERY_NS);
	failed = w->keys_failed;
	pthread_mutex_unlock(&w->lock);
	if (!may)
		return failed ? RC_UNAVAILABLE : RC_UNAUTHENTICATED;
	offload(ask_now, &(struct wish){ .w = w });
	pthread_mutex_lock(&w->lock);
	failed = w->keys_failed || w->keys_wanted;
	pthread_mutex_unlock(&w->lock);
	return failed ? RC_UNAVAILABLE : RC_OK;
}

/* The keys, counted; NULL while it isn't known which are good and which logins have ended. */
static struct token_keys *
known_keys(struct token_watch *w)
{
	struct token_keys *keys = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->keys != NULL && w->ended_known)
		keys = token_keys_ref(w->keys);
	pthread_mutex_unlock(&w->lock);
	return keys;
}

/* --- checking --- */

static enum rc
refuse_ended(struct ctx *cx)
{
	metrics_add(M_TOKENS_REFUSED, REFUSED_ENDED, 1);
	return err_detail(cx, RC_UNAUTHENTICATED, "token refused: its login was ended");
}

/* False where it isn't among those that were verified. */
static bool
verified_before(struct ctx *cx, struct token_watch *w, const unsigned char hash[CACHE_HASH],
    struct token *ret, enum rc *ret_rc)
{
	const struct cache_entry *found;
	struct cache_entry entry;
	bool ended = false;

	pthread_mutex_lock(&w->lock);
	found = w->ended_known ? cache_find(&w->cache, hash, now_s()) : NULL;
	if (found != NULL) {
		entry = *found;
		ended = ended_has(&w->ended, entry.session);
	}
	pthread_mutex_unlock(&w->lock);
	metrics_add(M_TOKEN_CACHE, found != NULL ? CACHE_HIT : CACHE_MISS, 1);
	if (found == NULL)
		return false;
	*ret_rc = ended ? refuse_ended(cx) : RC_OK;
	if (!ended)
		*ret = (struct token){
			.use = TOKEN_ACCESS,
			.id = arena_strdup(cx->arena, entry.id),
			.account = arena_strdup(cx->arena, entry.account),
			.session = arena_strdup(cx->arena, entry.session),
			.role = arena_strdup(cx->arena, entry.role),
			.issued_s = entry.issued_s,
			.expires_s = entry.expires_s,
		};
	return true;
}

/* By the keys that are known now. */
static enum rc
verify_now(struct ctx *cx, struct token_watch *w, const unsigned char hash[CACHE_HASH], const char *text,
    size_t length, struct token *ret, bool *ret_unknown_key)
{
	struct token_keys *keys = known_keys(w);
	bool ended = false;
	enum rc rc;

	*ret_unknown_key = false;
	if (keys == NULL)
		return err_detail(cx, RC_UNAVAILABLE, "keys and ended logins are not known yet");
	rc = token_verify(cx, keys, text, length, TOKEN_ACCESS, ret, ret_unknown_key);
	if (rc == RC_OK) {
		pthread_mutex_lock(&w->lock);
		ended = ended_has(&w->ended, ret->session);
		if (!ended && keys == w->keys) /* else the key may be no more */
			cache_add(&w->cache, hash, ret);
		pthread_mutex_unlock(&w->lock);
	}
	token_keys_unref(keys);
	return ended ? refuse_ended(cx) : rc;
}

enum rc
token_watch_verify(struct ctx *cx, struct token_watch *w, const char *text, size_t length, struct token *ret)
{
	unsigned char hash[CACHE_HASH];
	bool unknown;
	enum rc rc;

	if (!atomic_load(&w->known) && w->threaded)
		offload(ask_now, &(struct wish){ .w = w, .known_will_do = true });
	else if (!w->threaded && w->rounds == 0)
		offload(ask_once, w);
	if (length > TOKEN_MAX)
		length = TOKEN_MAX + 1; /* which is all that the gate looks at */
	cache_hash(&w->cache, text, length, hash);
	if (verified_before(cx, w, hash, ret, &rc))
		return rc;
	rc = verify_now(cx, w, hash, text, length, ret, &unknown);
	if (!unknown)
		return rc;
	rc = renew_keys(w);
	if (rc != RC_OK)
		return rc;
	err_clear(cx);
	return verify_now(cx, w, hash, text, length, ret, &unknown);
}

/* --- opening and closing --- */

/* Signals stay with the thread that waits for them. */
static bool
thread_start(struct token_watch *w)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, thread_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0;
}

struct token_watch *
token_watch_open(bool thread, token_watch_tell *tell)
{
	struct token_watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t monotonic;

	if (w == NULL)
		return NULL;
	w->tell = tell;
	w->fetch = fetch_open();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, &monotonic);
	pthread_cond_init(&w->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	cache_init(&w->cache);
	if (w->fetch != NULL && thread)
		w->threaded = thread_start(w);
	if (w->fetch == NULL || w->threaded != thread) {
		token_watch_close(w);
		return NULL;
	}
	return w;
}

void
token_watch_close(struct token_watch *w)
{
	if (w == NULL)
		return;
	if (w->threaded) {
		fetch_stop(w->fetch);
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	fetch_close(w->fetch);
	token_keys_unref(w->keys);
	ended_release(&w->ended);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->news);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
