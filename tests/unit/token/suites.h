/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_TOKEN_SUITES_H
#define UNIT_TOKEN_SUITES_H

#include <check.h>

Suite *keys_suite(void);
Suite *token_suite(void);

#endif
