/* read_test.c - what a file of another user may say, and mustn't. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/metrics/parse.h"
#include "tests/unit/metrics/fixture.h"
#include "tests/unit/metrics/suites.h"

#define V "V\t1.0\n"
#define COUNTER V "F\tmedicore_toys_total\tc\t1\t-\tToys.\n"

static void
write_file(const char *text, unsigned values, size_t cut)
{
	struct file_header *h = calloc(1, layout_size(values, strlen(text)));
	size_t size = layout_size(values, strlen(text)) - cut;
	FILE *f = fopen(path_of("evil.metrics"), "we");

	memcpy(h->magic, MAGIC, sizeof(h->magic));
	h->value_count = values;
	h->text_length = (uint32_t)strlen(text);
	for (unsigned i = 0; i < values; i++)
		h->values[i] = UINT64_MAX;
	memcpy(h->values + values, text, strlen(text));
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(h, 1, size, f), size);
	fclose(f);
	free(h);
}

static const struct {
	const char *text;
	unsigned values;
} good[] = {
	{ V, 0 },
	{ COUNTER "S\t1\t-\n", 1 },
	{ COUNTER "S\t1\ta=\"b\",c_d=\"/{id}\"\nS\t0\ta=\"\"\n", 2 },
	{ V "F\tmedicore_x\th\t1000\t1,2,3\tX.\nS\t1\t-\n", 5 },
	{ V "F\tmedicore_x\ta\t1000000\t-\tX.\nS\t1\t-\n", 0 },
	{ V "F\tmedicore_logins_total\tc\t1\t-\tOurs.\nS\t1\t-\n", 1 },
	{ COUNTER "S\t1\tprograms=\"b\",l=\"a\"\nS\t1\tl=\"le\",lee=\"program\"\n", 2 },
};

START_TEST(a_file_as_it_should_be_is_read)
{
	write_file(good[_i].text, good[_i].values, 0);
	ck_assert(has("medicore_metrics_files_unreadable 0"));
	ck_assert(has("medicore_build_info{program=\"evil\",version=\"1.0\"} 1"));
}
END_TEST

static const struct {
	const char *text;
	unsigned values;
} bad[] = {
	{ "", 0 },
	{ "V\t1.0", 0 },                                    /* no end of line */
	{ V V, 0 },                                         /* twice */
	{ "V\t1.0\"} 1\n", 0 },                             /* a version that ends its label */
	{ "V\t1\nX\tx\n", 0 },                              /* an unknown line */
	{ COUNTER "S\t1\t-\n", 0 },                         /* more than there is */
	{ COUNTER "S\t1\t-\n", 2 },                         /* less than there is */
	{ V "S\t1\t-\n", 1 },                               /* of no family */
	{ COUNTER "S\t1\ta=\"b\"} 7\n", 1 },                /* something behind the labels */
	{ COUNTER "S\t1\ta=\"b\n", 1 },                     /* no end */
	{ COUNTER "S\t1\ta=\"\\\"\n", 1 },                  /* an escape */
	{ COUNTER "S\t1\ta=\"b\",\n", 1 },                  /* nothing behind a comma */
	{ COUNTER "S\t1\tA=\"b\"\n", 1 },                   /* a name that is none */
	{ COUNTER "S\t1\ta=\"\xc3\xa4\"\n", 1 },            /* not ASCII */
	{ COUNTER "S\t1\n", 1 },                            /* a field missing */
	{ V "F\tother_total\tc\t1\t-\tX.\nS\t1\t-\n", 1 },  /* not ours to say */
	{ V "F\tmedicore_x 1\tc\t1\t-\tX.\nS\t1\t-\n", 1 }, /* a name that is none */
	{ V "F\tmedicore_x\tq\t1\t-\tX.\nS\t1\t-\n", 1 },   /* an unknown kind */
	{ V "F\tmedicore_x\tc\t7\t-\tX.\nS\t1\t-\n", 1 },   /* no power of ten */
	{ V "F\tmedicore_x\tc\t0\t-\tX.\nS\t1\t-\n", 1 },
	{ V "F\tmedicore_x\th\t1\t-\tX.\nS\t1\t-\n", 2 },   /* a histogram without bounds */
	{ V "F\tmedicore_x\th\t1\t2,1\tX.\nS\t1\t-\n", 4 }, /* that fall */
	{ V "F\tmedicore_x\th\t1\t1,\tX.\nS\t1\t-\n", 3 },
	{ V "F\tmedicore_x\th\t1\t99999999999999999999\tX.\nS\t1\t-\n", 3 },
	{ V "F\tmedicore_x\tc\t1\t1\tX.\nS\t1\t-\n", 1 },    /* a counter with bounds */
	{ V "F\tmedicore_x\tc\t1\t-\tX\\n.\nS\t1\t-\n", 1 }, /* help with an escape */
	{ COUNTER "S\t1\tprogram=\"b\"\n", 1 },            /* labels that the writer adds */
	{ COUNTER "S\t1\ta=\"b\",le=\"1\"\n", 1 },
	{ COUNTER "S\t1\ta=\"b\",c=\"d\",a=\"e\"\n", 1 },   /* a label twice */
	{ COUNTER "S\t1\ta=\"\",b=\"\",c=\"\",d=\"\",e=\"\",f=\"\",g=\"\",h=\"\",i=\"\"\n", 1 }, /* too many */
	{ COUNTER "S\t1\t-\nF\tmedicore_toys_total\tc\t1\t-\tToys.\n", 1 }, /* a family twice */
	{ V "F\tmedicore_logins_total\tg\t1\t-\tX.\n", 0 },  /* one of ours, of another kind */
	{ V "F\tmedicore_build_info\tg\t1\t-\tX.\n", 0 },    /* one that the writer makes */
	{ V "F\tmedicore_metrics_files_unreadable\tg\t1\t-\tX.\n", 0 },
};

START_TEST(a_file_that_is_not_is_left_out)
{
	write_file(bad[_i].text, bad[_i].values, 0);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	ck_assert_ptr_null(strstr(text(), "evil"));
}
END_TEST

START_TEST(more_gauges_than_there_are_are_refused)
{
	static const char begin[] = V "F\tmedicore_x\tg\t1\t-\tX.\n", gauge[] = "S\t1\t-\n";
	struct buf many = { .arena = arena_new() };

	buf_add_text(&many, begin);
	for (int i = 0; i < GAUGES; i++)
		buf_add_text(&many, gauge);
	write_file(many.bytes, 0, 0);
	ck_assert(has("medicore_metrics_files_unreadable 0"));
	buf_add_text(&many, gauge);
	write_file(many.bytes, 0, 0);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	arena_free(many.arena);
}
END_TEST

START_TEST(more_families_than_any_program_has_are_refused)
{
	struct buf many = { .arena = arena_new() };

	buf_add_text(&many, V);
	for (int i = 0; i < 100; i++)
		buf_addf(&many, "F\tmedicore_%c%c\tg\t1\t-\tX.\n", 'a' + i / 26, 'a' + i % 26);
	write_file(many.bytes, 0, 0);
	ck_assert(has("medicore_metrics_files_unreadable 0"));
	buf_add_text(&many, "F\tmedicore_more\tg\t1\t-\tX.\n");
	write_file(many.bytes, 0, 0);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	arena_free(many.arena);
}
END_TEST

START_TEST(a_file_that_was_cut_is_left_out)
{
	write_file(COUNTER "S\t1\t-\n", 1, (size_t)_i);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
}
END_TEST

START_TEST(what_is_no_file_is_left_out_and_what_has_another_name_is_nobodys)
{
	ck_assert_int_eq(mkfifo(path_of("pipe.metrics"), 0600), 0);
	ck_assert_int_eq(mkfifo(path_of("PIPE.metrics"), 0600), 0);
	ck_assert_int_eq(mkfifo(path_of("a\"b.metrics"), 0600), 0);
	ck_assert_int_eq(mkfifo(path_of("pipe.metrics.new"), 0600), 0);
	ck_assert_int_eq(mkfifo(path_of(".metrics"), 0600), 0);
	ck_assert(has("medicore_metrics_files_unreadable 1"));
	ck_assert_int_eq(remove(path_of(".metrics")), 0);
}
END_TEST

Suite *
read_suite(void)
{
	Suite *suite = suite_create("reading");
	TCase *tests = tcase_create("reading");

	tcase_add_checked_fixture(tests, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tests, a_file_as_it_should_be_is_read, 0, (int)(sizeof(good) / sizeof(*good)));
	tcase_add_loop_test(tests, a_file_that_is_not_is_left_out, 0, (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(tests, more_gauges_than_there_are_are_refused);
	tcase_add_test(tests, more_families_than_any_program_has_are_refused);
	tcase_add_loop_test(tests, a_file_that_was_cut_is_left_out, 1, 40);
	tcase_add_test(tests, what_is_no_file_is_left_out_and_what_has_another_name_is_nobodys);
	suite_add_tcase(suite, tests);
	return suite;
}
