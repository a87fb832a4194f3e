/* outbox.c - what the relay publishes of scheduling's. */
#include "lib/outbox/outbox.h"

#include "domain/scheduling/scheduling.h"

const struct outbox scheduling_outbox = { .source = "/medicore/scheduling", .topic = TOPIC_APPOINTMENT };
