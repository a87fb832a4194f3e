#include "lib/bus/internal.h"

#define WHY_SIZE 256
#define ADMIN_TIMEOUT_MS 15000

static enum rc
topic_made(struct ctx *cx, rd_kafka_event_t *event)
{
	const rd_kafka_topic_result_t **results;
	rd_kafka_resp_err_t err;
	size_t count;

	if (event == NULL)
		return err_detail(cx, RC_UNAVAILABLE, "kafka: no answer");
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return err_detail(cx, RC_UNAVAILABLE, "kafka: %s", rd_kafka_event_error_string(event));
	results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
	err = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR__FAIL;
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return RC_OK;
	return err_detail(cx, RC_INVALID, "kafka: %s", rd_kafka_err2str(err));
}

enum rc
bus_make_topic(struct ctx *cx, const char *brokers, const char *topic, int partitions, int replication)
{
	static const struct bus_setting none[] = { { NULL, NULL } };
	rd_kafka_NewTopic_t *asked;
	rd_kafka_AdminOptions_t *options;
	rd_kafka_queue_t *queue;
	rd_kafka_event_t *event;
	rd_kafka_t *rk;
	char why[WHY_SIZE];
	enum rc rc;

	asked = rd_kafka_NewTopic_new(topic, partitions, replication, why, sizeof(why));
	if (asked == NULL)
		return err_detail(cx, RC_INVALID, "kafka: %s", why);
	rk = bus_client_new(RD_KAFKA_PRODUCER, brokers, none, NULL, NULL, why, sizeof(why));
	if (rk == NULL) {
		rd_kafka_NewTopic_destroy(asked);
		return err_detail(cx, RC_INVALID, "kafka: %s", why);
	}
	queue = rd_kafka_queue_new(rk);
	options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
	rd_kafka_AdminOptions_set_request_timeout(options, ADMIN_TIMEOUT_MS, why, sizeof(why));
	rd_kafka_AdminOptions_set_operation_timeout(options, ADMIN_TIMEOUT_MS, why, sizeof(why));
	rd_kafka_CreateTopics(rk, &asked, 1, options, queue);
	event = rd_kafka_queue_poll(queue, ADMIN_TIMEOUT_MS + 1000);
	rc = topic_made(cx, event);
	if (event != NULL)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(asked);
	rd_kafka_destroy(rk);
	return rc;
}
