#include <string.h>

#include "lib/base/address.h"
#include "tests/unit/base/suites.h"

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

START_TEST(a_url_is_private_by_https_or_on_this_machine)
{
	static const struct {
		const char *url;
		bool private;
	} cases[] = {
		{ "http://127.0.0.1:8080", true },
		{ "http://127.0.0.1", true },
		{ "http://localhost/below", true },
		{ "http://[::1]", true },
		{ "http://[::1]:8080", true },
		{ "https://clinic.example", true },
		{ "https://192.0.2.1:8443/below", true },
		{ "http://clinic.example", false },
		{ "http://192.0.2.1:8080", false },
		{ "http://[2001:db8::1]:8080", false },
		{ "http://127.0.0.1@clinic.example", false },
		{ "http://127.0.0.1:80@clinic.example", false },
		{ "http://127.0.0.1\\@clinic.example", false },
		{ "http://127.0.0.1#@clinic.example", false },
		{ "http://127.0.0.1?x", false },
		{ "http://::1", false },
		{ "http://", false },
		{ "https://", false },
		{ "https:///x", false },
		{ "ftp://127.0.0.1", false },
		{ "127.0.0.1:8080", false },
		{ "HTTP://127.0.0.1", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(url_is_private(cases[i].url) == cases[i].private, "%s", cases[i].url);
}
END_TEST

Suite *
address_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");

	tcase_add_test(tc, loopback_is_what_is_written_as_such_and_nothing_else);
	tcase_add_test(tc, a_host_that_is_too_long_is_nobody);
	tcase_add_test(tc, a_url_is_private_by_https_or_on_this_machine);
	suite_add_tcase(suite, tc);
	return suite;
}
