#include "tests/system/pgtest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/config.h"
#include "lib/pg/pg.h"
#include "tests/lib/run_suites.h"

static char database[64];

void
pgtest_connect(struct ctx *cx, const char *role)
{
	struct pg *pg = pg_open(database, role);

	ck_assert_ptr_nonnull(pg);
	ctx_init(cx, arena_new(), pg);
	ck_assert_int_eq(pg_connect(cx), RC_OK);
}

void
pgtest_disconnect(struct ctx *cx)
{
	pg_close(cx->pg);
	arena_free(cx->arena);
}

static void
shell(const char *command)
{
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

#define PSQL "psql -qX -v ON_ERROR_STOP=1 -U postgres "

int
pgtest_main(const char *domain, Suite *const suites[])
{
	const char *host = getenv("PGHOST"), *port = getenv("PGPORT");
	char sql[1024], setting[64] = "MEDICORE__DATABASE__";
	int status;

	if (host == NULL) {
		fputs("PGHOST is not set: run this by tests/lib/with-postgres\n", stderr);
		return 77;
	}
	setenv("MEDICORE__DATABASE__HOST", host, 1);
	setenv("MEDICORE__DATABASE__PORT", port == NULL ? "5432" : port, 1);
	snprintf(database, sizeof(database), "%s_pgtest_%d", domain, (int)getpid());
	for (size_t i = 0, end = strlen(setting); domain[i] != '\0' && end + i < sizeof(setting) - 1; i++)
		setting[end + i] = (char)toupper((unsigned char)domain[i]);
	setenv(setting, database, 1); /* for those that connect by themselves */
	if (!config_load("/dev/null"))
		return EXIT_FAILURE;
	snprintf(sql, sizeof(sql), "%s/db/%s", TOP_SRCDIR, domain);
	setenv("PGTEST_DATABASE", database, 1);
	setenv("PGTEST_SQL", sql, 1);
	/* roles.sql runs after the migrator has made its own table. */
	shell(PSQL "-d postgres -c \"create database $PGTEST_DATABASE\" &&"
		   " { echo 'create table schema_migration (number integer);' &&"
		   " cat \"$PGTEST_SQL\"/roles.sql \"$PGTEST_SQL\"/[0-9]*.sql; } | " PSQL "-d $PGTEST_DATABASE");
	status = run_suites(suites);
	shell(PSQL "-d postgres -c \"drop database $PGTEST_DATABASE with (force)\"");
	return status;
}
