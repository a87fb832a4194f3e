/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_LOOP_SUITES_H
#define UNIT_LOOP_SUITES_H

#include <check.h>

Suite *loop_suite(void);
Suite *offload_suite(void);

#endif
