/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_WEB_SUITES_H
#define UNIT_WEB_SUITES_H

#include <check.h>

Suite *attention_suite(void);
Suite *authorise_suite(void);
Suite *body_suite(void);
Suite *counts_suite(void);
Suite *cursor_suite(void);
Suite *error_suite(void);
Suite *fcgi_record_suite(void);
Suite *limits_suite(void);
Suite *media_suite(void);
Suite *query_suite(void);
Suite *reply_suite(void);
Suite *route_suite(void);
Suite *stream_suite(void);
Suite *throttle_suite(void);

#endif
