#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/system/pg/pg_test.h"

#define CHANNEL "pg_test"
#define LOCK_KEY 4242

START_TEST(a_listener_is_woken_at_once)
{
	int64_t start;

	/* The first call says that it listens now: what came before, nobody told. */
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 20, -1), RC_TIMEOUT);
	ck_assert_int_eq(
	    pg_script(&other, "notify " CHANNEL "; notify " CHANNEL ", 'x'; notify elsewhere"), RC_OK);
	start = now_ms();
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
	ck_assert_int_lt(now_ms() - start, 500);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 20, -1), RC_TIMEOUT);
}
END_TEST

START_TEST(a_notification_that_came_with_another_answer_is_not_missed)
{
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
	ck_assert_int_eq(pg_script(&other, "notify " CHANNEL), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
}
END_TEST

START_TEST(after_a_lost_connection_it_listens_again)
{
	enum rc rc;

	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
	terminate(&cx);
	rc = pg_listen_wait(&cx, CHANNEL, 5000, -1);
	if (rc == RC_UNAVAILABLE) /* it saw the connection die rather than found it dead */
		rc = pg_listen_wait(&cx, CHANNEL, 5000, -1);
	ck_assert_int_eq(rc, RC_OK);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 20, -1), RC_TIMEOUT);
	ck_assert_int_eq(pg_script(&other, "notify " CHANNEL), RC_OK);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, -1), RC_OK);
}
END_TEST

START_TEST(another_descriptor_ends_the_wait)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, ends[0]), RC_OK);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(pg_listen_wait(&cx, CHANNEL, 5000, ends[0]), RC_CANCELLED);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(one_holds_the_lock_until_its_connection_ends)
{
	ck_assert_int_eq(pg_try_lock(&cx, LOCK_KEY), RC_OK);
	ck_assert_int_eq(pg_try_lock(&other, LOCK_KEY), RC_CONFLICT);
	ck_assert_int_eq(pg_try_lock(&cx, LOCK_KEY), RC_OK);
	terminate(&cx);
	ck_assert_int_eq(pg_try_lock(&other, LOCK_KEY), RC_OK);
	ck_assert_int_eq(number(&cx, &count_things), 0);
	ck_assert_int_eq(pg_try_lock(&cx, LOCK_KEY), RC_CONFLICT);
}
END_TEST

static char said[200];
static bool said_ends;

static void
listen_to(enum log_level level, const char *fmt, ...)
{
	va_list args;

	said_ends = level == LOG_ERROR;
	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
}

/* What pg_schema_check makes of it. */
static enum pg_fit
fit(int schema)
{
	const struct pg_need need = { .database = "postgres", .role = "postgres", .schema = schema, .say = listen_to };

	said[0] = '\0';
	return pg_schema_check(&need);
}

START_TEST(a_database_fits_and_is_ready_by_its_schema)
{
	ck_assert_int_eq(pg_script(&other, "drop table if exists schema_migration"), RC_OK);
	ck_assert_int_eq(pg_ready(&cx, 1), RC_UNAVAILABLE);
	ck_assert_int_eq(fit(1), PG_MISFITS);
	ck_assert_str_eq(said, "database postgres has schema 0, this program is for 1: run `medicore migrate`");
	ck_assert(said_ends);
	next_request(&cx);
	ck_assert_int_eq(pg_script(&other, "create table schema_migration (number integer)"), RC_OK);
	ck_assert_int_eq(pg_ready(&cx, 1), RC_UNAVAILABLE);
	next_request(&cx);
	ck_assert_int_eq(pg_script(&other, "insert into schema_migration values (1), (2)"), RC_OK);
	ck_assert_int_eq(pg_ready(&cx, 3), RC_UNAVAILABLE);
	ck_assert_str_eq(cx.err.detail, "the database's schema is 2, this program was built for 3");
	ck_assert_int_eq(fit(3), PG_MISFITS);
	next_request(&cx);
	ck_assert_int_eq(pg_ready(&cx, 2), RC_OK);
	ck_assert_int_eq(fit(2), PG_FITS);
	ck_assert_str_eq(said, "");
	/* A program that runs while the database is brought up to date goes on; it doesn't start again. */
	ck_assert_int_eq(pg_ready(&cx, 1), RC_OK);
	ck_assert_int_eq(fit(1), PG_MISFITS);
	ck_assert_ptr_nonnull(strstr(said, "install the MediCore that made it"));
	ck_assert_int_eq(pg_script(&other, "drop table schema_migration"), RC_OK);
}
END_TEST

START_TEST(a_database_that_is_not_there_is_waited_for)
{
	const struct pg_need need = { .database = "nobody", .role = "postgres", .schema = 1, .say = listen_to };

	ck_assert_int_eq(pg_schema_check(&need), PG_UNKNOWN);
	ck_assert(!said_ends);
	ck_assert_ptr_nonnull(strstr(said, "database nobody can't be asked, waiting for it: "));
}
END_TEST

static const char *
our_own(void)
{
	return arena_printf(cx.arena, "host=%s port=%s user=postgres dbname=postgres", getenv("PGHOST"), getenv("PGPORT"));
}

START_TEST(a_session_of_another_database_reads_one_moment_and_writes_nothing)
{
	const struct thing thing = { .id = "018f4e5c-0000-7000-8000-000000000001", .name = "x" };
	const struct thing another = { .id = "018f4e5c-0000-7000-8000-000000000002", .name = "y" };
	struct ctx foreign;

	ctx_init(&foreign, cx.arena, pg_open_foreign(our_own()));
	ck_assert_int_eq(pg_begin(&foreign), RC_OK);
	ck_assert_int_eq(number(&foreign, &count_things), 0);
	ck_assert_int_eq(pg_execute(&cx, &insert_thing, &thing, NULL), RC_OK);
	ck_assert_int_eq(number(&foreign, &count_things), 0);
	ck_assert_int_eq(pg_end(&foreign, RC_OK), RC_OK);
	ck_assert_int_eq(number(&foreign, &count_things), 1);
	ck_assert_int_eq(pg_execute(&foreign, &insert_thing, &another, NULL), RC_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(foreign.err.detail, "25006")); /* read_only_sql_transaction */
	ck_assert_int_eq(number(&cx, &count_things), 1);
	pg_close(foreign.pg);
}
END_TEST

START_TEST(a_string_that_cannot_be_read_is_not_repeated)
{
	static const char *const strings[] = { "postgresql://u:secret@[::1", "host=x password", "postgres://u:secret@h/d?nothing=secret" };
	struct ctx foreign;

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		ctx_init(&foreign, cx.arena, pg_open_foreign(strings[i]));
		ck_assert_int_eq(pg_connect(&foreign), RC_UNAVAILABLE);
		ck_assert_ptr_null(strstr(foreign.err.detail, "secret"));
		ck_assert_ptr_nonnull(strstr(foreign.err.detail, "no URI or connection string"));
		pg_close(foreign.pg);
	}
}
END_TEST

Suite *
session_suite(void)
{
	Suite *s = suite_create("pg sessions");
	TCase *t = tcase_create("pg sessions");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_listener_is_woken_at_once);
	tcase_add_test(t, a_notification_that_came_with_another_answer_is_not_missed);
	tcase_add_test(t, after_a_lost_connection_it_listens_again);
	tcase_add_test(t, another_descriptor_ends_the_wait);
	tcase_add_test(t, one_holds_the_lock_until_its_connection_ends);
	tcase_add_test(t, a_database_fits_and_is_ready_by_its_schema);
	tcase_add_test(t, a_database_that_is_not_there_is_waited_for);
	tcase_add_test(t, a_session_of_another_database_reads_one_moment_and_writes_nothing);
	tcase_add_test(t, a_string_that_cannot_be_read_is_not_repeated);
	suite_add_tcase(s, t);
	return s;
}
