#include <stdlib.h>
#include <string.h>

#include "lib/token/cache.h"
#include "tests/unit/token/suites.h"

#define NOW INT64_C(1800000000)

static struct cache *cache;

static void
setup(void)
{
	cache = malloc(sizeof(*cache));
	ck_assert_ptr_nonnull(cache);
	cache_init(cache);
}

static void
teardown(void)
{
	free(cache);
}

static struct token
ending(int64_t expires_s)
{
	return (struct token){ .id = "i",
		.account = "a",
		.session = "s",
		.role = "ADMIN",
		.issued_s = NOW,
		.expires_s = expires_s };
}

static const struct cache_entry *
find(unsigned n, int64_t now_s)
{
	unsigned char hash[CACHE_HASH];

	cache_hash(cache, (const char *)&n, sizeof(n), hash);
	return cache_find(cache, hash, now_s);
}

static void
add(unsigned n, int64_t expires_s)
{
	unsigned char hash[CACHE_HASH];
	struct token token = ending(expires_s);

	cache_hash(cache, (const char *)&n, sizeof(n), hash);
	cache_add(cache, hash, &token);
}

START_TEST(what_was_added_is_found_until_it_expires)
{
	add(1, NOW + 900);
	ck_assert_ptr_null(find(2, NOW));
	ck_assert_ptr_nonnull(find(1, NOW));
	ck_assert_str_eq(find(1, NOW)->role, "ADMIN");
	ck_assert_ptr_nonnull(find(1, NOW + 900 + TOKEN_LEEWAY_S - 1));
	ck_assert_ptr_null(find(1, NOW + 900 + TOKEN_LEEWAY_S));
	cache_clear(cache);
	ck_assert_ptr_null(find(1, NOW));
}
END_TEST

START_TEST(it_keeps_its_size_and_what_lasts_longest)
{
	unsigned found = 0;

	for (unsigned n = 0; n < 100000; n++)
		add(n, NOW + n);
	for (unsigned n = 0; n < 100000; n++)
		found += find(n, NOW) != NULL;
	ck_assert_uint_eq(found, CACHE_SETS * CACHE_WAYS);
	ck_assert_ptr_nonnull(find(99999, NOW));
}
END_TEST

START_TEST(two_processes_hash_differently)
{
	unsigned char one[CACHE_HASH], other[CACHE_HASH];

	cache_hash(cache, "text", 4, one);
	cache_init(cache);
	cache_hash(cache, "text", 4, other);
	ck_assert_mem_ne(one, other, CACHE_HASH);
}
END_TEST

Suite *
cache_suite(void)
{
	Suite *suite = suite_create("cache");
	TCase *tc = tcase_create("cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_added_is_found_until_it_expires);
	tcase_add_test(tc, it_keeps_its_size_and_what_lasts_longest);
	tcase_add_test(tc, two_processes_hash_differently);
	suite_add_tcase(suite, tc);
	return suite;
}
