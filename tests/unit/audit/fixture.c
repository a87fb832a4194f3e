#include "tests/unit/audit/fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/config.h"

const char *directory;
static char made[] = "/tmp/medicore-audit-XXXXXX";

void
directory_setup(void)
{
	char path[200];

	ck_assert_ptr_nonnull(mkdtemp(made));
	directory = made;
	snprintf(path, sizeof(path), "%s/toys", made);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	setenv("MEDICORE__AUDIT__SPOOL", made, 1);
	setenv("MEDICORE__AUDIT__SEAL", made, 1);
	ck_assert(config_load("/dev/null"));
}

static void
remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char inner[400];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.' && unlink(inner) != 0)
			remove_all(inner);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void
directory_teardown(void)
{
	remove_all(made);
}

struct audit_entry
an_entry(void)
{
	return (struct audit_entry){
		.at = { 1767225599999999, true },
		.account = "0190a1b2-0000-7000-8000-00000000000a",
		.role = "STAFF",
		.session = "0190a1b2-0000-7000-8000-00000000000b",
		.address = "192.0.2.7",
		.program = "medicore-toys.fcgi",
		.action = "GET /toys/{id}",
		.thing = "0190a1b2-0000-7000-8000-00000000000c",
		.patient_id = "0190a1b2-0000-7000-8000-00000000000d",
		.filter = "name=Zo%C3%AB",
		.count = 3,
		.result = "ok",
		.request_id = "0190a1b2-0000-7000-8000-00000000000e",
	};
}
