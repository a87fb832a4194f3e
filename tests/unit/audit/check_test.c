/* check_test.c - what is done to a trail of ten rows, and what is said of it. */
#include <string.h>

#include "lib/audit/check.h"
#include "tests/unit/audit/fixture.h"
#include "tests/unit/audit/suites.h"

#define ROWS 10

static struct audit_keys keys;
static struct audit_head seal;
static struct audit_row rows[2 * ROWS];
static unsigned char macs[2 * ROWS][AUDIT_MAC_SIZE];
static size_t count;

static void
chain(size_t from, size_t to)
{
	static const unsigned char genesis[AUDIT_MAC_SIZE];

	for (size_t i = from; i < to; i++) {
		rows[i].entry = an_entry();
		rows[i].entry.seq = (int64_t)i + 1;
		rows[i].entry.count = (int64_t)i;
		audit_mac(&keys, i == 0 ? genesis : macs[i - 1], &rows[i].entry, macs[i]);
		rows[i].mac = (struct field_bytes){ macs[i], AUDIT_MAC_SIZE };
	}
}

static void
setup(void)
{
	audit_keys_make(KEY, "toys", &keys);
	chain(0, ROWS);
	count = ROWS;
	seal.seq = ROWS;
	memcpy(seal.mac, macs[ROWS - 1], AUDIT_MAC_SIZE);
}

static struct audit_verdict
verdict(const struct audit_head *sealed)
{
	struct audit_verdict v;
	struct audit_check c;

	audit_check_begin(&c, &keys, sealed);
	for (size_t i = 0; i < count; i++)
		audit_check_row(&c, &rows[i]);
	audit_check_end(&c, &v);
	ck_assert_uint_eq((size_t)v.rows, count);
	return v;
}

static void
says(enum audit_fault fault, int64_t seq)
{
	struct audit_verdict v = verdict(&seal);

	ck_assert_int_eq(v.fault, fault);
	ck_assert_int_eq(v.seq, seq);
}

static void
take_out(size_t at, size_t n)
{
	memmove(&rows[at], &rows[at + n], (count - at - n) * sizeof(*rows));
	count -= n;
}

START_TEST(a_trail_that_nobody_touched_is_whole)
{
	says(AUDIT_WHOLE, 0);
	ck_assert_int_eq(verdict(NULL).fault, AUDIT_WHOLE);
	/* Behind the seal, until it is made again. */
	chain(ROWS, ROWS + 2);
	count = ROWS + 2;
	says(AUDIT_WHOLE, 0);
}
END_TEST

START_TEST(an_empty_trail_is_whole)
{
	count = 0;
	seal = (struct audit_head){ 0 };
	says(AUDIT_WHOLE, 0);
}
END_TEST

START_TEST(an_edited_row_is_named)
{
	rows[_i].entry.account = "somebody else";
	says(AUDIT_EDITED, _i + 1);
}
END_TEST

START_TEST(a_row_whose_mac_was_changed_is_named)
{
	static unsigned char other[AUDIT_MAC_SIZE] = { 1 };

	rows[_i].mac.bytes = other;
	says(AUDIT_EDITED, _i + 1);
	rows[_i].mac.length = 3;
	says(AUDIT_EDITED, _i + 1);
}
END_TEST

START_TEST(a_deleted_row_is_named)
{
	take_out((size_t)_i, 1);
	says(_i == ROWS - 1 ? AUDIT_CUT : AUDIT_MISSING, _i + 1);
}
END_TEST

START_TEST(an_end_that_was_cut_off_is_seen)
{
	count = (size_t)_i;
	says(AUDIT_CUT, _i + 1);
}
END_TEST

START_TEST(a_cut_stays_visible_when_the_chain_goes_on)
{
	chain(ROWS, ROWS + 3);
	count = ROWS + 3;
	seal.seq = ROWS + 3;
	memcpy(seal.mac, macs[ROWS + 2], AUDIT_MAC_SIZE);
	take_out(7, 3);
	says(AUDIT_MISSING, 8);
}
END_TEST

static void
swap(size_t a, size_t b)
{
	struct audit_row kept = rows[a];

	rows[a] = rows[b];
	rows[b] = kept;
	rows[a].entry.seq = (int64_t)a + 1;
	rows[b].entry.seq = (int64_t)b + 1;
}

START_TEST(rows_that_changed_places_are_named)
{
	for (int other = _i + 1; other < ROWS; other++) {
		swap((size_t)_i, (size_t)other);
		says(AUDIT_SWAPPED, _i + 1);
		ck_assert_int_eq(verdict(&seal).other, other + 1);
		swap((size_t)_i, (size_t)other);
	}
	says(AUDIT_WHOLE, 0);
}
END_TEST

/* All behind it move up, as the primary key demands. */
START_TEST(a_row_put_in_between_is_named)
{
	static const unsigned char mac[AUDIT_MAC_SIZE] = { 1, 2, 3 };
	size_t at = (size_t)_i;

	memmove(&rows[at + 1], &rows[at], (count - at) * sizeof(*rows));
	count++;
	for (size_t i = at + 1; i < count; i++)
		rows[i].entry.seq++;
	rows[at].entry = an_entry();
	rows[at].entry.seq = _i + 1;
	rows[at].mac = (struct field_bytes){ mac, sizeof(mac) };
	says(AUDIT_INSERTED, _i + 1);
}
END_TEST

START_TEST(a_stranger_before_the_first_or_far_behind_the_last_is_named)
{
	rows[ROWS] = rows[3];
	rows[ROWS].entry.seq = 1000;
	count = ROWS + 1;
	says(AUDIT_INSERTED, 1000);
	memmove(&rows[1], &rows[0], ROWS * sizeof(*rows));
	rows[0].entry.seq = 0;
	says(AUDIT_INSERTED, 0);
}
END_TEST

START_TEST(a_stranger_that_the_relay_left_out_is_named)
{
	chain(ROWS, ROWS + 2);
	/* The relay chained row 12 to row 10. */
	audit_mac(&keys, macs[ROWS - 1], &rows[ROWS + 1].entry, macs[ROWS + 1]);
	seal.seq = ROWS + 2;
	memcpy(seal.mac, macs[ROWS + 1], AUDIT_MAC_SIZE);
	count = ROWS + 2;
	rows[ROWS].entry.account = "a stranger";
	macs[ROWS][0] ^= 1;
	says(AUDIT_INSERTED, ROWS + 1);
}
END_TEST

START_TEST(another_chain_under_the_same_key_is_not_the_sealed_one)
{
	seal.mac[0] ^= 1;
	says(AUDIT_RESEALED, ROWS);
}
END_TEST

Suite *
check_suite(void)
{
	Suite *s = suite_create("audit checks");
	TCase *t = tcase_create("audit checks");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_trail_that_nobody_touched_is_whole);
	tcase_add_test(t, an_empty_trail_is_whole);
	tcase_add_loop_test(t, an_edited_row_is_named, 0, ROWS);
	tcase_add_loop_test(t, a_row_whose_mac_was_changed_is_named, 0, ROWS);
	tcase_add_loop_test(t, a_deleted_row_is_named, 0, ROWS);
	tcase_add_loop_test(t, an_end_that_was_cut_off_is_seen, 0, ROWS);
	tcase_add_test(t, a_cut_stays_visible_when_the_chain_goes_on);
	tcase_add_loop_test(t, rows_that_changed_places_are_named, 0, ROWS - 1);
	tcase_add_loop_test(t, a_row_put_in_between_is_named, 0, ROWS);
	tcase_add_test(t, a_stranger_before_the_first_or_far_behind_the_last_is_named);
	tcase_add_test(t, a_stranger_that_the_relay_left_out_is_named);
	tcase_add_test(t, another_chain_under_the_same_key_is_not_the_sealed_one);
	suite_add_tcase(s, t);
	return s;
}
