/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_TOKEN_SUITES_H
#define UNIT_TOKEN_SUITES_H

#include <check.h>

Suite *cache_suite(void);
Suite *ended_suite(void);
Suite *keys_suite(void);
Suite *token_suite(void);
Suite *watch_suite(void);

#endif
