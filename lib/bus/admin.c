#include <string.h>
#include <time.h>

#include "lib/bus/internal.h"

#define WHY_SIZE 256
#define ADMIN_TIMEOUT_MS 15000
#define RETRIES 50

static rd_kafka_t *
admin_new(struct ctx *cx, rd_kafka_type_t type, const char *brokers, const struct bus_setting *settings)
{
	char why[WHY_SIZE];
	rd_kafka_t *rk = bus_client_new(type, brokers, settings, NULL, NULL, why, sizeof(why));

	if (rk == NULL)
		err_detail(cx, RC_INVALID, "kafka: %s", why);
	return rk;
}

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
	rk = admin_new(cx, RD_KAFKA_PRODUCER, brokers, none);
	if (rk == NULL) {
		rd_kafka_NewTopic_destroy(asked);
		return RC_INVALID;
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

/* The topic's partitions, into list. */
static rd_kafka_resp_err_t
list_partitions(rd_kafka_t *rk, const char *topic, rd_kafka_topic_partition_list_t *list)
{
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t err;

	err = rd_kafka_metadata(rk, 0, rkt, &metadata, ADMIN_TIMEOUT_MS);
	rd_kafka_topic_destroy(rkt);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return err;
	err = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < metadata->topics[0].partition_cnt; i++)
		rd_kafka_topic_partition_list_add(list, topic, metadata->topics[0].partitions[i].id);
	rd_kafka_metadata_destroy(metadata);
	return err;
}

static rd_kafka_resp_err_t
partition_lag(rd_kafka_t *rk, const rd_kafka_topic_partition_t *p, int64_t *sum)
{
	rd_kafka_resp_err_t err = p->err;
	int64_t low, high;

	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		err = rd_kafka_query_watermark_offsets(
		    rk, p->topic, p->partition, &low, &high, ADMIN_TIMEOUT_MS);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		*sum +=
		    high - (p->offset > low ? p->offset : low); /* nothing committed is a negative offset */
	return err;
}

static rd_kafka_resp_err_t
sum_lag(rd_kafka_t *rk, const char *topic, int64_t *ret_lag)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
	rd_kafka_resp_err_t err = list_partitions(rk, topic, list);
	int64_t sum = 0;

	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		err = rd_kafka_committed(rk, list, ADMIN_TIMEOUT_MS);
	for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
		err = partition_lag(rk, &list->elems[i], &sum);
	rd_kafka_topic_partition_list_destroy(list);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		*ret_lag = sum;
	return err;
}

/* A topic that was made a moment ago, or whose broker has just come back. */
static bool
passes_soon(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
	       err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
	       err == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
	       err == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
	       err == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

enum rc
bus_lag(struct ctx *cx, const char *brokers, const char *group, const char *topic, int64_t *ret_lag)
{
	const struct bus_setting settings[] = { { "group.id", group }, { NULL, NULL } };
	const struct timespec pause = { .tv_nsec = 100000000 };
	rd_kafka_t *rk = admin_new(cx, RD_KAFKA_CONSUMER, brokers, settings);
	rd_kafka_resp_err_t err;

	if (rk == NULL)
		return RC_INVALID;
	err = sum_lag(rk, topic, ret_lag);
	for (int i = 0; i < RETRIES && passes_soon(err); i++) {
		nanosleep(&pause, NULL);
		err = sum_lag(rk, topic, ret_lag);
	}
	rd_kafka_destroy(rk);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return err_detail(cx, RC_UNAVAILABLE, "kafka: %s", rd_kafka_err2str(err));
	return RC_OK;
}
