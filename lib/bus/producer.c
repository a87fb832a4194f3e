#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/bus/internal.h"

#define WHY_SIZE 256

struct bus_producer {
	char *brokers;
	rd_kafka_t *rk;     /* NULL after a failure, until the next bus_publish */
	size_t waiting;     /* messages whose fate isn't known */
	char why[WHY_SIZE]; /* the last refusal */
};

static const struct bus_setting settings[] = {
	{ "enable.idempotence", "true" },
	{ "acks", "all" },
	{ "linger.ms", "0" }, /* while one request is on its way the next one fills up by itself */
	{ "queue.buffering.max.messages", "100000" },
	{ "queue.buffering.max.kbytes", "65536" },
	{ "message.timeout.ms", "30000" },
	{ "retry.backoff.ms", "50" },
	/* As Java's producers do, so that a patient's events stay in one partition should Debezium take over. */
	{ "partitioner", "murmur2_random" },
	{ NULL, NULL },
};

/* A message's opaque is its ret_acked. */
static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
	struct bus_producer *p = opaque;
	bool *acked = message->_private;

	(void)rk;
	p->waiting--;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		*acked = true;
	else
		snprintf(p->why, sizeof(p->why), "%s", rd_kafka_err2str(message->err));
}

static void
on_delivery(rd_kafka_conf_t *conf, void *opaque)
{
	(void)opaque;
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
}

static bool
open_client(struct bus_producer *p)
{
	if (p->rk == NULL)
		p->rk = bus_client_new(
		    RD_KAFKA_PRODUCER, p->brokers, settings, on_delivery, p, p->why, sizeof(p->why));
	return p->rk != NULL;
}

/*
 * librdkafka 2.0.2's idempotent producer can't be trusted after a message timed out or was purged: it may go fatal, or wait for a
 * sequence number that never comes.  A new one costs a few milliseconds.
 */
static void
close_client(struct bus_producer *p)
{
	if (p->rk == NULL)
		return;
	rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	while (p->waiting > 0 && rd_kafka_poll(p->rk, 100) > 0)
		; /* nothing may point to the caller's ret_acked any more */
	rd_kafka_destroy(p->rk);
	p->rk = NULL;
	p->waiting = 0;
}

struct bus_producer *
bus_producer_new(const char *brokers)
{
	struct bus_producer *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->brokers = strdup(brokers == NULL ? "" : brokers)) == NULL)
		abort();
	if (!open_client(p)) {
		fprintf(stderr, "kafka producer: %s\n", p->why);
		bus_producer_free(p);
		return NULL;
	}
	return p;
}

void
bus_producer_free(struct bus_producer *p)
{
	if (p == NULL)
		return;
	close_client(p);
	free(p->brokers);
	free(p);
}

static rd_kafka_headers_t *
headers_of(const struct event *e)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(8);

	rd_kafka_header_add(headers, "ce_specversion", -1, "1.0", -1);
	rd_kafka_header_add(headers, "content-type", -1, "application/protobuf", -1);
	for (const struct bus_header *h = bus_headers; h->name != NULL; h++) {
		const char *text = *(const char *const *)((const char *)e + h->at);

		if (text != NULL)
			rd_kafka_header_add(headers, h->name, -1, text, -1);
	}
	return headers;
}

static rd_kafka_resp_err_t
send_one(struct bus_producer *p, const struct event *e, bool *ret_acked)
{
	rd_kafka_headers_t *headers = headers_of(e);
	size_t key_length = e->key == NULL ? 0 : strlen(e->key);
	rd_kafka_resp_err_t err;

	err = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(e->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	    RD_KAFKA_V_KEY(e->key, key_length), RD_KAFKA_V_VALUE((void *)(uintptr_t)e->payload, e->length),
	    RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(ret_acked), RD_KAFKA_V_END);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		p->waiting++;
	else
		rd_kafka_headers_destroy(headers);
	return err;
}

static int
ms_left(int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_monotonic_ns();

	return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

/* False for a message that can't be sent at all, or where the time ran out. */
static bool
send_when_room(struct bus_producer *p, const struct event *e, bool *ret_acked, int64_t deadline_ns)
{
	rd_kafka_resp_err_t err;

	while ((err = send_one(p, e, ret_acked)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && ms_left(deadline_ns) > 0)
		rd_kafka_poll(p->rk, 10);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		snprintf(p->why, sizeof(p->why), "%s", rd_kafka_err2str(err));
	return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

enum rc
bus_publish(struct ctx *cx, struct bus_producer *p, const struct event *events, size_t count, bool *ret_acked,
    int timeout_ms)
{
	int64_t deadline_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
	size_t acked = 0;
	bool sent = true;

	memset(ret_acked, 0, count * sizeof(*ret_acked));
	if (!open_client(p))
		return err_detail(cx, RC_UNAVAILABLE, "kafka: %s", p->why);
	snprintf(p->why, sizeof(p->why), "no answer in %d ms", timeout_ms);
	for (size_t i = 0; i < count && sent; i++)
		sent = send_when_room(p, &events[i], &ret_acked[i], deadline_ns);
	while (p->waiting > 0 && ms_left(deadline_ns) > 0)
		rd_kafka_poll(p->rk, ms_left(deadline_ns));
	for (size_t i = 0; i < count; i++)
		acked += ret_acked[i];
	if (acked == count)
		return RC_OK;
	close_client(p);
	return err_detail(
	    cx, RC_UNAVAILABLE, "kafka: %zu of %zu not acknowledged: %s", count - acked, count, p->why);
}
