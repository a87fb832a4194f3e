#include <string.h>

#include "lib/rpc/address.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

START_TEST(loopback_is_what_is_written_as_such_and_nothing_else)
{
	static const struct {
		const char *address;
		bool loopback;
	} cases[] = {
		{ "127.0.0.1:9000", true },
		{ "127.255.1.2:9000", true },
		{ "[::1]:9000", true },
		{ "[0:0:0:0:0:0:0:1]:9000", true },
		{ "localhost:9000", true },
		{ "LocalHost:9000", true },
		{ "unix:/run/medicore/events.sock", true },
		{ "0.0.0.0:9000", false },
		{ "[::]:9000", false },
		{ "192.0.2.1:9000", false },
		{ "126.255.255.255:9000", false },
		{ "128.0.0.1:9000", false },
		{ "[2001:db8::1]:9000", false },
		{ "[::ffff:192.0.2.1]:9000", false },
		{ "[::2]:9000", false },
		/* Where somebody else's answer, or another reader of the same text, might see something else. */
		{ "localhost.example:9000", false },
		{ "localhost.:9000", false },
		{ "127.0.0.1.example:9000", false },
		{ "127.1:9000", false },
		{ "2130706433:9000", false },
		{ "0177.0.0.1:9000", false },
		{ "ipv4:127.0.0.1:9000", false },
		{ "dns:///localhost:9000", false },
		{ "::1:9000", false },
		{ "unix", false },
		{ ":9000", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(
		    address_is_loopback(cases[i].address) == cases[i].loopback, "%s", cases[i].address);
}
END_TEST

START_TEST(a_host_that_is_too_long_is_nobody)
{
	char address[400];

	memset(address, '1', sizeof(address));
	memcpy(address + sizeof(address) - 3, ":9", 3);
	ck_assert(!address_is_loopback(address));
}
END_TEST

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
		ck_assert_str_eq(address_of_peer(a, cases[i].peer), cases[i].address);
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
address_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_test(tc, loopback_is_what_is_written_as_such_and_nothing_else);
	tcase_add_test(tc, a_host_that_is_too_long_is_nobody);
	tcase_add_test(tc, a_peers_address_is_the_ip_address_alone);
	tcase_add_test(tc, a_name_has_1_to_64_plain_characters);
	suite_add_tcase(suite, tc);
	return suite;
}
