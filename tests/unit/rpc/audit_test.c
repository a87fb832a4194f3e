#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/audit/audit.h"
#include "lib/base/config.h"
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/suites.h"

static char spool[] = "/tmp/medicore-rpc-audit-XXXXXX", toys[100];

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(spool));
	snprintf(toys, sizeof(toys), "%s/toys", spool);
	setenv("MEDICORE__AUDIT__SPOOL", spool, 1);
	ck_assert(config_load("/dev/null"));
}

/* The spool's only file. */
static const char *
file_path(void)
{
	static char path[200];
	char pattern[120];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*", toys);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_uint_eq(found.gl_pathc, 1);
	snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
	globfree(&found);
	return path;
}

static void
teardown(void)
{
	unlink(file_path());
	rmdir(toys);
	rmdir(spool);
}

/* The number-th entry of the spool; its texts last until the next. */
static struct audit_entry
entry(int number)
{
	static char line[AUDIT_LINE_MAX];
	struct audit_entry e = { 0 };
	FILE *f = fopen(file_path(), "re");

	ck_assert_ptr_nonnull(f);
	while (number-- > 0)
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	ck_assert(audit_line_read(line, strlen(line) - 1, &e));
	return e;
}

START_TEST(a_call_is_noted_and_one_that_can_not_be_is_refused_before_it_runs)
{
	struct audit_entry noted;
	struct fixture f;
	bool exists = false;

	fixture_open_audited(&f, "toys");
	f.cx.request_id = "known-request";
	/* There is no directory yet.  The method would end as RC_NOT_FOUND. */
	ck_assert_int_eq(ask(&f, &f.cx, "missing", 5000, &exists), RC_UNAVAILABLE);
	ck_assert_int_eq(mkdir(toys, 0755), 0);
	err_clear(&f.cx);
	ck_assert_int_eq(ask(&f, &f.cx, "anybody", 5000, &exists), RC_OK);
	ck_assert(exists);
	noted = entry(1);
	ck_assert_str_eq(noted.action, "patient.PatientService/verifyPatient");
	ck_assert_str_eq(noted.program, "medicore-toysd");
	ck_assert_str_eq(noted.thing, "anybody");
	ck_assert_str_eq(noted.result, "ok");
	ck_assert_str_eq(noted.request_id, "known-request");
	ck_assert_int_eq(ask(&f, &f.cx, "missing", 5000, &exists), RC_NOT_FOUND);
	ck_assert_str_eq(entry(2).result, "not_found");
	fixture_close(&f);
}
END_TEST

Suite *
audit_suite(void)
{
	Suite *s = suite_create("rpc audit");
	TCase *t = tcase_create("rpc audit");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_call_is_noted_and_one_that_can_not_be_is_refused_before_it_runs);
	suite_add_tcase(s, t);
	return s;
}
