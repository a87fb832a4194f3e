#include "lib/base/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/pulse.h"
#include "tests/unit/base/suites.h"

/* A supervisor's socket, of an abstract name that the kernel chose. */
static int
supervise(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);
	char name[sizeof(address.sun_path) + 1];

	ck_assert(bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0);
	ck_assert(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	size -= (socklen_t)sizeof(address.sun_family);
	memcpy(name, address.sun_path, size);
	name[0] = '@';
	name[size] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *
told(int fd)
{
	static char text[1024];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

START_TEST(each_word_is_a_datagram_of_lines)
{
	int fd = supervise();

	notify_ready("Serving with %d threads", 8);
	ck_assert_str_eq(told(fd), "READY=1\nSTATUS=Serving with 8 threads\n");
	notify_status("away:\n%s", "no\tdatabase");
	ck_assert_str_eq(told(fd), "STATUS=away: no database\n");
	notify_alive();
	ck_assert_str_eq(told(fd), "WATCHDOG=1\n");
	notify_stopping();
	ck_assert_str_eq(told(fd), "STOPPING=1\n");
	notify_reloading();
	ck_assert(strncmp(told(fd), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
	ck_assert_str_eq(told(fd), "");
	close(fd);
}
END_TEST

START_TEST(words_of_any_length_are_one_line)
{
	int fd = supervise();
	char words[2000];

	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	notify_status("%s", words);
	ck_assert_uint_eq(strlen(told(fd)), strlen("STATUS=\n") + 511);
	close(fd);
}
END_TEST

START_TEST(nobody_or_nonsense_is_told_nothing)
{
	static const char *const names[] = { "", "/", "@", "vsock:2:1234", "relative", "/nowhere/at/all", NULL };
	char longest[200];

	unsetenv("NOTIFY_SOCKET");
	notify_ready("well");
	for (size_t i = 0; names[i] != NULL; i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_ready("well");
		notify_alive();
	}
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	notify_stopping();
}
END_TEST

static const struct {
	const char *usec, *pid; /* NULL: not set; "": ours */
	int ms;
} watchdogs[] = {
	{ "30000000", NULL, 15000 },
	{ "30000000", "", 15000 },
	{ "30000000", "1", 0 },
	{ "30000000", "none", 0 },
	{ "1", NULL, 1 },
	{ "18446744073709551615", NULL, 0 },
	{ "9223372036854775807", NULL, 2147483647 },
	{ "0", NULL, 0 },
	{ "-5", NULL, 0 },
	{ "30s", NULL, 0 },
	{ "", NULL, 0 },
	{ NULL, "", 0 },
};

START_TEST(half_of_the_watchdogs_time_is_ours_where_it_watches_us)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (watchdogs[_i].usec != NULL)
		setenv("WATCHDOG_USEC", watchdogs[_i].usec, 1);
	if (watchdogs[_i].pid != NULL)
		setenv("WATCHDOG_PID", *watchdogs[_i].pid == '\0' ? pid : watchdogs[_i].pid, 1);
	ck_assert_int_eq(notify_watchdog_ms(), watchdogs[_i].ms);
}
END_TEST

START_TEST(who_rests_or_has_just_made_a_step_is_not_stuck)
{
	struct pulse p = { 0 };

	ck_assert(!pulse_stuck(&p, 1));
	pulse_beat(&p);
	ck_assert(!pulse_stuck(&p, 10000));
	atomic_store(&p.at_ns, clock_monotonic_ns() - INT64_C(10001000000));
	ck_assert(pulse_stuck(&p, 10000));
	pulse_rest(&p);
	ck_assert(!pulse_stuck(&p, 10000));
}
END_TEST

Suite *
notify_suite(void)
{
	Suite *s = suite_create("notify");
	TCase *tc = tcase_create("notify");

	tcase_add_test(tc, each_word_is_a_datagram_of_lines);
	tcase_add_test(tc, words_of_any_length_are_one_line);
	tcase_add_test(tc, nobody_or_nonsense_is_told_nothing);
	tcase_add_loop_test(tc, half_of_the_watchdogs_time_is_ours_where_it_watches_us, 0, sizeof(watchdogs) / sizeof(*watchdogs));
	tcase_add_test(tc, who_rests_or_has_just_made_a_step_is_not_stuck);
	suite_add_tcase(s, tc);
	return s;
}
