/* Passwords that the system replaced hashed by bcrypt. */
#include "domain/auth/bcrypt.h"

#include <string.h>
#include <time.h>

#include "domain/auth/password.h"
#include "tests/unit/auth/fakes.h"

/* Spring Security's own documentation has it. */
#define SPRINGS "$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG"
#define CHEAP "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

/* Those without a source are of crypt_blowfish's tests. */
START_TEST(hash_made_elsewhere_is_verified)
{
	static const struct {
		const char *hash, *password;
		int cost;
		bool good;
	} cases[] = {
		{ SPRINGS, "password", 10, true },
		{ SPRINGS, "Password", 10, false },
		{ SPRINGS, "", 10, false },
		{ CHEAP, "U*U", 5, true },
		{ CHEAP, "U*U*", 5, false },
		{ "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
		  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored", 5, true },
		{ "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", "\xff\xff\xa3", 5, true },
		{ "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", "", 5, true },
	};
	bool good;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(bcrypt_cost(cases[i].hash), cases[i].cost);
		ck_assert(bcrypt_verify(cases[i].hash, cases[i].password, &good));
		ck_assert_msg(good == cases[i].good, "case %zu", i);
	}
}
END_TEST

START_TEST(what_only_looks_like_one_is_none)
{
	static const char *const cases[] = {
		"", "secret", "$2a$10$", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
		"$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",  /* made by mistake once, by nobody in Java */
		"$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2a$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2a$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe=",
		"{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJ",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(bcrypt_cost(cases[i]) == 0, "%s", cases[i]);
}
END_TEST

START_TEST(longest_password_of_the_longest_characters_is_verified)
{
	char password[4 * 128 + 1] = "";
	bool good = true;

	for (int i = 0; i < 128; i++)
		memcpy(password + 4 * (size_t)i, "\xf0\x9f\x94\x91", 5);
	ck_assert(bcrypt_verify(CHEAP, password, &good));
	ck_assert(!good);
}
END_TEST

START_TEST(owners_next_login_puts_argon2id_in_its_place)
{
	const struct credentials right = { "ada@example.org", "password" }, wrong = { "ada@example.org", "passw0rd" };
	struct token_pair pair;

	fakes.hash = SPRINGS;
	fakes.dearest_bcrypt = 10;
	ck_assert_int_eq(login(&cx, &fake_ports, &wrong, &pair), RC_UNAUTHENTICATED);
	ck_assert_int_eq(fakes.rehashes, 0);
	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
	ck_assert_int_eq(fakes.rehashes, 1);
	ck_assert_int_eq(strncmp(fakes.hash, "$argon2id$", 10), 0);
	fakes.signed_count = 0;
	ck_assert_int_eq(login(&cx, &fake_ports, &right, &pair), RC_OK);
	ck_assert_int_eq(fakes.rehashes, 1);
}
END_TEST

/* Of the processor: who waits for a turn on it is no slower.  The best of some. */
static clock_t
time_of_refusal(const char *hash, const char *password)
{
	clock_t best = 0;

	for (int i = 0; i < 3; i++) {
		clock_t start = clock(), took;
		bool good, outdated;

		ck_assert_int_eq(password_verify(&cx, hash, 9, password, &good, &outdated), RC_OK);
		took = clock() - start;
		ck_assert(!good);
		if (best == 0 || took < best)
			best = took;
	}
	return best;
}

START_TEST(whoever_is_refused_waits_as_long_while_there_is_any_bcrypt)
{
	static const char nine[] = "$2b$09$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
	const char *argon2id, *hashes[4] = { NULL, nine, CHEAP };
	clock_t took, least = 0, most = 0;

	ck_assert_int_eq(password_hash(&cx, PASSWORD, &argon2id), RC_OK);
	hashes[3] = argon2id;
	for (size_t i = 0; i < 4; i++) {
		took = time_of_refusal(hashes[i], "wrong");
		least = i == 0 || took < least ? took : least;
		most = took > most ? took : most;
	}
	/* Of both kinds one costs about 20 ms here; one of them left out would halve it. */
	ck_assert_msg(most * 2 < least * 3, "%ld to %ld", (long)least, (long)most);
}
END_TEST

Suite *
bcrypt_suite(void)
{
	Suite *suite = suite_create("bcrypt");
	TCase *tc = tcase_create("bcrypt");

	tcase_add_checked_fixture(tc, fakes_setup, fakes_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, hash_made_elsewhere_is_verified);
	tcase_add_test(tc, what_only_looks_like_one_is_none);
	tcase_add_test(tc, longest_password_of_the_longest_characters_is_verified);
	tcase_add_test(tc, owners_next_login_puts_argon2id_in_its_place);
	tcase_add_test(tc, whoever_is_refused_waits_as_long_while_there_is_any_bcrypt);
	suite_add_tcase(suite, tc);
	return suite;
}
