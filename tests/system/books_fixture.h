/* books_fixture.h - a billing database whose books have every kind of posting in them, written by hand: what reads them is tested here,
 * not what writes them. */
#ifndef TESTS_BOOKS_FIXTURE_H
#define TESTS_BOOKS_FIXTURE_H

#include <check.h>

#include "lib/base/ctx.h"
#include "tests/system/pgtest.h"

#define PATIENT "0198f000-0000-7000-8000-00000000000a"
#define DEBTOR "0198f000-0000-7000-8000-00000000000b" /* owes nothing but old things */
#define NOBODY "0198f000-0000-7000-8000-00000000000c"

#define INVOICE(n) "0198f000-0000-7000-8000-0000000001" n
#define PAYMENT(n) "0198f000-0000-7000-8000-0000000002" n
#define POSTING(n) "0198f000-0000-7000-8000-0000000003" n

extern struct ctx rest, operator, super;

void books_setup(void);
void books_teardown(void);
void run(const char *sql); /* as superuser */

Suite *books_suite(void);
Suite *accounts_suite(void);

#endif
