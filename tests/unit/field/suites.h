/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_FIELD_SUITES_H
#define UNIT_FIELD_SUITES_H

#include <check.h>

Suite *format_suite(void);
Suite *json_check_suite(void);
Suite *read_suite(void);
Suite *schema_suite(void);
Suite *sql_suite(void);
Suite *write_suite(void);

#endif
