#include "lib/web/fcgi_record.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tests/unit/web/suites.h"

/* Records as numbers, for their heads are no text. */
enum { BEGIN = 1, ABORT, END, PARAMS, STDIN, STDOUT, DATA = 8, VALUES, RESULT, UNKNOWN };

static struct arena *arena;
static struct buf sent;
static struct fcgi_in in;

static void
begin(void)
{
	arena = arena_new();
	sent = (struct buf){ .arena = arena };
	in = (struct fcgi_in){ .capacity = 8 };
}

static void
end(void)
{
	fcgi_forget(&in);
	arena_free(arena);
}

static void
record_of(unsigned id, int type, const void *content, size_t length, size_t padding)
{
	const unsigned char head[] = { 1, (unsigned char)type, (unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(length >> 8), (unsigned char)length, (unsigned char)padding, 0 };

	buf_add(&sent, head, sizeof(head));
	if (length > 0)
		buf_add(&sent, content, length);
	for (size_t i = 0; i < padding; i++)
		buf_add_char(&sent, 'P');
}

static void
record(int type, const char *text)
{
	record_of(1, type, text, strlen(text), 0);
}

static void
begin_record(unsigned id, int role, int flags)
{
	record_of(id, BEGIN, (const unsigned char[]){ 0, (unsigned char)role, (unsigned char)flags, 0, 0, 0, 0, 0 }, 8, 0);
}

static void
pair(struct buf *b, const char *name, const char *value)
{
	size_t length = strlen(value);
	const unsigned char four[] = { (unsigned char)(128 | length >> 24), (unsigned char)(length >> 16), (unsigned char)(length >> 8),
		(unsigned char)length };

	buf_add_char(b, (char)strlen(name));
	if (length < 128)
		buf_add_char(b, (char)length);
	else
		buf_add(b, four, 4);
	buf_add_text(b, name);
	buf_add_text(b, value);
}

static void
params_record(const char *name, const char *value)
{
	struct buf b = { .arena = arena };

	pair(&b, name, value);
	record_of(1, PARAMS, b.bytes, b.length, 0);
}

static size_t fed;

/* Gives what was sent, at most piece bytes at a time, until something comes of it. */
static enum fcgi_is
next(size_t piece)
{
	enum fcgi_is is;

	while ((is = fcgi_next(&in)) == FCGI_SHORT && fed < sent.length) {
		size_t size, n = sent.length - fed;
		unsigned char *room = fcgi_room(&in, &size);

		ck_assert_uint_gt(size, 0);
		n = n < size ? n : size;
		n = n < piece ? n : piece;
		memcpy(room, sent.bytes + fed, n);
		fcgi_filled(&in, n);
		fed += n;
	}
	return is;
}

static enum fcgi_is
first(void)
{
	fed = 0;
	return next(SIZE_MAX);
}

static void
assert_reply(int type, unsigned id, const char *content, size_t length)
{
	ck_assert_uint_eq(in.reply_length, 8 + length);
	ck_assert_int_eq(in.reply[0], 1);
	ck_assert_int_eq(in.reply[1], type);
	ck_assert_uint_eq((unsigned)in.reply[2] << 8 | in.reply[3], id);
	ck_assert_uint_eq((size_t)in.reply[4] << 8 | in.reply[5], length);
	ck_assert_mem_eq(in.reply + 8, content, length);
}

static const size_t pieces[] = { 1, 2, 7, 8, 9, 100, SIZE_MAX };

START_TEST(a_request_is_the_same_in_whatever_pieces_it_comes)
{
	struct fcgi_params params;
	struct buf got = { .arena = arena };
	char long_value[301], body[16];

	memset(long_value, 'v', 300);
	long_value[300] = '\0';
	begin_record(1, 1, 1);
	params_record("REQUEST_METHOD", "POST");
	params_record("LONG", long_value);
	record_of(1, PARAMS, "\3", 1, 3); /* a pair may go over records, and records may be padded */
	record_of(1, PARAMS, "\2AB", 3, 0);
	record_of(1, PARAMS, "Cxy", 3, 1);
	params_record("EMPTY", "");
	params_record("REQUEST_METHOD", "GET");
	record(PARAMS, "");
	record_of(1, STDIN, "hello ", 6, 2);
	record_of(1, STDIN, "world", 5, 0);
	record(STDIN, "");
	fed = 0;
	ck_assert_int_eq(next(pieces[_i]), FCGI_REQUEST);
	ck_assert(in.keep);
	ck_assert(fcgi_params_read(&params, arena, &in));
	while (next(pieces[_i]) == FCGI_BODY)
		buf_add(&got, body, fcgi_take(&in, body, sizeof(body)));
	ck_assert_str_eq(got.bytes, "hello world");
	ck_assert_int_eq(in.stage, FCGI_ALL_READ);
	ck_assert_str_eq(fcgi_params_get(&params, "REQUEST_METHOD"), "POST");
	ck_assert_str_eq(fcgi_params_get(&params, "LONG"), long_value);
	ck_assert_str_eq(fcgi_params_get(&params, "ABC"), "xy");
	ck_assert_str_eq(fcgi_params_get(&params, "EMPTY"), "");
	ck_assert_ptr_null(fcgi_params_get(&params, "AB"));
	ck_assert_ptr_null(fcgi_params_get(&params, ""));
}
END_TEST

START_TEST(what_is_left_of_a_body_is_not_the_next_request)
{
	begin_record(1, 1, 1);
	record(PARAMS, "");
	record_of(1, STDIN, "left over", 9, 7);
	record(STDIN, "");
	begin_record(2, 1, 0);
	record_of(2, PARAMS, NULL, 0, 0);
	ck_assert_int_eq(first(), FCGI_REQUEST);
	fcgi_answered(&in);
	ck_assert(!fcgi_between(&in));
	ck_assert_int_eq(next(1), FCGI_REQUEST);
	ck_assert_int_eq(in.id, 2);
	ck_assert(!in.keep);
	fcgi_answered(&in);
	ck_assert(fcgi_between(&in));
}
END_TEST

START_TEST(a_body_of_any_length_takes_no_more_memory)
{
	static char content[65535];
	size_t room = 0, total = 0;
	unsigned char scratch[5000];
	enum fcgi_is is;

	begin_record(1, 1, 1);
	params_record("A", "b");
	record(PARAMS, "");
	for (int i = 0; i < 20; i++)
		record_of(1, STDIN, content, sizeof(content), 255);
	record(STDIN, "");
	ck_assert_int_eq(first(), FCGI_REQUEST);
	room = in.room;
	while ((is = next(SIZE_MAX)) == FCGI_BODY)
		total += fcgi_take(&in, scratch, sizeof(scratch));
	ck_assert_int_eq(is, FCGI_BODY_END);
	ck_assert_uint_eq(total, 20 * sizeof(content));
	ck_assert_uint_eq(in.room, room);
}
END_TEST

static void
send_variables(size_t total)
{
	static char content[65535];

	for (size_t left = total, n; left > 0; left -= n) {
		n = left < 40000 ? left : 40000;
		record_of(1, PARAMS, content, n, 0);
	}
	record(PARAMS, "");
}

START_TEST(variables_are_bounded)
{
	struct fcgi_params params;

	begin_record(1, 1, 1);
	send_variables(FCGI_PARAMS_MOST);
	ck_assert_int_eq(first(), FCGI_REQUEST);
	ck_assert(fcgi_params_read(&params, arena, &in)); /* many without name or value */
	ck_assert_str_eq(fcgi_params_get(&params, ""), "");
	fcgi_answered(&in);
	ck_assert_uint_eq(in.room, 0);

	sent.length = 0;
	begin_record(1, 1, 1);
	send_variables(FCGI_PARAMS_MOST + 1);
	ck_assert_int_eq(first(), FCGI_WRONG);
}
END_TEST

START_TEST(variables_that_go_beyond_their_end_are_refused)
{
	static const struct {
		const char *bytes;
		size_t length;
	} bad[] = {
		{ "\1", 1 }, { "\1\1a", 3 }, { "\200\0\0", 3 }, { "\1\200\0\0", 4 }, { "\377\377\377\377\377\377\377\377", 8 },
		{ "\1\377\377\377\377ab", 7 }, { "\0\0\1", 3 }, { "\1\2a\0b", 5 }, { "\2\1a\0b", 5 },
	};
	struct fcgi_params params;

	begin_record(1, 1, 1);
	record_of(1, PARAMS, bad[_i].bytes, bad[_i].length, 0);
	record(PARAMS, "");
	ck_assert_int_eq(first(), FCGI_REQUEST);
	ck_assert(!fcgi_params_read(&params, arena, &in));
}
END_TEST

START_TEST(a_second_request_meanwhile_is_told_that_there_is_one)
{
	begin_record(1, 1, 1);
	begin_record(7, 1, 1);
	record_of(7, PARAMS, "\1\1ab", 4, 0);
	params_record("C", "d");
	record(PARAMS, "");
	begin_record(258, 1, 1);
	record(STDIN, "");
	ck_assert_int_eq(first(), FCGI_REPLY);
	assert_reply(END, 7, "\0\0\0\0\1\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_REQUEST);
	ck_assert_int_eq(in.id, 1);
	ck_assert_int_eq(next(1), FCGI_REPLY);
	assert_reply(END, 258, "\0\0\0\0\1\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_BODY_END);
}
END_TEST

START_TEST(we_only_respond)
{
	begin_record(5, 2, 1);
	record_of(5, PARAMS, NULL, 0, 0);
	begin_record(6, 3, 0);
	ck_assert_int_eq(first(), FCGI_REPLY);
	assert_reply(END, 5, "\0\0\0\0\3\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_REPLY);
	assert_reply(END, 6, "\0\0\0\0\3\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_WRONG); /* who didn't want to keep it has what it asked for */
}
END_TEST

START_TEST(who_asks_for_our_limits_is_told)
{
	static const char asked[] = "\017\0FCGI_MPXS_CONNS\015\0FCGI_MAX_REQS\5\0OTHER\015\0FCGI_MAX_REQS";
	static const char told[] = "\015\1FCGI_MAX_REQS8\017\1FCGI_MPXS_CONNS0";

	record_of(0, VALUES, asked, sizeof(asked) - 1, 4);
	record_of(0, VALUES, NULL, 0, 0);
	record_of(0, 77, "abc", 3, 5);
	record_of(0, VALUES, asked, 3, 0);
	ck_assert_int_eq(first(), FCGI_REPLY);
	assert_reply(RESULT, 0, told, sizeof(told) - 1);
	ck_assert_int_eq(next(1), FCGI_REPLY);
	assert_reply(RESULT, 0, "", 0);
	ck_assert_int_eq(next(1), FCGI_REPLY);
	assert_reply(UNKNOWN, 0, "\115\0\0\0\0\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_WRONG);
}
END_TEST

START_TEST(an_abort_ends_a_request_wherever_it_is)
{
	begin_record(1, 1, 1);
	params_record("A", "b");
	record(ABORT, "");
	begin_record(2, 1, 1);
	record_of(2, PARAMS, NULL, 0, 0);
	record_of(2, ABORT, "content that it mustn't have", 28, 1);
	begin_record(3, 1, 0);
	record_of(3, ABORT, NULL, 0, 0);
	ck_assert_int_eq(first(), FCGI_REPLY);
	assert_reply(END, 1, "\0\0\0\0\0\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_REQUEST);
	ck_assert_int_eq(next(1), FCGI_ABORTED);
	fcgi_answered(&in);
	ck_assert_int_eq(next(1), FCGI_REPLY);
	assert_reply(END, 3, "\0\0\0\0\0\0\0\0", 8);
	ck_assert_int_eq(next(1), FCGI_WRONG);
}
END_TEST

START_TEST(what_is_about_no_request_is_passed_over)
{
	static char content[65535];

	record_of(9, STDIN, content, sizeof(content), 255);
	record_of(9, PARAMS, content, sizeof(content), 0);
	record_of(9, ABORT, NULL, 0, 0);
	record_of(9, DATA, content, sizeof(content), 0);
	begin_record(1, 1, 0);
	record_of(1, DATA, content, 9, 0);
	record_of(9, STDIN, content, 9, 0);
	record(PARAMS, "");
	ck_assert_int_eq(first(), FCGI_REQUEST);
	ck_assert_uint_le(in.room, 32 * 1024);
}
END_TEST

static const struct {
	int types[3]; /* what follows a request's beginning, each empty */
} out_of_order[] = { { { STDIN } }, { { PARAMS, PARAMS } }, { { PARAMS, STDIN, STDIN } }, { { BEGIN } }, { { PARAMS, STDIN, PARAMS } } };

START_TEST(records_out_of_order_end_the_connection)
{
	enum fcgi_is is;

	begin_record(1, 1, 1);
	for (int i = 0; i < 3 && out_of_order[_i].types[i] != 0; i++)
		record(out_of_order[_i].types[i], "");
	for (is = first(); is == FCGI_REQUEST || is == FCGI_BODY_END;)
		is = next(1);
	ck_assert_int_eq(is, FCGI_WRONG);
}
END_TEST

START_TEST(what_is_no_record_ends_the_connection)
{
	buf_add_text(&sent, "GET / HTTP/1.1\r\n\r\n");
	ck_assert_int_eq(first(), FCGI_WRONG);
}
END_TEST

START_TEST(a_beginning_without_role_ends_the_connection)
{
	record_of(1, BEGIN, "\0\1", 2, 0);
	ck_assert_int_eq(first(), FCGI_WRONG);
}
END_TEST

START_TEST(an_answer_has_heads_and_an_end)
{
	unsigned char head[FCGI_HEAD_SIZE], tail[FCGI_END_SIZE];

	fcgi_stdout_head(head, 513, 65535);
	ck_assert_mem_eq(head, "\1\6\2\1\377\377\0\0", 8);
	fcgi_end(tail, 513);
	ck_assert_mem_eq(tail, "\1\6\2\1\0\0\0\0" "\1\3\2\1\0\10\0\0" "\0\0\0\0\0\0\0\0", 24);
}
END_TEST

Suite *
fcgi_record_suite(void)
{
	Suite *s = suite_create("fcgi_record");
	TCase *tc = tcase_create("fcgi_record");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, a_request_is_the_same_in_whatever_pieces_it_comes, 0, sizeof(pieces) / sizeof(*pieces));
	tcase_add_test(tc, what_is_left_of_a_body_is_not_the_next_request);
	tcase_add_test(tc, a_body_of_any_length_takes_no_more_memory);
	tcase_add_test(tc, variables_are_bounded);
	tcase_add_loop_test(tc, variables_that_go_beyond_their_end_are_refused, 0, 9);
	tcase_add_test(tc, a_second_request_meanwhile_is_told_that_there_is_one);
	tcase_add_test(tc, we_only_respond);
	tcase_add_test(tc, who_asks_for_our_limits_is_told);
	tcase_add_test(tc, an_abort_ends_a_request_wherever_it_is);
	tcase_add_test(tc, what_is_about_no_request_is_passed_over);
	tcase_add_loop_test(tc, records_out_of_order_end_the_connection, 0, sizeof(out_of_order) / sizeof(*out_of_order));
	tcase_add_test(tc, what_is_no_record_ends_the_connection);
	tcase_add_test(tc, a_beginning_without_role_ends_the_connection);
	tcase_add_test(tc, an_answer_has_heads_and_an_end);
	suite_add_tcase(s, tc);
	return s;
}
