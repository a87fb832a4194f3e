#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/token/internal.h"
#include "tests/unit/token/forge.h"
#include "tests/unit/token/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define ID1 "018f4e3a-0000-7000-8000-000000000001"
#define ID2 "018f4e3a-0000-7000-8000-000000000002"
#define ID3 "018f4e3a-0000-7000-8000-000000000003"

static struct arena *arena;
static struct forger *forger;
static struct ctx cx;
static char directory[] = "/tmp/token-keys-XXXXXX", *suffix = directory + sizeof(directory) - 7;
static const char *why;

static void
setup(void)
{
	arena = arena_new();
	forger = forger_new();
	ctx_init(&cx, arena, NULL);
	memcpy(suffix, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
teardown(void)
{
	struct dirent *entry;
	DIR *stream = opendir(directory);

	while ((entry = readdir(stream)) != NULL)
		unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
	rmdir(directory);
	forger_free(forger);
	arena_free(arena);
}

static const char *
path_of(const char *kid)
{
	return arena_printf(arena, "%s/%s.jwk", directory, kid);
}

static void
put(const char *kid, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(kid), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path_of(kid), mode), 0);
}

static void
age(const char *kid, int64_t seconds)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
		{ .tv_sec = (time_t)(clock_now_us() / 1000000 - seconds) } };

	ck_assert_int_eq(utimensat(AT_FDCWD, path_of(kid), times, 0), 0);
}

static const char *
make(void)
{
	const char *kid;

	ck_assert_msg(token_key_make(arena, directory, &kid, &why), "%s", why);
	return kid;
}

static struct token_keys *
read_keys(void)
{
	struct token_keys *keys = token_keys_read(directory, &why);

	ck_assert_msg(keys != NULL, "%s", why);
	return keys;
}

static struct token
some_token(enum token_use use)
{
	int64_t now = clock_now_us() / 1000000;

	return (struct token){ .use = use,
		.id = ID3,
		.account = ID1,
		.session = ID2,
		.role = use == TOKEN_ACCESS ? "DOCTOR" : NULL,
		.issued_s = now,
		.expires_s = now + 60 };
}

START_TEST(what_is_signed_is_verified_by_what_is_published)
{
	struct token token = some_token(TOKEN_ACCESS), got;
	struct token_keys *keys, *published;
	struct buf b = { .arena = arena };
	const char *text;

	make();
	keys = read_keys();
	token_keys_write(&b, keys);
	ck_assert_ptr_null(strstr(b.bytes, "\"d\""));
	published = token_keys_parse(b.bytes, b.length, &why);
	ck_assert_msg(published != NULL, "%s", why);
	ck_assert_int_eq(token_sign(&cx, keys, &token, &text), RC_OK);
	ck_assert_uint_lt(strlen(text), 600);
	ck_assert_int_eq(token_verify(&cx, published, text, strlen(text), TOKEN_ACCESS, &got, NULL), RC_OK);
	ck_assert_str_eq(got.account, ID1);
	ck_assert_str_eq(got.session, ID2);
	ck_assert_str_eq(got.id, ID3);
	ck_assert_str_eq(got.role, "DOCTOR");
	ck_assert_int_eq(got.expires_s, token.expires_s);
	token = some_token(TOKEN_REFRESH);
	ck_assert_int_eq(token_sign(&cx, keys, &token, &text), RC_OK);
	ck_assert_int_eq(token_verify(&cx, keys, text, strlen(text), TOKEN_REFRESH, &got, NULL), RC_OK);
	ck_assert_ptr_null(got.role);
	/* Nobody signs by what is published. */
	ck_assert_int_eq(token_sign(&cx, published, &token, &text), RC_INTERNAL);
	token_keys_unref(keys);
	token_keys_unref(published);
}
END_TEST

START_TEST(a_key_is_made_for_its_owner_alone)
{
	const char *kid, *inner;
	struct stat st;

	kid = make();
	ck_assert_int_eq(stat(path_of(kid), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	/* A directory that isn't there is made, with its owner's rights alone. */
	inner = arena_printf(arena, "%s/inner", directory);
	ck_assert(token_key_make(arena, inner, &kid, &why));
	ck_assert_int_eq(stat(inner, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(unlink(arena_printf(arena, "%s/%s.jwk", inner, kid)), 0);
	ck_assert_int_eq(rmdir(inner), 0); /* nothing else was left in it */
	ck_assert(!token_key_make(arena, "/nowhere/at/all", &kid, &why));
}
END_TEST

START_TEST(a_new_key_signs_once_others_can_have_learnt_it)
{
	const char *old = make(), *new;
	struct token_keys *keys = read_keys();
	int64_t now = clock_now_us() / 1000000;

	/* The only one there is signs at once. */
	ck_assert_str_eq(keys_signer(keys, now)->kid, old);
	token_keys_unref(keys);
	age(old, 1000);
	new = make();
	age(new, 5);
	keys = read_keys();
	ck_assert_uint_eq(keys->count, 2);
	ck_assert_str_eq(keys_signer(keys, now)->kid, old);
	ck_assert_str_eq(keys_signer(keys, now + 9)->kid, old);
	ck_assert_str_eq(keys_signer(keys, now + 11)->kid, new);
	token_keys_unref(keys);
}
END_TEST

START_TEST(a_key_is_removed_when_no_token_needs_it)
{
	int64_t refresh = config->auth.refresh_lifetime_s;
	const char *oldest = make(), *middle = make(), *newest = make();

	/* Replaced long ago; replaced so that a last refresh token has just a little left; in use. */
	age(oldest, 3 * refresh);
	age(middle, 2 * refresh);
	age(newest, refresh);
	make();
	ck_assert_int_ne(access(path_of(oldest), F_OK), 0);
	ck_assert_int_eq(access(path_of(middle), F_OK), 0);
	ck_assert_int_eq(access(path_of(newest), F_OK), 0);
	age(newest, refresh + KEY_LEARNT_S + TOKEN_LEEWAY_S + 2);
	make();
	ck_assert_int_ne(access(path_of(middle), F_OK), 0);
	ck_assert_int_eq(access(path_of(newest), F_OK), 0);
}
END_TEST

START_TEST(a_key_too_many_is_not_made_and_does_no_harm)
{
	const char *first = make(), *kid;

	for (int i = 1; i < KEYS_MAX; i++)
		make();
	ck_assert(!token_key_make(arena, directory, &kid, &why));
	ck_assert_str_eq(
	    why, "the directory has as many keys as it may; the oldest is needed until its last token ends");
	token_keys_unref(read_keys());
	age(first, 3 * config->auth.refresh_lifetime_s);
	ck_assert(!token_key_make(
	    arena, directory, &kid, &why)); /* its successor is new: it may have signed just now */
	ck_assert_int_eq(unlink(path_of(first)), 0);
	make();
}
END_TEST

START_TEST(a_directory_that_is_no_good_is_refused_saying_why)
{
	struct forger *other = forger_new();
	const char *mine = forger_jwk(arena, forger, "k1", true),
		   *theirs = forger_jwk(arena, other, "k1", true);
	char *mixed = arena_strdup(arena, mine);
	const struct {
		const char *name, *text;
		mode_t mode;
		const char *due;
	} cases[] = {
		{ "k1", mine, 0640, "a key's file is none, or others than its owner can read it" },
		{ "k1", mine, 0604, "a key's file is none, or others than its owner can read it" },
		{ "k2", mine, 0600, "a key's file has another name than its key" },
		{ "k1", forger_jwk(arena, forger, "k1", false), 0600, "a key without a private half" },
		{ "k1", mixed, 0600, "a key whose halves don't belong together" },
		{ "k1", "", 0600, "it is no JSON" },
		{ "k1", "[]", 0600, "it is no JSON object" },
		{ "k1", "{\"kty\":\"RSA\"}", 0600, "a key that is not for ES256" },
		{ "k1", arena_printf(arena, "%5000s", mine), 0600,
		    "a key's file can't be read, or is too long" },
	};

	memcpy(strstr(mixed, "\"d\":"), strstr(theirs, "\"d\":"), strlen(strstr(theirs, "\"d\":")));
	ck_assert_ptr_null(token_keys_read("/nowhere", &why));
	ck_assert_str_eq(why, "the directory of keys can't be read");
	ck_assert_ptr_null(token_keys_read(directory, &why));
	ck_assert_str_eq(why, "the directory has no key");
	for (size_t i = 0; i < COUNT(cases); i++) {
		put(cases[i].name, cases[i].text, cases[i].mode);
		ck_assert_ptr_null(token_keys_read(directory, &why));
		ck_assert_str_eq(why, cases[i].due);
		ck_assert_int_eq(unlink(path_of(cases[i].name)), 0);
	}
	put("k1", mine, 0600);
	put(".k1", "half of a key", 0600); /* being written */
	token_keys_unref(read_keys());
	forger_free(other);
}
END_TEST

/* With another letter of y, of 43. */
static const char *
changed(const char *jwk, size_t at)
{
	char *copy = arena_strdup(arena, jwk), *letter = strstr(copy, "\"y\":\"") + 5 + at;

	*letter = *letter == 'B' ? 'C' : 'B';
	return copy;
}

/* With 43 bytes for y, of which two are one letter that base64url doesn't have. */
static const char *
accented(const char *jwk)
{
	char *copy = arena_strdup(arena, jwk);

	memcpy(strstr(copy, "\"y\":\"") + 5 + 7, "\xc3\xa9", 2);
	return copy;
}

START_TEST(a_set_that_is_none_is_refused)
{
	const char *jwk = forger_jwk(arena, forger, "k1", false);
	const char *off_curve = changed(jwk, 3),
		   *stray = changed(jwk, 42); /* the last letter's last two bits are 0 */
	const char *const texts[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"keys\":[]}",
		"{\"keys\":{}}",
		"{\"keys\":[1,null,\"k\",[]]}",
		arena_printf(arena, "{\"keys\":[%s]}x", jwk),
		arena_printf(arena, "{\"keys\":[%s,%s]}", jwk, jwk),
		arena_printf(arena, "{\"keys\":[%s],\"keys\":[%s]}", jwk, jwk),
		arena_printf(arena, "{\"keys\":[%s]}", off_curve),
		arena_printf(arena, "{\"keys\":[%s]}", stray),
		arena_printf(arena, "{\"keys\":[%s]}", accented(jwk)),
		arena_printf(arena, "{\"keys\":[{\"use\":\"enc\",%s]}", jwk + 1),
		arena_printf(arena, "{\"keys\":[{\"alg\":\"ES384\",%s]}", jwk + 1),
		arena_printf(arena, "{\"keys\":[%s]}", forger_jwk(arena, forger, "", false)),
		arena_printf(arena, "{\"keys\":[%s]}", forger_jwk(arena, forger, "../k", false)),
		"{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"AAAA\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k1\",\"x\":\"AA\",\"y\":\"AA\"}]}",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"k1\",\"x\":\"AA\",\"y\":\"AA\"}]}",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		why = NULL;
		ck_assert_msg(token_keys_parse(texts[i], strlen(texts[i]), &why) == NULL, "%s", texts[i]);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(keys_of_another_kind_are_passed_over)
{
	const char *set = arena_printf(arena,
	    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"AQAB\",\"e\":\"AQAB\"},%s],\"more\":1}",
	    forger_jwk(arena, forger, "k1", true));
	struct token_keys *keys = token_keys_parse(set, strlen(set), &why);

	ck_assert_ptr_nonnull(keys);
	ck_assert_uint_eq(keys->count, 1);
	ck_assert_ptr_null(keys->keys[0].private); /* even where somebody published it */
	ck_assert_ptr_eq(token_keys_ref(keys), keys);
	token_keys_unref(keys);
	ck_assert_str_eq(keys->keys[0].kid, "k1");
	token_keys_unref(keys);
	token_keys_unref(NULL);
}
END_TEST

Suite *
keys_suite(void)
{
	Suite *suite = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_signed_is_verified_by_what_is_published);
	tcase_add_test(tc, a_key_is_made_for_its_owner_alone);
	tcase_add_test(tc, a_new_key_signs_once_others_can_have_learnt_it);
	tcase_add_test(tc, a_key_is_removed_when_no_token_needs_it);
	tcase_add_test(tc, a_key_too_many_is_not_made_and_does_no_harm);
	tcase_add_test(tc, a_directory_that_is_no_good_is_refused_saying_why);
	tcase_add_test(tc, a_set_that_is_none_is_refused);
	tcase_add_test(tc, keys_of_another_kind_are_passed_over);
	suite_add_tcase(suite, tc);
	return suite;
}
