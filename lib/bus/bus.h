/*
 * bus.h - the only includer of librdkafka: publish, consume, make topics.
 *
 * Events are CloudEvents 1.0 in Kafka's binary mode: headers ce_id, ce_specversion, ce_type, ce_source, ce_time, traceparent and
 * content-type: application/protobuf; key and value as struct event has them.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/ctx.h"
#include "lib/base/event.h"

struct bus_producer;
struct bus_consumer;

/* Idempotent, acks=all, pipelined.  NULL, said on standard error, only for bad settings; brokers need not answer yet. */
struct bus_producer *bus_producer_new(const char *brokers);
void bus_producer_free(struct bus_producer *p);

/* Sends count events pipelined and waits until the broker has acknowledged or refused each, at most timeout_ms.  ret_acked[i] tells which were
 * acknowledged; RC_OK if all, else RC_UNAVAILABLE with err.detail.  After a fatal error the producer inside is made anew. */
enum rc bus_publish(struct ctx *cx, struct bus_producer *p, const struct event *events, size_t count,
    bool *ret_acked, int timeout_ms);

/* A member of group with static membership as instance; offsets are committed by bus_commit alone. */
struct bus_consumer *bus_consumer_new(
    const char *brokers, const char *group, const char *instance, const char *const *topics);
void bus_consumer_free(struct bus_consumer *c); /* leaves the group's static membership to its successor */

/* Waits up to timeout_ms for the first event, then takes what is there already, up to max.  RC_OK with *ret_count 0 when nothing came.
 * Events and their bytes live in a. */
enum rc bus_consume(struct ctx *cx, struct bus_consumer *c, struct arena *a, size_t max, int timeout_ms,
    struct event **ret_events, size_t *ret_count);

/* Commits the offsets of all that bus_consume gave but for the last left times that it gave something, to be called after the transactions of
 * their effects. */
#define BUS_LEFT_MAX 7
enum rc bus_commit(struct ctx *cx, struct bus_consumer *c, size_t left);

/* Goes back to the last committed offsets, so that bus_consume gives the same events again: after a failure.  Nothing is left then. */
void bus_rewind(struct bus_consumer *c);

/* How many events there are behind what bus_commit has committed, in the partitions that c has now, as far as the brokers have told by
 * themselves; false where that isn't known. */
bool bus_lag(const struct bus_consumer *c, int64_t *ret_lag);

/* Makes the topic; one that is there already is RC_OK as well. */
enum rc bus_make_topic(
    struct ctx *cx, const char *brokers, const char *topic, int partitions, int replication);

#endif
