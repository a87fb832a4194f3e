#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/token/internal.h"
#include "tests/unit/token/forge.h"
#include "tests/unit/token/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define NOW INT64_C(1800000000)
#define HEADER "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define ID1 "018f4e3a-0000-7000-8000-000000000001"
#define ID2 "018f4e3a-0000-7000-8000-000000000002"
#define ID3 "018f4e3a-0000-7000-8000-000000000003"
#define WHO                                                                                                  \
	"\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3   \
	"\""
#define TIMES "\"iat\":1800000000,\"exp\":1800000900"
#define CLAIMS "{" WHO ",\"use\":\"access\",\"role\":\"STAFF\"," TIMES "}"

static struct arena *arena;
static struct forger *forger, *stranger;
static struct token_keys *keys;
static struct ctx cx;

static void
setup(void)
{
	arena = arena_new();
	forger = forger_new();
	stranger = forger_new();
	keys = forger_keys(arena, forger, "k1");
	ctx_init(&cx, arena, NULL);
}

static void
teardown(void)
{
	token_keys_unref(keys);
	forger_free(forger);
	forger_free(stranger);
	arena_free(arena);
}

/* Of an exact size, so that a reader that goes beyond is found by a sanitizer. */
static enum rc
verify_bytes(
    const char *text, size_t length, enum token_use use, int64_t now_s, struct token *ret, bool *ret_unknown)
{
	char *exact = malloc(length);
	enum rc rc;

	ck_assert(exact != NULL || length == 0);
	if (length > 0)
		memcpy(exact, text, length);
	rc = token_verify_at(&cx, keys, exact, length, use, now_s, ret, ret_unknown);
	free(exact);
	return rc;
}

static enum rc
verify(const char *text, enum token_use use, int64_t now_s)
{
	struct token token;

	return verify_bytes(text, strlen(text), use, now_s, &token, NULL);
}

static void
assert_refused(const char *text, const char *why)
{
	char due[128];

	err_clear(&cx);
	ck_assert_int_eq(verify(text, TOKEN_ACCESS, NOW), RC_UNAUTHENTICATED);
	snprintf(due, sizeof(due), "token refused: %s", why);
	ck_assert_str_eq(cx.err.detail, due);
	ck_assert_ptr_null(cx.err.message);
	ck_assert_ptr_null(cx.err.fields);
}

START_TEST(a_good_token_says_who_asks)
{
	const char *text = forge(arena, forger, HEADER, CLAIMS);
	struct token token;
	bool unknown = true;

	ck_assert_int_eq(verify_bytes(text, strlen(text), TOKEN_ACCESS, NOW, &token, &unknown), RC_OK);
	ck_assert(!unknown);
	ck_assert_str_eq(token.account, ID1);
	ck_assert_str_eq(token.session, ID2);
	ck_assert_str_eq(token.id, ID3);
	ck_assert_str_eq(token.role, "STAFF");
	ck_assert_int_eq(token.issued_s, NOW);
	ck_assert_int_eq(token.expires_s, NOW + 900);
	/* typ may be left out; spaces in JSON are fine. */
	text = forge(arena, forger, " { \"kid\" : \"k1\", \"alg\":\"ES256\"}\n", CLAIMS);
	ck_assert_int_eq(verify(text, TOKEN_ACCESS, NOW), RC_OK);
}
END_TEST

/* --- headers --- */

#define WITH(members) "{\"alg\":\"ES256\",\"kid\":\"k1\"," members "}"
static const char *const headers[] = {
	"{\"alg\":\"none\",\"kid\":\"k1\"}",
	"{\"alg\":\"None\",\"kid\":\"k1\"}",
	"{\"alg\":\"\",\"kid\":\"k1\"}",
	"{\"alg\":null,\"kid\":\"k1\"}",
	"{\"alg\":256,\"kid\":\"k1\"}",
	"{\"alg\":[\"ES256\"],\"kid\":\"k1\"}",
	"{\"alg\":\"es256\",\"kid\":\"k1\"}",
	"{\"alg\":\"ES256 \",\"kid\":\"k1\"}",
	"{\"alg\":\"ES256\\u0000\",\"kid\":\"k1\"}",
	"{\"alg\":\"ES384\",\"kid\":\"k1\"}",
	"{\"alg\":\"HS256\",\"kid\":\"k1\"}",
	"{\"alg\":\"RS256\",\"kid\":\"k1\"}",
	"{\"kid\":\"k1\"}",
	"{\"alg\":\"ES256\"}",
	"{\"alg\":\"ES256\",\"kid\":null}",
	"{\"alg\":\"ES256\",\"kid\":1}",
	"{\"alg\":\"ES256\",\"kid\":\"\"}",
	"{\"alg\":\"ES256\",\"kid\":\"../../../../dev/null\"}",
	"{\"alg\":\"ES256\",\"kid\":\"/etc/passwd\"}",
	"{\"alg\":\"ES256\",\"kid\":\"k1' or '1'='1\"}",
	"{\"alg\":\"ES256\",\"kid\":\"k1'; drop table account; --\"}",
	"{\"alg\":\"ES256\",\"kid\":\"k1\\u0000\"}",
	"{\"alg\":\"ES256\",\"kid\":\"k1\\n\"}",
	"{\"alg\":\"ES256\",\"kid\":\"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\"}",
	WITH("\"jku\":\"https://example.org/keys\""),
	WITH("\"jwk\":{\"kty\":\"EC\"}"),
	WITH("\"x5u\":\"https://example.org/chain\""),
	WITH("\"x5c\":[\"MIIB\"]"),
	WITH("\"x5t\":\"AA\""),
	WITH("\"crit\":[\"exp\"]"),
	WITH("\"crit\":[]"),
	WITH("\"crit\":[\"b64\"],\"b64\":false"),
	WITH("\"b64\":true"),
	WITH("\"cty\":\"JWT\""),
	WITH("\"zip\":\"DEF\""),
	WITH("\"enc\":\"A128GCM\""),
	WITH("\"typ\":\"at+jwt\""),
	WITH("\"typ\":1"),
	WITH("\"alg\":\"ES256\""), /* twice */
	WITH("\"kid\":\"k1\""),
	WITH("\"\\u006bid\":\"k1\""),
	"[\"ES256\",\"k1\"]",
	"\"ES256\"",
	"null",
	"",
	"{",
	"{\"alg\":\"ES256\",\"kid\":\"k1\",}",
	"{'alg':'ES256','kid':'k1'}",
	"{\"alg\":\"ES256\",\"kid\":\"k1\"}{}",
	"\xef\xbb\xbf{\"alg\":\"ES256\",\"kid\":\"k1\"}",
};

START_TEST(any_header_but_ours_is_refused)
{
	assert_refused(forge(arena, forger, headers[_i], CLAIMS), "a header that is none of ours");
}
END_TEST

START_TEST(a_token_without_a_signature_is_refused)
{
	const char *none = "{\"alg\":\"none\",\"kid\":\"k1\"}";
	const char *body = arena_printf(
	    arena, "%s.%s", base64url(arena, none, strlen(none)), base64url(arena, CLAIMS, strlen(CLAIMS)));

	assert_refused(arena_printf(arena, "%s.", body), "no ES256 signature");
	assert_refused(body, "not of three parts");
}
END_TEST

START_TEST(the_public_key_is_no_secret_of_hs256)
{
	static const char *const algs[] = { "HS256",
		"ES256" }; /* the second: what a mere comparison of names would let in */
	const char *pem = forger_pem(arena, forger), *jwk = forger_jwk(arena, forger, "k1", false);
	const void *point;
	size_t length;

	point = forger_point(arena, forger, &length);
	for (size_t i = 0; i < COUNT(algs); i++) {
		const char *header = arena_printf(arena, "{\"alg\":\"%s\",\"kid\":\"k1\"}", algs[i]);
		const char *const texts[] = {
			forge_hs256(arena, pem, strlen(pem), header, CLAIMS),
			forge_hs256(arena, pem, strlen(pem) - 1, header, CLAIMS),
			forge_hs256(arena, jwk, strlen(jwk), header, CLAIMS),
			forge_hs256(arena, point, length, header, CLAIMS),
			forge_hs256(arena, (const char *)point + 1, length - 1, header, CLAIMS),
			forge_hs256(arena, "", 0, header, CLAIMS),
		};

		for (size_t n = 0; n < COUNT(texts); n++)
			assert_refused(texts[n], "no ES256 signature");
	}
}
END_TEST

/* --- signatures --- */

START_TEST(anothers_signature_is_refused)
{
	assert_refused(forge(arena, stranger, HEADER, CLAIMS), "wrong signature");
}
END_TEST

/* Numbers that no signature has, and that would please a check which only multiplies (CVE-2022-21449). */
START_TEST(a_signature_of_numbers_outside_the_group_is_refused)
{
	/* The order n of P-256 (SP 800-186, section 3.2.1.3). */
	static const unsigned char n[32] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9,
		0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	static const unsigned char zero[32], one[32] = { [31] = 1 };
	const unsigned char *const numbers[] = { zero, one, n,
		(const unsigned char[32]){ [0 ... 31] = 0xff } };
	const char *good = forge(arena, forger, HEADER, CLAIMS);
	int head = (int)(strrchr(good, '.') + 1 - good);
	unsigned char signature[64];

	for (size_t i = 0; i < COUNT(numbers) * COUNT(numbers); i++) {
		memcpy(signature, numbers[i / COUNT(numbers)], 32);
		memcpy(signature + 32, numbers[i % COUNT(numbers)], 32);
		assert_refused(arena_printf(arena, "%.*s%s", head, good, base64url(arena, signature, 64)),
		    "wrong signature");
	}
}
END_TEST

START_TEST(an_unknown_key_is_told_apart)
{
	const char *text = forge(arena, forger, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", CLAIMS);
	struct token token;
	bool unknown = false;

	ck_assert_int_eq(
	    verify_bytes(text, strlen(text), TOKEN_ACCESS, NOW, &token, &unknown), RC_UNAUTHENTICATED);
	ck_assert(unknown);
	/* A kid that no key of ours can have is not worth asking for. */
	text = forge(arena, forger, "{\"alg\":\"ES256\",\"kid\":\"../k2\"}", CLAIMS);
	ck_assert_int_eq(
	    verify_bytes(text, strlen(text), TOKEN_ACCESS, NOW, &token, &unknown), RC_UNAUTHENTICATED);
	ck_assert(!unknown);
}
END_TEST

START_TEST(a_changed_letter_anywhere_is_refused)
{
	const char *good = forge(arena, forger, HEADER, CLAIMS);
	size_t length = strlen(good);

	for (size_t i = 0; i < length; i++) {
		char *text = arena_strdup(arena, good);

		text[i] = text[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(verify(text, TOKEN_ACCESS, NOW) == RC_UNAUTHENTICATED, "letter %zu", i);
	}
	ck_assert_int_eq(verify(good, TOKEN_ACCESS, NOW), RC_OK);
}
END_TEST

/* The part is checked by itself: the signature goes over what the three texts say. */
START_TEST(base64url_has_one_form)
{
	const char *good = forge(arena, forger, HEADER, CLAIMS), *last = strrchr(good, '.') + 1;
	size_t head = (size_t)(last - good), length = strlen(good);
	char *text;

	/* 86 letters for 64 bytes: the last says two bits, its other four must be 0. */
	ck_assert_uint_eq(strlen(last), 86);
	for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"; *c != '\0';
	     c++) {
		text = arena_strdup(arena, good);
		text[length - 1] = *c;
		if (*c != good[length - 1])
			ck_assert_msg(verify(text, TOKEN_ACCESS, NOW) == RC_UNAUTHENTICATED, "%c", *c);
	}
	assert_refused(arena_printf(arena, "%s==", good), "no ES256 signature");
	assert_refused(arena_printf(arena, "%s=", good), "no ES256 signature");
	assert_refused(arena_printf(arena, "%sA", good), "no ES256 signature");
	assert_refused(arena_printf(arena, "%s\n", good), "no ES256 signature");
	assert_refused(arena_printf(arena, "%.*s %s", (int)head, good, last), "no ES256 signature");
	assert_refused(arena_printf(arena, "%.*s+%s", (int)head, good, last + 1), "no ES256 signature");
	assert_refused(arena_printf(arena, "%.*s/%s", (int)head, good, last + 1), "no ES256 signature");
	assert_refused(arena_printf(arena, "=%s", good), "a header that is none of ours");
	text = arena_strdup(arena, good);
	*strchr(text, '.') = '=';
	assert_refused(text, "not of three parts");
}
END_TEST

START_TEST(bytes_that_are_no_letters_are_refused_in_each_part)
{
	const char *good = forge(arena, forger, HEADER, CLAIMS);
	size_t length = strlen(good);

	for (size_t at = 0; at < length; at += 5)
		for (int c = 1; c < 256; c++) {
			char *text = arena_strdup(arena, good);

			text[at] = (char)c;
			if (text[at] != good[at])
				ck_assert_msg(verify(text, TOKEN_ACCESS, NOW) == RC_UNAUTHENTICATED,
				    "%d at %zu", c, at);
		}
	/* That the signature is wrong then is not what refuses them: */
	for (int c = 0x80; c < 256; c++) {
		char *text = arena_strdup(arena, good);

		text[length - 5] = (char)c;
		assert_refused(text, "no ES256 signature");
		text = arena_strdup(arena, good);
		text[5] = (char)c;
		assert_refused(text, "a header that is none of ours");
		text = arena_strdup(arena, good);
		*(strchr(text, '.') + 5) = (char)c;
		assert_refused(text, "claims that are no base64url");
	}
}
END_TEST

START_TEST(a_text_of_other_than_three_parts_is_refused)
{
	const char *good = forge(arena, forger, HEADER, CLAIMS);

	assert_refused("", "not of three parts");
	assert_refused(".", "not of three parts");
	assert_refused("..", "no ES256 signature");
	assert_refused("...", "not of three parts");
	assert_refused("....", "not of three parts");
	assert_refused(arena_printf(arena, "%s.", good), "not of three parts");
	assert_refused(arena_printf(arena, ".%s", good), "not of three parts");
	assert_refused(arena_printf(arena, "%s..", good), "not of three parts");
	assert_refused("\xff\xfe.\x01.\x02", "no ES256 signature");
}
END_TEST

START_TEST(a_nul_inside_is_refused)
{
	const char *good = forge(arena, forger, HEADER, CLAIMS);
	size_t length = strlen(good);
	struct token token;

	for (size_t at = 0; at <= length; at += 7) {
		char *text = arena_zalloc(arena, length + 1);

		memcpy(text, good, at);
		memcpy(text + at + 1, good + at, length - at);
		ck_assert_int_eq(
		    verify_bytes(text, length + 1, TOKEN_ACCESS, NOW, &token, NULL), RC_UNAUTHENTICATED);
	}
}
END_TEST

START_TEST(a_text_over_eight_kib_is_refused)
{
	static const size_t sizes[] = { TOKEN_MAX, 1400000 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		char *role = arena_zalloc(arena, sizes[i] + 1);

		memset(role, 'A', sizes[i]);
		assert_refused(
		    forge(arena, forger, HEADER,
			arena_printf(arena, "{" WHO ",\"use\":\"access\",\"role\":\"%s\"," TIMES "}", role)),
		    "too long");
	}
}
END_TEST

/* --- claims --- */

#define ACCESS "\"use\":\"access\",\"role\":\"STAFF\""
static const struct {
	const char *claims, *why;
} bad_claims[] = {
	{ "{\"iss\":\"other\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3
	  "\"," ACCESS "," TIMES "}",
	    "wrong iss" },
	{ "{\"iss\":\"MediCore\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3
	  "\"," ACCESS "," TIMES "}",
	    "wrong iss" },
	{ "{\"iss\":\"medicore\",\"aud\":\"other\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3
	  "\"," ACCESS "," TIMES "}",
	    "wrong aud" },
	{ "{\"iss\":\"medicore\",\"aud\":[\"medicore\"],\"sub\":\"" ID1 "\",\"sid\":\"" ID2
	  "\",\"jti\":\"" ID3 "\"," ACCESS "," TIMES "}",
	    NULL },
	{ "{\"iss\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3 "\"," ACCESS
	  "," TIMES "}",
	    NULL },
	{ "{\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"1\",\"sid\":\"" ID2 "\",\"jti\":\"" ID3
	  "\"," ACCESS "," TIMES "}",
	    NULL },
	{ "{\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"2\",\"jti\":\"" ID3
	  "\"," ACCESS "," TIMES "}",
	    NULL },
	{ "{\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"sid\":\"" ID2
	  "\",\"jti\":\"3\"," ACCESS "," TIMES "}",
	    NULL },
	{ "{\"iss\":\"medicore\",\"aud\":\"medicore\",\"sub\":\"" ID1 "\",\"jti\":\"" ID3 "\"," ACCESS
	  "," TIMES "}",
	    NULL },
	{ "{" WHO ",\"use\":\"refresh\"," TIMES "}", "for another use" },
	{ "{" WHO ",\"use\":\"refresh\",\"role\":\"ADMIN\"," TIMES "}", "for another use" },
	{ "{" WHO ",\"use\":\"other\",\"role\":\"ADMIN\"," TIMES "}", NULL },
	{ "{" WHO ",\"role\":\"ADMIN\"," TIMES "}", NULL },
	{ "{" WHO ",\"use\":\"access\"," TIMES "}", "a role is missing, or one too many" },
	{ "{" WHO ",\"use\":\"access\",\"role\":null," TIMES "}", "a role is missing, or one too many" },
	{ "{" WHO ",\"use\":\"access\",\"role\":\"A B\"," TIMES "}", NULL },
	{ "{" WHO ",\"use\":\"access\",\"role\":[\"ADMIN\"]," TIMES "}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000}", NULL },
	{ "{" WHO "," ACCESS ",\"exp\":1800000900}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":\"1800000000\",\"exp\":1800000900}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":\"1800000900\"}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":1800000900.5}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":1e30}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":99999999999999999999999}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":-1}", NULL },
	{ "{" WHO "," ACCESS ",\"iat\":1800000000,\"exp\":true}", NULL },
	{ "{" WHO "," ACCESS "," TIMES ",\"exp\":1900000000}", NULL }, /* twice */
	{ "{" WHO "," ACCESS "," TIMES ",\"role\":\"ADMIN\"}", NULL },
	{ "{" WHO "," ACCESS "," TIMES ",\"admin\":true}", NULL }, /* unknown */
	{ "[]", NULL },
	{ "", NULL },
	{ "{" WHO "," ACCESS "," TIMES "} ]", NULL },
};

START_TEST(claims_that_are_not_ours_are_refused)
{
	assert_refused(forge(arena, forger, HEADER, bad_claims[_i].claims),
	    bad_claims[_i].why != NULL ? bad_claims[_i].why : "claims that are none of ours");
}
END_TEST

START_TEST(a_refresh_token_is_good_for_refreshing_alone)
{
	const char *text = forge(arena, forger, HEADER, "{" WHO ",\"use\":\"refresh\"," TIMES "}");

	ck_assert_int_eq(verify(text, TOKEN_REFRESH, NOW), RC_OK);
	assert_refused(text, "for another use");
	ck_assert_int_eq(
	    verify(forge(arena, forger, HEADER, CLAIMS), TOKEN_REFRESH, NOW), RC_UNAUTHENTICATED);
}
END_TEST

static const struct {
	int64_t iat, nbf, exp, now;
	enum rc due;
} times[] = {
	{ NOW, 0, NOW + 900, NOW, RC_OK },
	/* thirty seconds of leeway, both edges */
	{ NOW, 0, NOW + 900, NOW + 900 + 29, RC_OK },
	{ NOW, 0, NOW + 900, NOW + 900 + 30, RC_UNAUTHENTICATED },
	{ NOW, 0, NOW + 900, NOW + 900 + 31, RC_UNAUTHENTICATED },
	{ NOW, 0, NOW + 900, NOW - 30, RC_OK },
	{ NOW, 0, NOW + 900, NOW - 31, RC_UNAUTHENTICATED },
	{ NOW, NOW + 100, NOW + 900, NOW + 70, RC_OK },
	{ NOW, NOW + 100, NOW + 900, NOW + 69, RC_UNAUTHENTICATED },
	{ NOW, NOW, NOW + 900, NOW, RC_OK },
	{ NOW, 0, 1, NOW, RC_UNAUTHENTICATED },
};

START_TEST(time_counts_with_thirty_seconds_of_leeway)
{
	char nbf[40] = "";
	const char *text;

	if (times[_i].nbf != 0)
		snprintf(nbf, sizeof(nbf), ",\"nbf\":%lld", (long long)times[_i].nbf);
	text = forge(arena, forger, HEADER,
	    arena_printf(arena, "{" WHO "," ACCESS ",\"iat\":%lld,\"exp\":%lld%s}", (long long)times[_i].iat,
		(long long)times[_i].exp, nbf));
	ck_assert_int_eq(verify(text, TOKEN_ACCESS, times[_i].now), times[_i].due);
}
END_TEST

Suite *
token_suite(void)
{
	Suite *suite = suite_create("token");
	TCase *tc = tcase_create("token");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_good_token_says_who_asks);
	tcase_add_loop_test(tc, any_header_but_ours_is_refused, 0, COUNT(headers));
	tcase_add_test(tc, a_token_without_a_signature_is_refused);
	tcase_add_test(tc, the_public_key_is_no_secret_of_hs256);
	tcase_add_test(tc, anothers_signature_is_refused);
	tcase_add_test(tc, a_signature_of_numbers_outside_the_group_is_refused);
	tcase_add_test(tc, an_unknown_key_is_told_apart);
	tcase_add_test(tc, a_changed_letter_anywhere_is_refused);
	tcase_add_test(tc, base64url_has_one_form);
	tcase_add_test(tc, bytes_that_are_no_letters_are_refused_in_each_part);
	tcase_add_test(tc, a_text_of_other_than_three_parts_is_refused);
	tcase_add_test(tc, a_nul_inside_is_refused);
	tcase_add_test(tc, a_text_over_eight_kib_is_refused);
	tcase_add_loop_test(tc, claims_that_are_not_ours_are_refused, 0, COUNT(bad_claims));
	tcase_add_test(tc, a_refresh_token_is_good_for_refreshing_alone);
	tcase_add_loop_test(tc, time_counts_with_thirty_seconds_of_leeway, 0, COUNT(times));
	suite_add_tcase(suite, tc);
	return suite;
}
