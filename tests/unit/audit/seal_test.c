#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/audit/chain.h"
#include "tests/unit/audit/fixture.h"
#include "tests/unit/audit/suites.h"

static struct audit_keys keys;
static struct audit_head head = { .seq = 12345, .mac = { 1, 2, 0xff } };

static void
setup(void)
{
	directory_setup();
	audit_keys_make(KEY, "seal", &keys);
}

static size_t
read_text(char *into, size_t size)
{
	char path[200];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/seal", directory);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	n = fread(into, 1, size, f);
	fclose(f);
	return n;
}

static void
write_text(const char *text, size_t n)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/seal", directory);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_seal_comes_back_as_it_was_made)
{
	struct audit_head back;

	ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_NONE);
	ck_assert(audit_seal_write("seal", &keys, &(struct audit_head){ .seq = 1 }));
	ck_assert(audit_seal_write("seal", &keys, &head));
	ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_GOOD);
	ck_assert_int_eq(back.seq, head.seq);
	ck_assert(audit_mac_same(back.mac, head.mac));
}
END_TEST

START_TEST(a_seal_is_its_owners_alone)
{
	char path[200];
	struct stat st;

	ck_assert(audit_seal_write("seal", &keys, &head));
	snprintf(path, sizeof(path), "%s/seal", directory);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(another_key_or_trail_does_not_take_it)
{
	struct audit_keys other;
	struct audit_head back;

	ck_assert(audit_seal_write("seal", &keys, &head));
	audit_keys_make(KEY, "another", &other);
	ck_assert_int_eq(audit_seal_read("seal", &other, &back), SEAL_BROKEN);
	audit_keys_free(&other);
	audit_keys_make("another key, and as long as that", "seal", &other);
	ck_assert_int_eq(audit_seal_read("seal", &other, &back), SEAL_BROKEN);
	audit_keys_free(&other);
}
END_TEST

START_TEST(no_byte_of_it_can_be_changed_or_left_out)
{
	char text[300], changed[300];
	struct audit_head back;
	size_t n;

	ck_assert(audit_seal_write("seal", &keys, &head));
	n = read_text(text, sizeof(text));
	for (size_t i = 0; i < n; i++) {
		memcpy(changed, text, n);
		changed[i] ^= 1;
		write_text(changed, n);
		ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_BROKEN);
		write_text(text, i);
		ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_BROKEN);
	}
	memcpy(changed, text, n);
	changed[n] = '\n';
	write_text(changed, n + 1);
	ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_BROKEN);
}
END_TEST

START_TEST(where_it_can_not_be_written_the_old_one_stays)
{
	struct audit_head back;
	char path[200];

	ck_assert(audit_seal_write("seal", &keys, &head));
	snprintf(path, sizeof(path), "%s/.seal.new", directory);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert(!audit_seal_write("seal", &keys, &(struct audit_head){ .seq = 99999 }));
	ck_assert_int_eq(audit_seal_read("seal", &keys, &back), SEAL_GOOD);
	ck_assert_int_eq(back.seq, head.seq);
}
END_TEST

Suite *
seal_suite(void)
{
	Suite *s = suite_create("audit seals");
	TCase *t = tcase_create("audit seals");

	tcase_add_checked_fixture(t, setup, directory_teardown);
	tcase_add_test(t, a_seal_comes_back_as_it_was_made);
	tcase_add_test(t, a_seal_is_its_owners_alone);
	tcase_add_test(t, another_key_or_trail_does_not_take_it);
	tcase_add_test(t, no_byte_of_it_can_be_changed_or_left_out);
	tcase_add_test(t, where_it_can_not_be_written_the_old_one_stays);
	suite_add_tcase(s, t);
	return s;
}
