#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

/* Messages about a start that failed go to standard error; they aren't this test's. */
static struct rpc_server *
try_listen(const char *address)
{
	struct rpc_options options = { .listen = address, .threads = 1 };
	int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	struct rpc_server *s;

	dup2(null, STDERR_FILENO);
	s = rpc_server_new(&options, NULL, 0);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(null);
	return s;
}

START_TEST(a_socket_is_for_its_group_and_nobody_else)
{
	struct fixture f;
	struct stat st;

	fixture_open(&f, 1);
	ck_assert_int_eq(stat(f.address + strlen("unix:"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	fixture_close(&f);
}
END_TEST

START_TEST(a_socket_that_a_server_listens_on_is_not_taken_away)
{
	struct fixture f;
	bool exists;

	fixture_open(&f, 1);
	ck_assert_ptr_null(try_listen(f.address));
	ck_assert_int_eq(ask(&f, &f.cx, "anybody", 5000, &exists), RC_OK);
	fixture_close(&f);
}
END_TEST

START_TEST(a_socket_left_over_from_a_crash_is_replaced)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char directory[] = "/tmp/medicore-rpc-XXXXXX", listen_on[64];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rpc_server *s;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	snprintf(listen_on, sizeof(listen_on), "unix:%s/s", directory);
	s = try_listen(listen_on);
	ck_assert_ptr_nonnull(s);
	rpc_server_free(s);
	unlink(address.sun_path);
	rmdir(directory);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	char path[] = "/tmp/medicore-rpc-XXXXXX", listen_on[64];
	int fd = mkstemp(path);
	struct stat st;

	ck_assert_int_ge(fd, 0);
	snprintf(listen_on, sizeof(listen_on), "unix:%s", path);
	ck_assert_ptr_null(try_listen(listen_on));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(a_taken_port_is_an_error_at_the_start)
{
	struct rpc_server *first = NULL;
	char address[32];

	for (int port = 30000; first == NULL && port < 30100; port++) {
		snprintf(address, sizeof(address), "127.0.0.1:%d", port);
		first = try_listen(address);
	}
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(try_listen(address));
	rpc_server_free(first);
}
END_TEST

Suite *
listen_suite(void)
{
	Suite *suite = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_socket_is_for_its_group_and_nobody_else);
	tcase_add_test(tc, a_socket_that_a_server_listens_on_is_not_taken_away);
	tcase_add_test(tc, a_socket_left_over_from_a_crash_is_replaced);
	tcase_add_test(tc, a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(tc, a_taken_port_is_an_error_at_the_start);
	suite_add_tcase(suite, tc);
	return suite;
}
