/* outbox.c - what the relay publishes of billing's. */
#include "lib/outbox/outbox.h"

#include "domain/billing/billing.h"

const struct outbox billing_outbox = { .source = "/medicore/billing", .topic = TOPIC_INVOICE };
