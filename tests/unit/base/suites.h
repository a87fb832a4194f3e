/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_BASE_SUITES_H
#define UNIT_BASE_SUITES_H

#include <check.h>

Suite *address_suite(void);
Suite *arena_suite(void);
Suite *config_suite(void);
Suite *ctx_suite(void);
Suite *dates_suite(void);
Suite *log_suite(void);
Suite *money_suite(void);
Suite *notify_suite(void);
Suite *text_suite(void);
Suite *trace_suite(void);
Suite *uuid_suite(void);
Suite *whole_file_suite(void);
Suite *zone_suite(void);

#endif
