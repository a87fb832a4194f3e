#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/audit/fixture.h"
#include "tests/unit/audit/suites.h"

#define FILES_MAX 16

static struct audit_spool *spool;
static struct arena *arena;
static struct ctx cx;
static char paths[FILES_MAX][400];

static void
setup(void)
{
	directory_setup();
	arena = arena_new();
	ctx_init(&cx, arena, NULL);
	cx.account = "somebody";
	cx.role = "STAFF";
	cx.session = "a login";
	cx.address = "192.0.2.7";
	spool = audit_spool_new("toys", "medicore-toys.fcgi");
}

static void
teardown(void)
{
	audit_spool_free(spool);
	arena_free(arena);
	directory_teardown();
}

/* Files in the spool, their paths in paths. */
static size_t
files(void)
{
	char toys[300];
	struct dirent *e;
	size_t n = 0;
	DIR *d;

	snprintf(toys, sizeof(toys), "%s/toys", directory);
	d = opendir(toys);
	while (d != NULL && (e = readdir(d)) != NULL && n < FILES_MAX)
		if (e->d_name[0] != '.')
			snprintf(paths[n++], sizeof(paths[0]), "%.120s/%.250s", toys, e->d_name);
	if (d != NULL)
		closedir(d);
	return n;
}

static enum rc
note(const char *filter)
{
	return audit_note(&cx, spool,
	    &(struct audit_entry){ .action = "GET /toys", .filter = filter, .count = 2, .result = "ok" });
}

/* Lines of the file that are entries; *ret_last, where it isn't NULL, is the last one. */
static size_t
lines(const char *path, struct audit_entry *ret_last)
{
	static char text[8 * 1024 * 1024];
	FILE *f = fopen(path, "re");
	size_t n, count = 0;
	char *line, *end;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	for (line = text; (end = memchr(line, '\n', n - (size_t)(line - text))) != NULL;
	     line = end + 1, count++) {
		struct audit_entry entry;

		ck_assert(audit_line_read(line, (size_t)(end - line), &entry));
		if (ret_last != NULL)
			*ret_last = entry;
	}
	ck_assert_ptr_eq(line, text + n);
	return count;
}

START_TEST(a_note_is_in_the_file_when_it_returns)
{
	struct audit_entry entry;

	ck_assert_uint_eq(files(), 0);
	ck_assert_int_eq(note("name=x"), RC_OK);
	ck_assert_uint_eq(files(), 1);
	ck_assert_uint_eq(lines(paths[0], &entry), 1);
	ck_assert_str_eq(entry.account, "somebody");
	ck_assert_str_eq(entry.role, "STAFF");
	ck_assert_str_eq(entry.session, "a login");
	ck_assert_str_eq(entry.address, "192.0.2.7");
	ck_assert_str_eq(entry.program, "medicore-toys.fcgi");
	ck_assert_str_eq(entry.request_id, cx.request_id);
	ck_assert_str_eq(entry.filter, "name=x");
	ck_assert_int_eq(entry.count, 2);
	ck_assert_int_eq(note("name=y"), RC_OK);
	ck_assert_uint_eq(lines(paths[0], &entry), 2);
	ck_assert_str_eq(entry.filter, "name=y");
}
END_TEST

START_TEST(the_file_is_held_as_long_as_the_spool_is_open)
{
	struct stat st;
	int fd;

	ck_assert_int_eq(audit_ready(&cx, spool), RC_OK);
	ck_assert_uint_eq(files(), 1);
	fd = open(paths[0], O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	audit_spool_free(spool);
	spool = NULL;
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}
END_TEST

START_TEST(a_full_file_is_followed_by_another)
{
	static char filter[20000];
	size_t noted = 0, found = 0, n;

	memset(filter, 'x', sizeof(filter) - 1);
	for (; noted < 250; noted++)
		ck_assert_int_eq(note(filter), RC_OK);
	n = files();
	ck_assert_uint_ge(n, 2);
	for (size_t i = 0; i < n; i++)
		found += lines(paths[i], NULL);
	ck_assert_uint_eq(found, noted);
}
END_TEST

#define THREADS 8
#define NOTES 500

static void *
note_many(void *unused)
{
	struct arena *a = arena_new();
	struct ctx own;

	(void)unused;
	ctx_init(&own, a, NULL);
	for (int i = 0; i < NOTES; i++)
		if (audit_note(&own, spool, &(struct audit_entry){ .action = "GET /toys", .result = "ok" }) !=
		    RC_OK)
			abort();
	arena_free(a);
	return NULL;
}

START_TEST(lines_of_several_threads_stay_whole)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, note_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(files(), 1);
	ck_assert_uint_eq(lines(paths[0], NULL), (size_t)THREADS * NOTES);
}
END_TEST

START_TEST(without_a_directory_nothing_is_ready_until_there_is_one)
{
	char toys[300];

	snprintf(toys, sizeof(toys), "%s/toys", directory);
	ck_assert_int_eq(rmdir(toys), 0);
	ck_assert_int_eq(audit_ready(&cx, spool), RC_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(cx.err.detail, "No such file"));
	ck_assert_int_eq(note(NULL), RC_UNAVAILABLE);
	ck_assert_int_eq(mkdir(toys, 0755), 0);
	ck_assert_int_eq(audit_ready(&cx, spool), RC_OK);
	ck_assert_int_eq(note(NULL), RC_OK);
}
END_TEST

/* As a full disk does, a limit on the size of files lets part of a line in, and then nothing. */
static void
limit_files(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(what_goes_in_only_in_part_is_no_note_and_spoils_none)
{
	static char filter[1000];
	size_t n, found = 0;

	memset(filter, 'x', sizeof(filter) - 1);
	ck_assert_int_eq(audit_ready(&cx, spool), RC_OK);
	ck_assert_int_eq(note(filter), RC_OK);
	limit_files(1500);
	ck_assert_int_eq(note(filter), RC_UNAVAILABLE);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(note("the next"), RC_OK);
	n = files();
	for (size_t i = 0; i < n; i++)
		found += lines(paths[i], NULL);
	ck_assert_uint_eq(found, 2);
}
END_TEST

/* count notes that differ in their count; every 10th is as long as a line may be. */
static void
note_together(struct audit_note *notes, struct audit_entry *entries, size_t count)
{
	static char filter[AUDIT_LINE_MAX];

	memset(filter, 'x', sizeof(filter) - 1);
	for (size_t i = 0; i < count; i++) {
		entries[i] = (struct audit_entry){
			.action = "GET /toys", .filter = i % 10 == 9 ? filter : "short", .count = (int64_t)i, .result = "ok"
		};
		notes[i] = (struct audit_note){ .cx = &cx, .entry = &entries[i], .rc = RC_INTERNAL };
	}
	audit_note_all(spool, notes, count);
}

#define MANY 100

START_TEST(many_notes_are_all_there_in_their_order)
{
	struct audit_entry entries[MANY], last;
	struct audit_note notes[MANY];

	note_together(notes, entries, MANY);
	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(notes[i].rc, RC_OK);
	ck_assert_uint_eq(files(), 1);
	ck_assert_uint_eq(lines(paths[0], &last), MANY);
	ck_assert_int_eq(last.count, MANY - 1);
}
END_TEST

/* Those whose write failed weren't noted, the others were. */
START_TEST(each_of_many_is_told_whether_it_was_noted)
{
	struct audit_entry entries[MANY];
	struct audit_note notes[MANY];
	size_t noted = 0, found = 0, n;

	limit_files(200000); /* of a file */
	note_together(notes, entries, MANY);
	limit_files(RLIM_INFINITY);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert(notes[i].rc == RC_OK || notes[i].rc == RC_UNAVAILABLE);
		noted += notes[i].rc == RC_OK;
	}
	ck_assert_uint_gt(noted, 0);
	ck_assert_uint_lt(noted, MANY);
	n = files();
	for (size_t i = 0; i < n; i++)
		found += lines(paths[i], NULL);
	ck_assert_uint_eq(found, noted);
}
END_TEST

Suite *
spool_suite(void)
{
	Suite *s = suite_create("audit spools");
	TCase *t = tcase_create("audit spools");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_note_is_in_the_file_when_it_returns);
	tcase_add_test(t, the_file_is_held_as_long_as_the_spool_is_open);
	tcase_add_test(t, a_full_file_is_followed_by_another);
	tcase_add_test(t, lines_of_several_threads_stay_whole);
	tcase_add_test(t, without_a_directory_nothing_is_ready_until_there_is_one);
	tcase_add_test(t, many_notes_are_all_there_in_their_order);
	tcase_add_test(t, each_of_many_is_told_whether_it_was_noted);
	tcase_add_test(t, what_goes_in_only_in_part_is_no_note_and_spoils_none);
	suite_add_tcase(s, t);
	return s;
}
