/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_CLI_SUITES_H
#define UNIT_CLI_SUITES_H

#include <check.h>

Suite *csv_suite(void);
Suite *import_suite(void);

#endif
