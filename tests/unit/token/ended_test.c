#include <stdio.h>

#include "lib/base/uuid.h"
#include "lib/token/ended.h"
#include "tests/unit/token/suites.h"

#define NOW 1800000000

static const char *
session(char text[UUID_SIZE], unsigned n)
{
	snprintf(text, UUID_SIZE, "018f4e3a-0000-7000-8000-%012x", n);
	return text;
}

START_TEST(what_has_ended_is_known_and_nothing_else)
{
	struct ended e = { 0 };
	char text[UUID_SIZE];

	ck_assert(!ended_has(&e, session(text, 0)));
	for (unsigned n = 0; n < 5000; n += 2)
		ck_assert(ended_add(&e, session(text, n), NOW + 900, NOW));
	for (unsigned n = 0; n < 5000; n += 2)
		ck_assert(ended_add(&e, session(text, n), NOW + 900, NOW)); /* told again */
	ck_assert_uint_eq(e.count, 2500);
	for (unsigned n = 0; n < 6000; n++)
		ck_assert_int_eq(ended_has(&e, session(text, n)), n < 5000 && n % 2 == 0);
	ended_release(&e);
}
END_TEST

START_TEST(what_is_past_makes_room)
{
	struct ended e = { 0 };
	char text[UUID_SIZE];
	size_t capacity = 0;

	for (unsigned round = 0; round < 100; round++) {
		for (unsigned n = 0; n < 100; n++)
			ck_assert(ended_add(&e, session(text, 100 * round + n), NOW + 1000 * round + 900,
			    NOW + 1000 * round));
		for (unsigned n = 0; n < 100; n++)
			ck_assert(ended_has(&e, session(text, 100 * round + n)));
		if (round == 1)
			capacity = e.capacity;
	}
	ck_assert_uint_le(e.capacity, 2 * capacity);
	/* Nobody's token is left of this one. */
	ck_assert(ended_add(&e, session(text, 999999), NOW, NOW + 1000000));
	ck_assert(!ended_has(&e, text));
	ended_release(&e);
}
END_TEST

START_TEST(the_later_end_counts)
{
	struct ended e = { 0 };
	char text[UUID_SIZE], other[UUID_SIZE];

	ck_assert(ended_add(&e, session(text, 1), NOW + 9000, NOW));
	ck_assert(ended_add(&e, text, NOW + 10, NOW));
	for (unsigned n = 2; n < 1000; n++)
		ck_assert(ended_add(&e, session(other, n), NOW + 9000, NOW + 1000));
	ck_assert(ended_has(&e, text));
	ended_release(&e);
}
END_TEST

START_TEST(there_is_an_end_to_what_can_be_noted)
{
	struct ended e = { 0 };
	char text[UUID_SIZE];
	unsigned n = 0;

	while (n < 1000000 && ended_add(&e, session(text, n), NOW + 900, NOW))
		n++;
	ck_assert_uint_gt(n, 100000);
	ck_assert_uint_lt(n, 1000000);
	ck_assert(!ended_has(&e, session(text, n)));
	ck_assert(ended_has(&e, session(text, 0)));
	ck_assert(ended_add(&e, session(text, n), NOW + 9000, NOW + 1000)); /* the others are past */
	ck_assert(ended_has(&e, text));
	ended_release(&e);
}
END_TEST

Suite *
ended_suite(void)
{
	Suite *suite = suite_create("ended");
	TCase *tc = tcase_create("ended");

	tcase_add_test(tc, what_has_ended_is_known_and_nothing_else);
	tcase_add_test(tc, what_is_past_makes_room);
	tcase_add_test(tc, the_later_end_counts);
	tcase_add_test(tc, there_is_an_end_to_what_can_be_noted);
	suite_add_tcase(suite, tc);
	return suite;
}
