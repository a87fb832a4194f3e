/*
 * billing_worker.h - the two ways that events come to medicore-billing-worker; each runs, with the thread that replays dead letters, until the
 * process is asked to stop.
 */
#ifndef WORKER_BILLING_WORKER_H
#define WORKER_BILLING_WORKER_H

#include <stdbool.h>

struct billing_ports;

#define BILLING_WORKER_ROLE "medicore_billing_worker"

/* false, said on standard error, where it can't even start. */
bool billing_from_kafka(const struct billing_ports *ports);
bool billing_from_relay(const struct billing_ports *ports); /* EventSink on [events] socket */

#endif
