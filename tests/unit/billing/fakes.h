/* fakes.h - stores that only note what the rules ask of them, in the order it was asked. */
#ifndef TESTS_UNIT_BILLING_FAKES_H
#define TESTS_UNIT_BILLING_FAKES_H

#include <check.h>

#include "domain/billing/billing.h"

extern struct ctx cx;

/* What was called, parted by spaces: "verify(2) begin lock receive(3) …". */
extern char asked_for[4096];

/* The next call of this name gives that rc; "" none. */
extern const char *failing;
extern enum rc failure;

/* Patients exist but this one. */
#define NOBODY "0198f000-0000-7000-8000-00000000000b"
#define PATIENT "0198f000-0000-7000-8000-00000000000a"
extern const struct billing_ports ports;

/* ce_id of the one event that the inbox has, service without a price; NULL none. */
extern const char *in_inbox, *unpriced;

/* What the stores answer with, and what they got last. */
extern struct service stored_service;
extern struct service last_service;
extern struct invoice stored_invoice;
extern struct service *price_list; /* whatever is asked for */
extern size_t price_list_length;

void fakes_setup(void);
void fakes_teardown(void);

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

Suite *events_suite(void);
Suite *invoices_suite(void);
Suite *lines_suite(void);
Suite *states_suite(void);

#endif
