/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_METRICS_SUITES_H
#define UNIT_METRICS_SUITES_H

#include <check.h>

Suite *count_suite(void);
Suite *read_suite(void);

#endif
