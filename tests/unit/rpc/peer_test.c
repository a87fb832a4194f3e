#include <string.h>

#include "lib/rpc/peer.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

START_TEST(a_peers_address_is_the_ip_address_alone)
{
	static const struct {
		const char *peer, *address;
	} cases[] = {
		{ "ipv4:192.0.2.1:50000", "192.0.2.1" },
		{ "ipv6:%5B2001:db8::1%5D:50000", "2001:db8::1" },
		{ "ipv6:[2001:db8::1]:50000", "2001:db8::1" },
		{ "ipv6:%5Bfe80::1%25eth0%5D:50000", "fe80::1" },
		{ "unix:/run/medicore/events.sock", "" },
		{ "unix:", "" },
		{ "ipv4:somewhere:50000", "" },
		{ "ipv4:192.0.2.1", "" },
		{ "ipv4:", "" },
		{ "fd:17", "" },
		{ "", "" },
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_str_eq(peer_address(a, cases[i].peer), cases[i].address);
	arena_free(a);
}
END_TEST

START_TEST(a_name_has_1_to_64_plain_characters)
{
	char longest[66];

	memset(longest, 'x', sizeof(longest));
	ck_assert(peer_name_valid("front-desk_1.B", strlen("front-desk_1.B")));
	ck_assert(peer_name_valid(longest, 64));
	ck_assert(!peer_name_valid(longest, 65));
	ck_assert(!peer_name_valid("", 0));
	ck_assert(!peer_name_valid("a b", 3));
	ck_assert(!peer_name_valid("a\0b", 3));
	ck_assert(!peer_name_valid("a\n", 2));
	ck_assert(!peer_name_valid("\xc3\xa9", 2));
}
END_TEST

Suite *
peer_suite(void)
{
	Suite *suite = suite_create("peer");
	TCase *tc = tcase_create("peer");

	tcase_add_test(tc, a_peers_address_is_the_ip_address_alone);
	tcase_add_test(tc, a_name_has_1_to_64_plain_characters);
	suite_add_tcase(suite, tc);
	return suite;
}
