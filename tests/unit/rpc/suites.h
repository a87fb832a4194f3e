/* suites.h - what main.c runs, one for each file beside it. */
#ifndef UNIT_RPC_SUITES_H
#define UNIT_RPC_SUITES_H

#include <check.h>

Suite *audit_suite(void);
Suite *batch_suite(void);
Suite *calls_suite(void);
Suite *listen_suite(void);
Suite *peer_suite(void);
Suite *wire_suite(void);

#endif
