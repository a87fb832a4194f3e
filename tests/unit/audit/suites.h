/* suites.h - the suites of this program, one of each file. */
#ifndef TESTS_UNIT_AUDIT_SUITES_H
#define TESTS_UNIT_AUDIT_SUITES_H

#include <check.h>

Suite *chain_suite(void);
Suite *check_suite(void);
Suite *line_suite(void);
Suite *seal_suite(void);
Suite *spool_suite(void);

#endif
