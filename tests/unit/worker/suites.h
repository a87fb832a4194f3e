/* suites.h - the suites of this program, one of each file. */
#ifndef TESTS_UNIT_WORKER_SUITES_H
#define TESTS_UNIT_WORKER_SUITES_H

#include <check.h>

Suite *event_codec_suite(void);
Suite *process_suite(void);

#endif
