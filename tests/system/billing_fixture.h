/* billing_fixture.h - a billing database for tests, with the roles of the programs, and events to put in. */
#ifndef TESTS_BILLING_FIXTURE_H
#define TESTS_BILLING_FIXTURE_H

#include <check.h>

#include "domain/billing/billing.h"
#include "lib/pg/pg.h"
#include "tests/system/pgtest.h"

#define PATIENT "0198f000-0000-7000-8000-00000000000a"
#define NOBODY "0198f000-0000-7000-8000-00000000000b" /* the only one whom known_patients doesn't know */

/* Connections of this test, each as the program that would do it. */
extern struct ctx worker, rest, clerk /* gRPC */, operator, super;

/* Patients exist but NOBODY; with away nobody can say. */
extern const struct billing_ports known_patients, away;

/* For a test case's checked fixture: an empty database with GP-1 at 85.55 USD; connections. */
void billing_setup(void);
void billing_teardown(void);

/* The number, or the text, that a query gives to the superuser. */
int64_t number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void run(const char *sql);

/* Events.  ce_id NULL: each event its own. */
struct billing_event booked(const char *ce_id, const char *appointment_id, const char *service_code);
struct billing_event cancelled(const char *ce_id, const char *appointment_id); /* nobody knows when */

struct billing_event cancelled_before(const char *ce_id, const char *appointment_id, int64_t notice_ms);
struct billing_event not_shown(const char *ce_id, const char *appointment_id);

/* A new id, that lives as long as the test. */
const char *new_id(void);

struct billing_tally take(const struct billing_event *events, size_t count); /* must succeed */
struct billing_tally take_one(struct billing_event event);

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

Suite *events_suite(void);
Suite *fees_suite(void);
Suite *letters_suite(void);
Suite *money_suite(void);
Suite *invoices_suite(void);
Suite *services_suite(void);
Suite *takers_suite(void);
Suite *numbers_suite(void);
Suite *overdue_suite(void);

#endif
