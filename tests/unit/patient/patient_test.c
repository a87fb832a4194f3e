/* The patient's rules, on a store that only remembers what it was asked. */
#include "domain/patient/patient.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "domain/patient/patient_store.h"
#include "lib/base/uuid.h"
#include "tests/lib/run_suites.h"

#define ADA "6b29fc40-ca47-4067-b31d-00dd010662da"
#define BOB "018f4e5c-0000-7000-8000-000000000002"

static struct {
	int calls;
	enum rc rc, find_rc;
	struct patient asked, stored;
	struct patient_filter filter;
	const char *after, *ids;
	int64_t limit;
	size_t count; /* rows that a list finds */
} store;

static struct ctx cx;

enum rc
patient_store_insert(struct ctx *c, const struct patient *p, struct patient *ret_saved)
{
	(void)c;
	store.calls++;
	*ret_saved = *p;
	ret_saved->id = arena_strdup(c->arena, p->id);
	return store.rc;
}

enum rc
patient_store_insert_all(struct ctx *c, const struct patient *all, size_t count, enum rc *ret_each)
{
	(void)c;
	store.calls++;
	store.asked = all[count - 1];
	for (size_t i = 0; i < count; i++)
		ret_each[i] = store.calls == 1 ? RC_OK : RC_STALE;
	return store.rc;
}

enum rc
patient_store_find(struct ctx *c, const char *id, struct patient *ret_patient)
{
	(void)c;
	(void)id;
	*ret_patient = store.stored;
	return store.find_rc;
}

enum rc
patient_store_update(struct ctx *c, const struct patient *p, struct patient *ret_saved)
{
	(void)c;
	store.calls++;
	store.asked = *p;
	if (store.rc == RC_OK)
		*ret_saved = *p;
	return store.rc;
}

enum rc
patient_store_delete(struct ctx *c, const char *id, int64_t if_version)
{
	(void)c;
	store.asked = (struct patient){ .id = id, .version = if_version };
	return store.rc;
}

enum rc
patient_store_list(struct ctx *c, const struct patient_filter *filter, const char *after, int64_t limit,
    struct patient **ret_patients, size_t *ret_count)
{
	store.calls++;
	store.filter = *filter;
	store.after = arena_strdup(c->arena, after);
	store.limit = limit;
	*ret_patients = arena_zalloc_n(c->arena, store.count, sizeof(**ret_patients));
	*ret_count = store.count;
	return store.rc;
}

enum rc
patient_store_for_each(struct ctx *c, const struct patient_filter *filter,
    enum rc (*each)(void *closure, const void *patient), void *closure)
{
	(void)c;
	(void)each;
	(void)closure;
	store.filter = *filter;
	return store.rc;
}

enum rc
patient_store_existing(struct ctx *c, const char *ids, struct patient **ret_patients, size_t *ret_count)
{
	store.calls++;
	store.ids = arena_strdup(c->arena, ids);
	*ret_patients = arena_zalloc_n(c->arena, 2, sizeof(**ret_patients));
	(*ret_patients)[0].id = BOB;
	(*ret_patients)[1].id = ADA;
	*ret_count = 2;
	return store.rc;
}

/* ADA alone exists. */
enum rc
patient_store_marks(struct ctx *c, const char *ids, size_t count, const char **ret_marks)
{
	struct buf marks = { .arena = c->arena };

	store.calls++;
	ids++; /* the brace */
	for (size_t i = 0; i < count; i++, ids += UUID_SIZE)
		buf_add_char(&marks, strncmp(ids, ADA, UUID_SIZE - 1) == 0 ? 'y' : 'n');
	*ret_marks = marks.bytes;
	return store.rc;
}

enum rc
patient_store_look_up(struct ctx *c, const char *id, struct patient *ret_patient)
{
	store.calls++;
	*ret_patient = (struct patient){ .id = arena_strdup(c->arena, id), .name = "Ada Lovelace" };
	return store.rc;
}

static void
setup(void)
{
	memset(&store, 0, sizeof(store));
	ctx_init(&cx, arena_new(), NULL);
}

static void
teardown(void)
{
	arena_free(cx.arena);
}

/* YYYY-MM-DD, days from today in UTC. */
static const char *
day(int days)
{
	time_t at = time(NULL) + (time_t)days * 86400;
	char text[DATE_SIZE];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	return arena_strdup(cx.arena, text);
}

static struct patient
ada(void)
{
	return (struct patient){
		.name = "Ada Lovelace",
		.email = "ada@example.org",
		.gender = "FEMALE",
		.address = "London",
		.date_of_birth = "1985-12-10",
		.registered_date = "2026-01-05",
	};
}

START_TEST(registering_without_an_id_makes_one)
{
	struct patient asked = ada(), saved;
	char id[UUID_SIZE];

	ck_assert_int_eq(patient_register(&cx, &asked, &saved), RC_OK);
	ck_assert(uuid_parse(saved.id, strlen(saved.id), id));
	ck_assert_int_eq(saved.id[14], '7');
}
END_TEST

START_TEST(registering_keeps_an_id_that_is_given)
{
	struct patient asked = ada(), saved;

	asked.id = ADA;
	ck_assert_int_eq(patient_register(&cx, &asked, &saved), RC_OK);
	ck_assert_str_eq(saved.id, ADA);
}
END_TEST

START_TEST(birth_in_the_future_is_refused_before_the_store_is_asked)
{
	struct patient asked = ada(), saved;

	asked.date_of_birth = day(0);
	ck_assert_int_eq(patient_register(&cx, &asked, &saved), RC_OK);
	asked.date_of_birth = day(2); /* midnight may pass meanwhile */
	ck_assert_int_eq(patient_register(&cx, &asked, &saved), RC_INVALID);
	ck_assert_int_eq(patient_change(&cx, ADA, 0, &asked, &saved), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "dateOfBirth");
	ck_assert_int_eq(store.calls, 1);
}
END_TEST

START_TEST(change_of_nothing_is_refused_in_the_contracts_words)
{
	struct patient nothing = { .id = ADA, .registered_date = "2026-01-05" }, saved;

	ck_assert_int_eq(patient_change(&cx, ADA, 0, &nothing, &saved), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "patientUpdateDTO");
	ck_assert_str_eq(cx.err.fields->message, "You must provide at least one field to update");
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(change_names_all_that_is_wrong_at_once)
{
	struct patient asked = { .id = BOB, .date_of_birth = "9000-01-01" }, saved;

	ck_assert_int_eq(patient_change(&cx, ADA, 0, &asked, &saved), RC_INVALID);
	ck_assert_uint_eq(cx.err.field_count, 2);
	ck_assert_str_eq(cx.err.fields->name, "dateOfBirth");
	ck_assert_str_eq(cx.err.fields->next->name, "id");
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(change_asks_the_store_for_the_paths_id_and_the_version)
{
	struct patient asked = { .name = "Ada King" }, saved;

	ck_assert_int_eq(patient_change(&cx, ADA, 7, &asked, &saved), RC_OK);
	ck_assert_str_eq(store.asked.id, ADA);
	ck_assert_int_eq(store.asked.version, 7);
	ck_assert_str_eq(store.asked.name, "Ada King");
}
END_TEST

START_TEST(change_that_met_no_row_is_explained)
{
	struct patient asked = { .name = "Ada King", .registered_date = "2026-01-05" }, saved;

	store.rc = RC_NOT_FOUND;
	store.find_rc = RC_NOT_FOUND;
	ck_assert_int_eq(patient_change(&cx, ADA, 0, &asked, &saved), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.message, "Patient with the id " ADA " doesn't exist");

	err_clear(&cx);
	store.find_rc = RC_OK;
	store.stored.registered_date = "2026-01-06";
	ck_assert_int_eq(patient_change(&cx, ADA, 0, &asked, &saved), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "registeredDate");

	err_clear(&cx);
	store.stored.registered_date = "2026-01-05";
	ck_assert_int_eq(patient_change(&cx, ADA, 3, &asked, &saved), RC_STALE);

	err_clear(&cx);
	store.find_rc = RC_UNAVAILABLE;
	ck_assert_int_eq(patient_change(&cx, ADA, 3, &asked, &saved), RC_UNAVAILABLE);
}
END_TEST

START_TEST(removal_that_met_no_row_is_explained)
{
	store.rc = RC_NOT_FOUND;
	ck_assert_int_eq(patient_remove(&cx, ADA, 3), RC_STALE);
	ck_assert_int_eq(store.asked.version, 3);
	err_clear(&cx);
	store.find_rc = RC_NOT_FOUND;
	ck_assert_int_eq(patient_remove(&cx, ADA, 0), RC_NOT_FOUND);
	ck_assert_str_eq(cx.err.message, "Patient with the id " ADA " doesn't exist");
}
END_TEST

START_TEST(page_tells_whether_others_follow)
{
	static const struct {
		size_t found, count;
		bool more;
	} cases[] = { { 0, 0, false }, { 2, 2, false }, { 3, 3, false }, { 4, 3, true } };
	struct patient_filter filter = { .page.limit = 3 };
	struct patient *patients;
	size_t count;
	bool more;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store.count = cases[i].found;
		ck_assert_int_eq(patient_list(&cx, &filter, &patients, &count, &more), RC_OK);
		ck_assert_int_eq(store.limit, 4);
		ck_assert_uint_eq(count, cases[i].count);
		ck_assert(more == cases[i].more);
	}
}
END_TEST

START_TEST(cursor_that_is_no_id_is_refused)
{
	struct patient_filter filter = { .page = { .limit = 3, .after = "1|" ADA } };
	struct patient *patients;
	size_t count;
	bool more;

	ck_assert_int_eq(patient_list(&cx, &filter, &patients, &count, &more), RC_INVALID);
	ck_assert_str_eq(cx.err.fields->name, "cursor");
	ck_assert_int_eq(store.calls, 0);
	err_clear(&cx);
	filter.page.after = ADA;
	ck_assert_int_eq(patient_list(&cx, &filter, &patients, &count, &more), RC_OK);
	ck_assert_str_eq(store.after, ADA);
}
END_TEST

START_TEST(name_that_is_searched_for_is_trimmed)
{
	struct patient_filter filter = { .name = "  de  la Cruz " };

	ck_assert_int_eq(patient_for_each(&cx, &filter, NULL, NULL), RC_OK);
	ck_assert_str_eq(store.filter.name, "de  la Cruz");
	filter.name = "   ";
	ck_assert_int_eq(patient_for_each(&cx, &filter, NULL, NULL), RC_OK);
	ck_assert_ptr_null(store.filter.name);
}
END_TEST

START_TEST(many_ids_are_one_question_and_what_is_no_uuid_is_not_asked)
{
	const char *ids[] = { " " ADA "\t", "1-1-1-1-1", "", NULL, "6B29FC40-CA47-4067-B31D-00DD010662DA",
		"00000000-0000-0000-0000-000000000000", BOB, ADA "x", "'; drop table patient" };
	const bool expected[] = { true, false, false, false, true, false, true, false, false };
	bool exist[9];

	ck_assert_int_eq(patient_exist(&cx, ids, 9, exist), RC_OK);
	for (size_t i = 0; i < 9; i++)
		ck_assert(exist[i] == expected[i]);
	ck_assert_int_eq(store.calls, 1);
	ck_assert_ptr_null(strstr(store.ids, "drop"));
}
END_TEST

START_TEST(a_thousand_ids_are_one_question_too_and_each_has_its_own_answer)
{
	const char *ids[1000];
	bool exist[1000];

	for (size_t i = 0; i < 1000; i++)
		ids[i] = i % 3 == 0 ? ADA : i % 3 == 1 ? "no id" : BOB;
	ck_assert_int_eq(patient_exist(&cx, ids, 1000, exist), RC_OK);
	for (size_t i = 0; i < 1000; i++)
		ck_assert(exist[i] == (i % 3 == 0));
	ck_assert_int_eq(store.calls, 1);
	store.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(patient_exist(&cx, ids, 1000, exist), RC_UNAVAILABLE);
}
END_TEST

START_TEST(ids_none_of_which_is_a_uuid_need_no_question)
{
	const char *ids[] = { "abc", " " };
	bool exist[] = { true, true };

	ck_assert_int_eq(patient_exist(&cx, ids, 2, exist), RC_OK);
	ck_assert(!exist[0] && !exist[1]);
	ck_assert_int_eq(store.calls, 0);
}
END_TEST

START_TEST(who_cannot_ask_does_not_say_no)
{
	const char *ids[] = { ADA };
	bool exist[] = { true };

	store.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(patient_exist(&cx, ids, 1, exist), RC_UNAVAILABLE);
	ck_assert(exist[0]);
}
END_TEST

START_TEST(only_an_id_that_may_be_somebodys_is_looked_up)
{
	struct patient found;
	bool exists = true;

	ck_assert_int_eq(patient_look_up(&cx, "'; drop table patient", &found, &exists), RC_OK);
	ck_assert(!exists);
	ck_assert_int_eq(store.calls, 0);
	ck_assert_int_eq(patient_look_up(&cx, " " ADA, &found, &exists), RC_OK);
	ck_assert(exists);
	ck_assert_str_eq(found.id, ADA);
	store.rc = RC_NOT_FOUND;
	ck_assert_int_eq(patient_look_up(&cx, ADA, &found, &exists), RC_OK);
	ck_assert(!exists);
	store.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(patient_look_up(&cx, ADA, &found, &exists), RC_UNAVAILABLE);
}
END_TEST

START_TEST(of_many_each_statement_takes_an_id_once)
{
	struct patient asked[] = { { .id = BOB }, { .id = ADA }, { .id = ADA }, { .id = BOB }, { .id = BOB } };
	enum rc each[5];

	ck_assert_int_eq(patient_register_all(&cx, asked, 2, each), RC_OK);
	ck_assert_int_eq(store.calls, 1);
	store.calls = 0;
	ck_assert_int_eq(patient_register_all(&cx, asked, 5, each), RC_OK);
	ck_assert_int_eq(store.calls, 3); /* BOB ADA, ADA BOB, BOB */
	ck_assert_int_eq(each[1], RC_OK);
	ck_assert_int_eq(each[2], RC_STALE);
	ck_assert_int_eq(each[4], RC_STALE);
	store.calls = 0;
	ck_assert_int_eq(patient_register_all(&cx, asked, 0, each), RC_OK);
	ck_assert_int_eq(store.calls, 0);
	store.rc = RC_UNAVAILABLE;
	ck_assert_int_eq(patient_register_all(&cx, asked, 5, each), RC_UNAVAILABLE);
	ck_assert_int_eq(store.calls, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("patient");
	TCase *tc = tcase_create("rules");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, registering_without_an_id_makes_one);
	tcase_add_test(tc, registering_keeps_an_id_that_is_given);
	tcase_add_test(tc, of_many_each_statement_takes_an_id_once);
	tcase_add_test(tc, birth_in_the_future_is_refused_before_the_store_is_asked);
	tcase_add_test(tc, change_of_nothing_is_refused_in_the_contracts_words);
	tcase_add_test(tc, change_names_all_that_is_wrong_at_once);
	tcase_add_test(tc, change_asks_the_store_for_the_paths_id_and_the_version);
	tcase_add_test(tc, change_that_met_no_row_is_explained);
	tcase_add_test(tc, removal_that_met_no_row_is_explained);
	tcase_add_test(tc, page_tells_whether_others_follow);
	tcase_add_test(tc, cursor_that_is_no_id_is_refused);
	tcase_add_test(tc, name_that_is_searched_for_is_trimmed);
	tcase_add_test(tc, many_ids_are_one_question_and_what_is_no_uuid_is_not_asked);
	tcase_add_test(tc, a_thousand_ids_are_one_question_too_and_each_has_its_own_answer);
	tcase_add_test(tc, ids_none_of_which_is_a_uuid_need_no_question);
	tcase_add_test(tc, who_cannot_ask_does_not_say_no);
	tcase_add_test(tc, only_an_id_that_may_be_somebodys_is_looked_up);
	suite_add_tcase(suite, tc);
	return run_suites((Suite *[]){ suite, NULL });
}
