/* appointment_events.h - topic medicore.appointment.v1: bookings become invoices. */
#ifndef WORKER_APPOINTMENT_EVENTS_H
#define WORKER_APPOINTMENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"
#include "lib/base/event.h"

struct billing_ports;
struct dead_letter;

/*
 * RC_OK: every event has its effect or is parked, exactly once however often it comes.  Any other: nothing can be relied on, deliver
 * again.  failures is how often in a row this batch has failed so far: when a bug of ours seems to be behind it, its events are taken
 * one by one, so that the log names the one that it is about.  None is ever skipped.
 */
enum rc appointment_events_take(struct ctx *cx, const struct billing_ports *ports, const struct event *events,
    size_t count, int failures);

/* The same for what was parked and shall be tried again. */
enum rc appointment_event_replay(
    struct ctx *cx, const struct billing_ports *ports, const struct dead_letter *letter, bool *ret_gone);

#endif
