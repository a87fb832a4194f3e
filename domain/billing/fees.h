/* fees.h - what it costs to cancel late, or not to come: an invoice of its own, where the configuration names a service for it. */
#ifndef BILLING_FEES_H
#define BILLING_FEES_H

#include "domain/billing/events_store.h"

/* Charges those events of the batch that bring a fee with them, each appointment once however many there are of it.  Sets reason in those
 * whose fee has no price.  In a transaction that holds the events' lock alone. */
enum rc fees_charge(
    struct ctx *cx, const struct billing_ports *ports, struct taken *all, size_t count, struct billing_tally *tally);

#endif
