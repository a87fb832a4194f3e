#include "cli/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain/billing/billing.h"
#include "domain/patient/patient.h"
#include "domain/scheduling/scheduling.h"
#include "lib/base/config.h"
#include "tests/unit/cli/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define ID_A "1e621f4c-db30-c273-49e9-2dcad508a9cb"
#define ID_B "7353e17f-0cd5-5b0a-c736-92b9ca5f8366"
#define ID_C "5d0b9251-3f6f-57af-ccd2-b92284df08eb"

static struct cli cli;
static struct import im;
static struct ctx cx;

static void
setup(void)
{
	setenv("MEDICORE_CONFIG", "/dev/null", 1);
	ck_assert(config_load(NULL));
	cli = (struct cli){ .arena = arena_new(), .verb = "import", .args = "" };
	im = (struct import){ .cli = &cli, .path = "x.csv", .registered = "2025-11-01" };
	ctx_init(&cx, cli.arena, NULL);
}

static void
teardown(void)
{
	arena_free(cli.arena);
}

static bool
begin(const struct import_kind *kind, const char *header, const char *lines)
{
	const char *text = arena_printf(cli.arena, "%s\n%s", header, lines);

	im.kind = kind;
	csv_init(&im.csv, text, strlen(text));
	return import_read_header(&im);
}

/* Maps the next line. */
static struct import_row
next(void)
{
	struct import_row row = { .number = ++im.lines };
	struct csv_record record;

	ck_assert(csv_next(&im.csv, cli.arena, &record));
	row.line = record.line;
	import_map(&cx, &im, &record, &row);
	return row;
}

#define PATIENTS "Id,BIRTHDATE,PREFIX,FIRST,LAST,GENDER,ADDRESS,CITY,STATE,ZIP"

static const struct patient *
patient(const char *line)
{
	struct import_row row;

	ck_assert(begin(&import_patients, PATIENTS, line));
	row = next();
	ck_assert_msg(row.rc == RC_OK, "%s", row.reason);
	return row.value;
}

START_TEST(a_patient_is_put_together_from_its_columns)
{
	const struct patient *p = patient(
	    "1E621F4C-DB30-C273-49E9-2DCAD508A9CB,2011-01-21,Mr.,Jessie,Glover,M,560 Ritchie Way Suite 68,Whitman,Massachusetts,02382\n");

	ck_assert_str_eq(p->id, ID_A);
	ck_assert_str_eq(p->name, "Jessie Glover");
	ck_assert_str_eq(p->email, "jessie.glover.1@example.org");
	ck_assert_str_eq(p->gender, "MALE");
	ck_assert_str_eq(p->address, "560 Ritchie Way Suite 68, Whitman, Massachusetts 02382");
	ck_assert_str_eq(p->date_of_birth, "2011-01-21");
	ck_assert_str_eq(p->registered_date, "2025-11-01");
}
END_TEST

static const struct {
	const char *first, *last, *name, *email;
} names[] = {
	{ "Miguel \xc3\x81ngel", "Sol\xc3\xads", "Miguel \xc3\x81ngel Sol\xc3\xads", "miguelangel.solis.1@example.org" },
	{ "Vern", "O'Conner", "Vern O'Conner", "vern.oconner.1@example.org" },
	{ "Zo\xc3\xab", "D'\xc3\x81vila-N\xc3\xba\xc3\xb1\x65z", "Zo\xc3\xab D'\xc3\x81vila-N\xc3\xba\xc3\xb1\x65z",
	  "zoe.davilanunez.1@example.org" },
	{ "e\xcc\x81va", "Li\xe2\x80\x99Ro", "e\xcc\x81va Li\xe2\x80\x99Ro", "eva.liro.1@example.org" },
	{ "S\xc3\xb8ren", "Gro\xc3\x9f", "S\xc3\xb8ren Gro\xc3\x9f", "soren.gross.1@example.org" },
	{ "\xc5\x81ukasz", "\xc4\x90or\xc4\x91\x65vi\xc4\x87", "\xc5\x81ukasz \xc4\x90or\xc4\x91\x65vi\xc4\x87",
	  "lukasz.dordevic.1@example.org" },
	{ "Robert2", "3Smith", "Robert2 3Smith", "robert2.3smith.1@example.org" },
	{ "\xe6\x9d\x8e", "\xe5\xb0\x8f\xe9\xbe\x99", "\xe6\x9d\x8e \xe5\xb0\x8f\xe9\xbe\x99", "1@example.org" },
	{ "Ana", "\xe6\x9d\x8e", "Ana \xe6\x9d\x8e", "ana.1@example.org" },
	{ "\xe6\x9d\x8e", "Li", "\xe6\x9d\x8e Li", "li.1@example.org" },
	{ "Wolfeschlegelsteinhausenbergerdorff", "Senior", "Wolfeschlegelsteinhausenbergerdorff Senior",
	  "wolfeschlegelsteinhausen.senior.1@example.org" },
};

START_TEST(a_name_stays_as_it_is_and_its_address_is_folded)
{
	const struct patient *p = patient(arena_printf(cli.arena, ID_A ",1990-01-01,,%s,%s,F,1 Street,,,\n", names[_i].first,
	    names[_i].last));

	ck_assert_str_eq(p->name, names[_i].name);
	ck_assert_str_eq(p->email, names[_i].email);
	ck_assert_str_eq(p->gender, "FEMALE");
	ck_assert_str_eq(p->address, "1 Street");
}
END_TEST

START_TEST(an_address_goes_without_what_is_empty)
{
	ck_assert_str_eq(patient(ID_A ",1990-01-01,,A,B,X,\"1, Street\",Town,,\n")->address, "1, Street, Town");
	ck_assert_str_eq(patient(ID_A ",1990-01-01,,A,B,X,1 Street,,State,\n")->address, "1 Street, State");
	ck_assert_str_eq(patient(ID_A ",1990-01-01,,A,B,X,1 Street,Town,,01234\n")->address, "1 Street, Town, 01234");
	ck_assert_str_eq(patient(ID_A ",1990-01-01,,A,B,,1 Street,Town,,01234\n")->gender, "OTHER");
}
END_TEST

#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *line, *reason;
} bad_patients[] = {
	{ ID_A ",1990-02-30,,A,B,M,1 Street,,,", "BIRTHDATE: " },
	{ "1-1-1-1-1,1990-01-01,,A,B,M,1 Street,,,", "Id: " },
	{ ",1990-01-01,,A,B,M,1 Street,,,", "Id: Id is required" },
	{ ID_A ",1990-01-01,,,,M,1 Street,,,", "name: Name is required" },
	{ ID_A ",1990-01-01,," HUNDRED ",B,M,1 Street,,,", "name: Name should be less then 80 characters" },
	{ ID_A ",1990-01-01,,A,B,M,,,,", "address: Address is required" },
	{ ID_A ",1990-01-01,,A,B,M," HUNDRED HUNDRED HUNDRED ",,,", "address: " },
	{ ID_A ",,,A,B,M,1 Street,,,", "BIRTHDATE: Date Of Birth is required" },
	{ ID_A ",1990-01-01,,\xc0\xaf,B,M,1 Street,,,", "name: " },
	{ ID_A ",1990-02-30,,A,B,M,,,,", "BIRTHDATE: " },
	{ ID_A ",1990-01-01,,A,B,M,1 Street", "7 columns, where the first line has 10" },
	{ ID_A ",1990-01-01,,A,B,M,1 Street,,,,", "11 columns, where the first line has 10" },
	{ ID_A ",1990-01-01,,A\"x\",B,M,1 Street,,,", "a quote inside a field" },
};

START_TEST(a_bad_line_names_its_column_and_reason_and_the_next_goes_in)
{
	struct import_row row;

	ck_assert(begin(&import_patients, PATIENTS,
	    arena_printf(cli.arena, "%s\n" ID_B ",1990-01-01,,A,B,M,1 Street,,,\n", bad_patients[_i].line)));
	row = next();
	ck_assert_int_eq(row.rc, RC_INVALID);
	ck_assert_uint_eq(row.line, 2);
	ck_assert_msg(strncmp(row.reason, bad_patients[_i].reason, strlen(bad_patients[_i].reason)) == 0, "%s", row.reason);
	row = next();
	ck_assert_msg(row.rc == RC_OK, "%s", row.reason);
	ck_assert_uint_eq(row.line, 3);
	ck_assert_str_eq(((const struct patient *)row.value)->email, "a.b.2@example.org");
}
END_TEST

START_TEST(all_that_is_wrong_with_a_line_is_said)
{
	struct import_row row;

	ck_assert(begin(&import_patients, PATIENTS, ID_A ",1990-02-30,,,,M,,,,\n"));
	row = next();
	ck_assert_ptr_nonnull(strstr(row.reason, "BIRTHDATE: "));
	ck_assert_ptr_nonnull(strstr(row.reason, "; name: Name is required"));
	ck_assert_ptr_nonnull(strstr(row.reason, "; address: Address is required"));
}
END_TEST

START_TEST(a_patient_is_registered_on_the_day_of_the_first_visit)
{
	static const char visits[] = "START,PATIENT\n"
				     "2026-03-02T10:00:00Z," ID_A "\n"
				     "2026-01-05T23:30:00-05:00," ID_A "\n" /* the 6th in UTC */
				     "2026-02-01T10:00:00Z," ID_A "\n"
				     "yesterday," ID_B "\n"
				     "2026-02-01T10:00:00Z\n"
				     "2026-02-01T10:00:00Z,nobody\n";
	char path[] = "/tmp/medicore-visits-test.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, visits, sizeof(visits) - 1), sizeof(visits) - 1);
	close(fd);
	ck_assert(import_visits_read(&im, path));
	unlink(path);
	ck_assert_str_eq(patient(ID_A ",1990-01-01,,A,B,M,1 Street,,,\n")->registered_date, "2026-01-06");
	ck_assert_str_eq(patient(ID_B ",1990-01-01,,A,B,M,1 Street,,,\n")->registered_date, "2025-11-01");
	im.registered = "2024-02-29";
	ck_assert_str_eq(patient(ID_B ",1990-01-01,,A,B,M,1 Street,,,\n")->registered_date, "2024-02-29");
}
END_TEST

START_TEST(columns_may_stand_in_any_order_among_others)
{
	struct import_row row;
	const struct service *s;

	ck_assert(begin(&import_services, "X,PRICE,Y,CODE,DESCRIPTION", "1,136.80,2,390906007-2,\"Visit, \"\"long\"\"\"\n"));
	row = next();
	ck_assert_msg(row.rc == RC_OK, "%s", row.reason);
	s = row.value;
	ck_assert_str_eq(s->code, "390906007-2");
	ck_assert_str_eq(s->description, "Visit, \"long\"");
	ck_assert_int_eq(s->price.minor, 13680);
	ck_assert_str_eq(s->currency, "USD");
}
END_TEST

static const struct {
	const char *line, *reason;
} bad_services[] = {
	{ "A,Visit,1.239,USD", "PRICE: " },
	{ "A,Visit,-1,USD", "PRICE: must be between 0 and 9223372036854775807" },
	{ "A,Visit,,USD", "PRICE: " },
	{ "A,Visit,1.5,JPY", "PRICE: " },
	{ "A,Visit,1.50,XXX", "CURRENCY: " },
	{ ",Visit,1.50,USD", "CODE: code is required" },
	{ "a b,Visit,1.50,USD", "CODE: " },
	{ "A,,1.50,USD", "DESCRIPTION: " },
};

START_TEST(a_bad_price_is_refused)
{
	struct import_row row;

	ck_assert(begin(&import_services, "CODE,DESCRIPTION,PRICE,CURRENCY", bad_services[_i].line));
	row = next();
	ck_assert_int_eq(row.rc, RC_INVALID);
	ck_assert_msg(strncmp(row.reason, bad_services[_i].reason, strlen(bad_services[_i].reason)) == 0, "%s", row.reason);
}
END_TEST

#define VISITS "Id,START,STOP,PATIENT,PROVIDER,SERVICE"
#define VISIT(id, patient) id ",2025-11-01T04:58:59Z,2025-11-01T05:58:59Z," patient "," ID_C ",50849002\n"

START_TEST(a_visit_is_an_appointment)
{
	const struct appointment *a;
	struct import_row row;

	ck_assert(begin(&import_appointments, VISITS, VISIT(ID_A, ID_B)));
	row = next();
	ck_assert_msg(row.rc == RC_OK, "%s", row.reason);
	a = row.value;
	ck_assert_str_eq(a->id, ID_A);
	ck_assert_str_eq(a->patient_id, ID_B);
	ck_assert_str_eq(a->provider_id, ID_C);
	ck_assert_str_eq(a->service_code, "50849002");
	ck_assert_int_eq(a->ends_at.us - a->starts_at.us, INT64_C(3600000000));
	ck_assert_ptr_null(a->zone);
}
END_TEST

START_TEST(a_column_left_out_is_not_there)
{
	struct import_row row;

	im.without = "PROVIDER";
	ck_assert(begin(&import_appointments, VISITS, VISIT(ID_A, ID_B)));
	row = next();
	ck_assert_int_eq(row.rc, RC_OK);
	ck_assert_ptr_null(((const struct appointment *)row.value)->provider_id);
}
END_TEST

static const struct {
	const char *header;
	bool ok;
} headers[] = {
	{ "Id,START,STOP,PATIENT,SERVICE", true }, /* PROVIDER is optional */
	{ "Id,START,STOP,PATIENT,PROVIDER", false },
	{ "Id,START,STOP,PATIENT,SERVICE,START", false },
	{ "id,START,STOP,PATIENT,SERVICE", false },
	{ "", false },
	{ "Id,\"START,STOP,PATIENT,SERVICE", false },
};

START_TEST(the_first_line_must_name_each_column_once)
{
	ck_assert(begin(&import_appointments, headers[_i].header, "") == headers[_i].ok);
}
END_TEST

/* --- the patients of a batch --- */

static size_t asked_times, asked_ids;
static enum rc answers[8];

static enum rc
fake_exist(struct ctx *c, const char *const *ids, size_t count, bool *ret_exist)
{
	(void)c;
	asked_ids = count;
	for (size_t i = 0; i < count; i++)
		ret_exist[i] = strcmp(ids[i], ID_B) == 0;
	return answers[asked_times++];
}

static enum rc
prepare_three(void)
{
	static const struct scheduling_ports ports = { .patients_exist = fake_exist };
	struct import_row rows[3], *pointers[3] = { &rows[0], &rows[1], &rows[2] };

	im.ports = &ports;
	ck_assert(begin(&import_appointments, VISITS, VISIT(ID_A, ID_B) VISIT(ID_B, ID_C) VISIT(ID_C, ID_B)));
	for (int i = 0; i < 3; i++)
		rows[i] = next();
	return im.kind->prepare(&cx, &im, pointers, 3);
}

START_TEST(a_batch_asks_once_for_each_of_its_patients)
{
	ck_assert_int_eq(prepare_three(), RC_OK);
	ck_assert_uint_eq(asked_times, 1);
	ck_assert_uint_eq(asked_ids, 2);
}
END_TEST

START_TEST(a_patient_service_that_is_away_for_a_moment_is_asked_again)
{
	answers[0] = RC_UNAVAILABLE;
	answers[1] = RC_TIMEOUT;
	ck_assert_int_eq(prepare_three(), RC_OK);
	ck_assert_uint_eq(asked_times, 3);
}
END_TEST

START_TEST(a_patient_service_that_stays_away_ends_the_import)
{
	for (size_t i = 0; i < COUNT(answers); i++)
		answers[i] = RC_UNAVAILABLE;
	ck_assert_int_eq(prepare_three(), RC_UNAVAILABLE);
}
END_TEST

START_TEST(only_a_taken_id_means_already_there)
{
	err_field(&cx, RC_CONFLICT, "id", "taken");
	ck_assert(import_id_taken(&cx, RC_CONFLICT));
	ck_assert(!import_id_taken(&cx, RC_INVALID));
	err_clear(&cx);
	err_field(&cx, RC_CONFLICT, "email", "taken");
	ck_assert(!import_id_taken(&cx, RC_CONFLICT));
	err_clear(&cx);
	ck_assert(!import_id_taken(&cx, RC_CONFLICT));
}
END_TEST

Suite *
import_suite(void)
{
	Suite *suite = suite_create("import");
	TCase *t = tcase_create("import");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_patient_is_put_together_from_its_columns);
	tcase_add_loop_test(t, a_name_stays_as_it_is_and_its_address_is_folded, 0, COUNT(names));
	tcase_add_test(t, an_address_goes_without_what_is_empty);
	tcase_add_loop_test(t, a_bad_line_names_its_column_and_reason_and_the_next_goes_in, 0, COUNT(bad_patients));
	tcase_add_test(t, all_that_is_wrong_with_a_line_is_said);
	tcase_add_test(t, a_patient_is_registered_on_the_day_of_the_first_visit);
	tcase_add_test(t, columns_may_stand_in_any_order_among_others);
	tcase_add_loop_test(t, a_bad_price_is_refused, 0, COUNT(bad_services));
	tcase_add_test(t, a_visit_is_an_appointment);
	tcase_add_test(t, a_column_left_out_is_not_there);
	tcase_add_loop_test(t, the_first_line_must_name_each_column_once, 0, COUNT(headers));
	tcase_add_test(t, a_batch_asks_once_for_each_of_its_patients);
	tcase_add_test(t, a_patient_service_that_is_away_for_a_moment_is_asked_again);
	tcase_add_test(t, a_patient_service_that_stays_away_ends_the_import);
	tcase_add_test(t, only_a_taken_id_means_already_there);
	suite_add_tcase(suite, t);
	return suite;
}
