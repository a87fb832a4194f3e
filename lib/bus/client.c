#include <stdio.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/bus/internal.h"

/* A broker that comes back is used within a second or two, and small messages don't wait for company. */
static const struct bus_setting common[] = {
	{ "client.id", "medicore" },
	{ "reconnect.backoff.ms", "50" },
	{ "reconnect.backoff.max.ms", "500" },
	{ "socket.connection.setup.timeout.ms", "2000" },
	{ "socket.nagle.disable", "true" },
	{ "socket.keepalive.enable", "true" },
	{ "topic.metadata.refresh.interval.ms", "10000" },
	{ "topic.metadata.refresh.fast.interval.ms", "100" },
	{ NULL, NULL },
};

const struct bus_header bus_headers[] = {
	{ "ce_id", offsetof(struct event, id) },
	{ "ce_type", offsetof(struct event, type) },
	{ "ce_source", offsetof(struct event, source) },
	{ "ce_time", offsetof(struct event, time) },
	{ "traceparent", offsetof(struct event, traceparent) },
	{ NULL, 0 },
};

/* Without one of ours librdkafka would hand errors to the consumer in the place of messages. */
static void
ignore_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	(void)rk;
	(void)err;
	(void)reason;
	(void)opaque;
}

static bool
apply(rd_kafka_conf_t *conf, const struct bus_setting *settings, char *ret_why, size_t size)
{
	for (const struct bus_setting *s = settings; s->key != NULL; s++)
		if (rd_kafka_conf_set(conf, s->key, s->value, ret_why, size) != RD_KAFKA_CONF_OK)
			return false;
	return true;
}

/* Librdkafka checks by itself that the broker's certificate is of the host that we call. */
static bool
apply_tls(rd_kafka_conf_t *conf, char *ret_why, size_t size)
{
	const struct bus_setting mutual[] = {
		{ "security.protocol", "ssl" },
		{ "ssl.ca.location", config->tls.ca },
		{ "ssl.certificate.location", config->tls.certificate },
		{ "ssl.key.location", config->tls.key },
		{ NULL, NULL },
	};

	if (config->events.tls == NULL || strcmp(config->events.tls, "yes") != 0)
		return true; /* NULL: a test that read no configuration */
	for (const struct bus_setting *s = mutual; s->key != NULL; s++) {
		if (*s->value == '\0') {
			snprintf(ret_why, size, "[events] tls needs all of [tls] certificate, key and ca");
			return false;
		}
	}
	return apply(conf, mutual, ret_why, size);
}

rd_kafka_t *
bus_client_new(rd_kafka_type_t type, const char *brokers, const struct bus_setting *settings,
    void (*ready)(rd_kafka_conf_t *conf, void *opaque), void *opaque, char *ret_why, size_t size)
{
	const struct bus_setting where[] = { { "bootstrap.servers", brokers }, { NULL, NULL } };
	rd_kafka_conf_t *conf;
	rd_kafka_t *rk;

	if (brokers == NULL || brokers[0] == '\0') {
		snprintf(ret_why, size, "no brokers given");
		return NULL;
	}
	conf = rd_kafka_conf_new();
	if (!apply(conf, common, ret_why, size) || !apply(conf, where, ret_why, size) ||
	    !apply_tls(conf, ret_why, size) || !apply(conf, settings, ret_why, size)) {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	rd_kafka_conf_set_log_cb(conf, NULL); /* what matters comes back as an rc */
	rd_kafka_conf_set_error_cb(conf, ignore_error);
	rd_kafka_conf_set_opaque(conf, opaque);
	if (ready != NULL)
		ready(conf, opaque);
	rk = rd_kafka_new(type, conf, ret_why, size);
	if (rk == NULL)
		rd_kafka_conf_destroy(conf); /* else it is rk's */
	return rk;
}
