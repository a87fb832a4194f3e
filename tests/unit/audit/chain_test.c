#include <sodium.h>
#include <string.h>

#include "lib/audit/chain.h"
#include "tests/unit/audit/fixture.h"
#include "tests/unit/audit/suites.h"

static const unsigned char genesis[AUDIT_MAC_SIZE];

static void
mac_of(const struct audit_entry *entry, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	struct audit_keys keys;

	audit_keys_make(KEY, "toys", &keys);
	audit_mac(&keys, genesis, entry, ret_mac);
	audit_keys_free(&keys);
}

/* An entry, and what its MAC covers behind the one before. */
static const struct audit_entry of_row = { .seq = 7,
	.at.us = 256,
	.count = 1,
	.account = "a",
	.action = "GET",
	.thing = "",
	.result = "ok" };
static const unsigned char row[] = "\0\0\0\0\0\0\0\7" /* seq */
				   "\0\0\0\0\0\0\1\0" /* at */
				   "\0\0\0\0\0\0\0\1" /* count */
				   "\0\0\0\1a"        /* account */
				   "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"
				   "\0\0\0\3GET"                      /* action */
				   "\0\0\0\0"                         /* thing: "" */
				   "\377\377\377\377\377\377\377\377" /* patient_id, filter */
				   "\0\0\0\2ok"                       /* result */
				   "\377\377\377\377";                /* request_id */

/* What chain.h says, put together by hand and with another library: whoever checks a trail without us needs no more. */
START_TEST(a_mac_is_what_the_header_says)
{
	static const char label[] = "medicore audit chain toys";
	unsigned char key[32], mac[AUDIT_MAC_SIZE], expected[32];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256(
	    key, (const unsigned char *)label, sizeof(label) - 1, (const unsigned char *)KEY);
	crypto_auth_hmacsha256_init(&state, key, sizeof(key));
	crypto_auth_hmacsha256_update(&state, genesis, sizeof(genesis));
	crypto_auth_hmacsha256_update(&state, row, sizeof(row) - 1);
	crypto_auth_hmacsha256_final(&state, expected);
	mac_of(&of_row, mac);
	ck_assert_mem_eq(mac, expected, sizeof(mac));
}
END_TEST

#define TEXT(member) offsetof(struct audit_entry, member)

static const size_t texts[] = { TEXT(account), TEXT(role), TEXT(session), TEXT(address), TEXT(program),
	TEXT(action), TEXT(thing), TEXT(patient_id), TEXT(filter), TEXT(result), TEXT(request_id) };

START_TEST(each_text_counts_and_null_is_not_empty)
{
	static const char *const values[] = { "x", "", NULL };
	unsigned char mac[AUDIT_MAC_SIZE], other[AUDIT_MAC_SIZE];
	struct audit_entry entry = an_entry(), changed;

	mac_of(&entry, mac);
	for (int i = 0; i < 3; i++) {
		changed = entry;
		*(const char **)((char *)&changed + texts[_i]) = values[i];
		mac_of(&changed, other);
		ck_assert(!audit_mac_same(mac, other));
		memcpy(mac, other, sizeof(mac));
		entry = changed;
	}
}
END_TEST

START_TEST(place_time_and_count_count)
{
	unsigned char mac[AUDIT_MAC_SIZE], other[AUDIT_MAC_SIZE];
	struct audit_entry entry = an_entry(), changed[3] = { entry, entry, entry };

	changed[0].seq++;
	changed[1].at.us++;
	changed[2].count++;
	mac_of(&entry, mac);
	for (int i = 0; i < 3; i++) {
		mac_of(&changed[i], other);
		ck_assert(!audit_mac_same(mac, other));
	}
}
END_TEST

START_TEST(text_can_not_move_from_one_member_to_the_next)
{
	unsigned char mac[AUDIT_MAC_SIZE], other[AUDIT_MAC_SIZE];
	struct audit_entry a = { .thing = "ab", .filter = "c" }, b = { .thing = "a", .filter = "bc" };

	mac_of(&a, mac);
	mac_of(&b, other);
	ck_assert(!audit_mac_same(mac, other));
}
END_TEST

START_TEST(each_trail_has_keys_of_its_own)
{
	static const char *const of[][2] = { { KEY, "toys" }, { KEY, "games" }, { "another key, and as long as that", "toys" } };
	unsigned char chains[3][AUDIT_MAC_SIZE], seals[3][AUDIT_MAC_SIZE];
	char covered[sizeof(genesis) + sizeof(row) - 1];
	struct audit_keys keys;

	memcpy(covered, genesis, sizeof(genesis));
	memcpy(covered + sizeof(genesis), row, sizeof(row) - 1);
	for (int i = 0; i < 3; i++) {
		audit_keys_make(of[i][0], of[i][1], &keys);
		audit_mac(&keys, genesis, &of_row, chains[i]);
		audit_seal_mac(&keys, covered, sizeof(covered), seals[i]);
		audit_keys_free(&keys);
	}
	ck_assert(!audit_mac_same(chains[0], seals[0])); /* of the same bytes */
	for (int i = 1; i < 3; i++) {
		ck_assert(!audit_mac_same(chains[0], chains[i]));
		ck_assert(!audit_mac_same(seals[0], seals[i]));
	}
}
END_TEST

Suite *
chain_suite(void)
{
	Suite *s = suite_create("audit chains");
	TCase *t = tcase_create("audit chains");

	tcase_add_test(t, a_mac_is_what_the_header_says);
	tcase_add_loop_test(
	    t, each_text_counts_and_null_is_not_empty, 0, (int)(sizeof(texts) / sizeof(*texts)));
	tcase_add_test(t, place_time_and_count_count);
	tcase_add_test(t, text_can_not_move_from_one_member_to_the_next);
	tcase_add_test(t, each_trail_has_keys_of_its_own);
	suite_add_tcase(s, t);
	return s;
}
