#include "lib/base/whole_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/base/suites.h"

static char directory[] = "/tmp/whole_file_XXXXXX", path[64], fresh[64];

static void
setup(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/name", directory);
	snprintf(fresh, sizeof(fresh), "%s/.name.new", directory);
}

static void
teardown(void)
{
	(void)remove(fresh);
	(void)remove(path);
	ck_assert_int_eq(rmdir(directory), 0); /* there was nothing else */
}

static void
holds(const char *text)
{
	char bytes[16] = "";
	FILE *f = fopen(path, "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(bytes, 1, sizeof(bytes) - 1, f), strlen(text));
	fclose(f);
	ck_assert_str_eq(bytes, text);
	ck_assert_int_ne(access(fresh, F_OK), 0);
}

START_TEST(a_file_is_its_owners_alone_and_as_old_as_asked)
{
	struct stat st;

	ck_assert(whole_file_write(path, "first", 5, NULL));
	holds("first");
	ck_assert(whole_file_write(path, "next", 4, &(struct timespec){ .tv_sec = 1000, .tv_nsec = 5000 }));
	holds("next");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000);
	ck_assert_int_eq(st.st_mtim.tv_nsec, 5000);
}
END_TEST

START_TEST(what_a_killed_writer_left_is_no_obstacle)
{
	ck_assert_int_eq(symlink("/nonexistent/elsewhere", fresh), 0);
	ck_assert(whole_file_write(path, "first", 5, NULL));
	holds("first");
}
END_TEST

START_TEST(where_it_does_not_fit_all_is_as_it_was)
{
	static char much[4096];
	struct rlimit before, tight;

	ck_assert(whole_file_write(path, "first", 5, NULL));
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = 1000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	ck_assert(!whole_file_write(path, much, sizeof(much), NULL));
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	holds("first");
}
END_TEST

START_TEST(where_it_can_not_be_named_nothing_is_left)
{
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert(!whole_file_write(path, "first", 5, NULL));
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_ne(access(fresh, F_OK), 0);
	ck_assert(!whole_file_write("/nonexistent/name", "first", 5, NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(what_root_writes_is_its_directorys_owners)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(directory, 12, 34), 0);
	ck_assert(whole_file_write(path, "first", 5, NULL));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 12);
	ck_assert_uint_eq(st.st_gid, 34);
}
END_TEST

START_TEST(a_name_without_a_directory_is_here)
{
	char *here = getcwd(NULL, 0);

	ck_assert_int_eq(chdir(directory), 0);
	ck_assert(whole_file_write("name", "first", 5, NULL));
	ck_assert_int_eq(chdir(here), 0);
	free(here);
	holds("first");
}
END_TEST

Suite *
whole_file_suite(void)
{
	Suite *s = suite_create("whole files");
	TCase *t = tcase_create("whole files");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_file_is_its_owners_alone_and_as_old_as_asked);
	tcase_add_test(t, what_a_killed_writer_left_is_no_obstacle);
	tcase_add_test(t, where_it_does_not_fit_all_is_as_it_was);
	tcase_add_test(t, where_it_can_not_be_named_nothing_is_left);
	tcase_add_test(t, what_root_writes_is_its_directorys_owners);
	tcase_add_test(t, a_name_without_a_directory_is_here);
	suite_add_tcase(s, t);
	return s;
}
