#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"
#include "lib/bus/internal.h"

#define WHY_SIZE 256
#define COMMIT_TIMEOUT_MS 5000
#define SEEK_TIMEOUT_MS 2000
#define OFFSETS_NS INT64_C(5000000000)

/*
 * What bus_consume gave and bus_commit hasn't committed, per partition: [from, next) of offsets.  librdkafka's own stored offsets aren't
 * used, since they move on when a message is taken, not when its effect is in the database.  ends has what next was behind each of the last
 * times that something was given, for those who commit only a part of it.
 */
struct bus_consumer {
	char *brokers, *group, *instance;
	char **topics;  /* ends with NULL */
	rd_kafka_t *rk; /* NULL after a failure, until the next bus_consume */
	rd_kafka_topic_partition_list_t *from;
	rd_kafka_topic_partition_list_t *next;
	rd_kafka_topic_partition_list_t *committed; /* of all partitions that we have; NULL: none */
	rd_kafka_topic_partition_list_t *ends[BUS_LEFT_MAX + 1]; /* of the nth time, at n % (BUS_LEFT_MAX + 1) */
	size_t given, done;                                      /* times since they were forgotten; of these, committed */
	bool lost; /* the client has to be made anew */
	char why[WHY_SIZE];
};

static char *
copy(const char *s)
{
	char *c = strdup(s);

	if (c == NULL)
		abort();
	return c;
}

static void
drop_list(rd_kafka_topic_partition_list_t **list)
{
	if (*list != NULL)
		rd_kafka_topic_partition_list_destroy(*list);
	*list = NULL;
}

static void
drop_all(struct bus_consumer *c)
{
	drop_list(&c->from);
	drop_list(&c->next);
	for (size_t i = 0; i <= BUS_LEFT_MAX; i++)
		drop_list(&c->ends[i]);
	c->given = c->done = 0;
}

static void
forget(struct bus_consumer *c)
{
	drop_all(c);
	c->from = rd_kafka_topic_partition_list_new(8);
	c->next = rd_kafka_topic_partition_list_new(8);
}

/*
 * Where to begin in each partition.  Asked for here, since librdkafka 2.0.2 asks once: when a broker that has just come back answers
 * that it isn't the coordinator (yet), it waits for ever.
 */
static bool
find_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, char *ret_why, size_t size)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int64_t deadline_ns = clock_monotonic_ns() + OFFSETS_NS;
	rd_kafka_resp_err_t err;

	do {
		err = rd_kafka_committed(rk, partitions, 1000);
		for (int i = 0; i < partitions->cnt && err == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
			err = partitions->elems[i].err;
		if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
			nanosleep(&pause, NULL);
	} while (err != RD_KAFKA_RESP_ERR_NO_ERROR && clock_monotonic_ns() < deadline_ns);
	for (int i = 0; i < partitions->cnt; i++)
		if (partitions->elems[i].offset < 0)
			partitions->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING; /* nothing committed */
	snprintf(ret_why, size, "offsets: %s", rd_kafka_err2str(err));
	return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void
keep_committed(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *partitions)
{
	drop_list(&c->committed);
	c->committed = partitions == NULL ? NULL : rd_kafka_topic_partition_list_copy(partitions);
}

/* Partitions come with their committed offsets, so what was given of those that go will be given again by whoever gets them. */
static void
rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
	struct bus_consumer *c = opaque;
	bool come = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

	forget(c);
	if (come && !find_offsets(rk, partitions, c->why, sizeof(c->why))) {
		c->lost = true;
		come = false;
	}
	keep_committed(c, come ? partitions : NULL);
	rd_kafka_assign(rk, come ? partitions : NULL);
}

static void
on_rebalance(rd_kafka_conf_t *conf, void *opaque)
{
	(void)opaque;
	rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
}

static bool
subscribe(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(4);
	rd_kafka_resp_err_t err;

	for (char **t = c->topics; *t != NULL; t++)
		rd_kafka_topic_partition_list_add(topics, *t, RD_KAFKA_PARTITION_UA);
	err = rd_kafka_subscribe(c->rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		snprintf(c->why, sizeof(c->why), "%s", rd_kafka_err2str(err));
	return err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void
close_client(struct bus_consumer *c)
{
	if (c->rk == NULL)
		return;
	/* A static member doesn't leave its group by this: whoever comes next under its name gets its partitions at once. */
	rd_kafka_consumer_close(c->rk);
	keep_committed(c, NULL);
	rd_kafka_destroy(c->rk);
	c->rk = NULL;
	c->lost = false;
}

static bool
open_client(struct bus_consumer *c)
{
	const struct bus_setting settings[] = {
		{ "group.id", c->group },
		{ "group.instance.id", c->instance },
		{ "enable.auto.commit", "false" },
		{ "enable.auto.offset.store", "false" },
		{ "auto.offset.reset", "earliest" },
		{ "fetch.min.bytes", "1" },
		/* Data wakes the broker's answer; but a seek waits for the answer under way. */
		{ "fetch.wait.max.ms", "100" },
		{ "fetch.error.backoff.ms", "50" },
		/* Memory of a long backlog; not lower, as librdkafka 2.0.2 rests a second when it is reached. */
		{ "queued.min.messages", "10000" },
		{ "queued.max.messages.kbytes", "16384" },
		/* A batch is tried again as long as it takes: going back and polling again is what says that we are alive. */
		{ "max.poll.interval.ms", "600000" },
		{ "allow.auto.create.topics", "false" },
		{ NULL, NULL },
	};

	if (c->rk != NULL)
		return true;
	forget(c);
	c->rk =
	    bus_client_new(RD_KAFKA_CONSUMER, c->brokers, settings, on_rebalance, c, c->why, sizeof(c->why));
	if (c->rk == NULL)
		return false;
	rd_kafka_poll_set_consumer(c->rk);
	if (!subscribe(c)) {
		close_client(c);
		return false;
	}
	return true;
}

struct bus_consumer *
bus_consumer_new(const char *brokers, const char *group, const char *instance, const char *const *topics)
{
	struct bus_consumer *c = calloc(1, sizeof(*c));
	size_t count = 0;

	while (topics[count] != NULL)
		count++;
	if (c == NULL || (c->topics = calloc(count + 1, sizeof(*c->topics))) == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		c->topics[i] = copy(topics[i]);
	c->brokers = copy(brokers == NULL ? "" : brokers);
	c->group = copy(group);
	c->instance = copy(instance);
	if (!open_client(c)) {
		fprintf(stderr, "kafka consumer: %s\n", c->why);
		bus_consumer_free(c);
		return NULL;
	}
	return c;
}

void
bus_consumer_free(struct bus_consumer *c)
{
	if (c == NULL)
		return;
	close_client(c);
	drop_all(c);
	for (char **t = c->topics; *t != NULL; t++)
		free(*t);
	free(c->topics);
	free(c->brokers);
	free(c->group);
	free(c->instance);
	free(c);
}

/* NULL for what isn't a text of ours: absent, not UTF-8, or with a NUL in it. */
static const char *
text_of(struct arena *a, const void *bytes, size_t length)
{
	if (bytes == NULL || !utf8_valid(bytes, length))
		return NULL;
	return arena_strndup(a, bytes, length);
}

static void
read_message(struct arena *a, const rd_kafka_message_t *m, struct event *ret)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;

	*ret = (struct event){
		.topic = arena_strdup(a, rd_kafka_topic_name(m->rkt)),
		.key = text_of(a, m->key, m->key_len),
		.payload = arena_copy(a, m->payload, m->payload == NULL ? 0 : m->len),
		.length = m->payload == NULL ? 0 : m->len,
	};
	if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (const struct bus_header *h = bus_headers; h->name != NULL; h++)
		if (rd_kafka_header_get_last(headers, h->name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
			*(const char **)((char *)ret + h->at) = text_of(a, value, size);
}

static void
remember(struct bus_consumer *c, const rd_kafka_message_t *m)
{
	const char *topic = rd_kafka_topic_name(m->rkt);
	rd_kafka_topic_partition_t *next = rd_kafka_topic_partition_list_find(c->next, topic, m->partition);

	if (next == NULL) {
		rd_kafka_topic_partition_list_add(c->from, topic, m->partition)->offset = m->offset;
		next = rd_kafka_topic_partition_list_add(c->next, topic, m->partition);
	}
	next->offset = m->offset + 1;
}

static void
remember_end(struct bus_consumer *c)
{
	rd_kafka_topic_partition_list_t **end = &c->ends[c->given++ % (BUS_LEFT_MAX + 1)];

	drop_list(end);
	*end = rd_kafka_topic_partition_list_copy(c->next);
}

/* An error in a message's place.  Most pass by themselves; after a fatal one (another process uses our instance's name, say) the client is of no
 * more use. */
static enum rc
failed(struct ctx *cx, struct bus_consumer *c, const rd_kafka_message_t *m)
{
	snprintf(c->why, sizeof(c->why), "%s", rd_kafka_message_errstr(m));
	if (m->err == RD_KAFKA_RESP_ERR__FATAL) {
		rd_kafka_fatal_error(c->rk, c->why, sizeof(c->why));
		c->lost = true;
	}
	return err_detail(cx, RC_UNAVAILABLE, "kafka: %s", c->why);
}

enum rc
bus_consume(struct ctx *cx, struct bus_consumer *c, struct arena *a, size_t max, int timeout_ms,
    struct event **ret_events, size_t *ret_count)
{
	struct event *events = arena_zalloc_n(a, max, sizeof(*events));
	rd_kafka_message_t *m;
	size_t count = 0;
	enum rc rc = RC_OK;

	if (!open_client(c))
		return err_detail(cx, RC_UNAVAILABLE, "kafka: %s", c->why);
	/* One by one: rd_kafka_consume_batch_queue waits the whole time unless it gets max, and in 2.0.2 has faults with seeks. */
	while (rc == RC_OK && count < max &&
	       (m = rd_kafka_consumer_poll(c->rk, count == 0 ? timeout_ms : 0)) != NULL) {
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			read_message(a, m, &events[count++]);
			remember(c, m);
		} else if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
			rc = failed(cx, c, m);
		}
		rd_kafka_message_destroy(m);
	}
	if (c->lost) {
		close_client(c);
		rc = err_detail(cx, RC_UNAVAILABLE, "kafka: %s", c->why);
	}
	/* What came before an error is good; the error will come again if it lasts. */
	if (count == 0 && rc != RC_OK)
		return rc;
	if (count > 0)
		remember_end(c);
	*ret_events = events;
	*ret_count = count;
	return RC_OK;
}

/* What lies behind end is still to be committed, and where a rewind goes. */
static void
committed(struct bus_consumer *c, const rd_kafka_topic_partition_list_t *end)
{
	for (int i = 0; i < end->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &end->elems[i];

		rd_kafka_topic_partition_list_set_offset(c->from, p->topic, p->partition, p->offset);
		if (c->committed != NULL)
			rd_kafka_topic_partition_list_set_offset(c->committed, p->topic, p->partition, p->offset);
	}
}

static rd_kafka_resp_err_t
commit_end(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *end)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_resp_err_t err = rd_kafka_commit_queue(rk, end, queue, NULL, NULL);
	rd_kafka_event_t *event = NULL;

	if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		event = rd_kafka_queue_poll(queue, COMMIT_TIMEOUT_MS);
		err = RD_KAFKA_RESP_ERR__TIMED_OUT;
	}
	if (event != NULL) {
		err = rd_kafka_event_error(event);
		rd_kafka_event_destroy(event);
	}
	rd_kafka_queue_destroy(queue);
	return err;
}

enum rc
bus_commit(struct ctx *cx, struct bus_consumer *c, size_t left)
{
	const rd_kafka_topic_partition_list_t *end;
	rd_kafka_resp_err_t err;

	assert(left <= BUS_LEFT_MAX);
	if (c->rk == NULL || c->given <= c->done + left)
		return RC_OK;
	end = c->ends[(c->given - left - 1) % (BUS_LEFT_MAX + 1)];
	err = end->cnt == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : commit_end(c->rk, end); /* 0: they went to another meanwhile */
	/* Not committed is no loss: the next commit covers it, or the events come again and are known. */
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return err_detail(cx, RC_UNAVAILABLE, "kafka: commit: %s", rd_kafka_err2str(err));
	committed(c, end);
	c->done = c->given - left;
	if (left == 0)
		forget(c);
	return RC_OK;
}

bool
bus_lag(const struct bus_consumer *c, int64_t *ret_lag)
{
	if (c->rk == NULL || c->committed == NULL)
		return false;
	*ret_lag = 0;
	for (int i = 0; i < c->committed->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &c->committed->elems[i];
		int64_t first, end, from;

		/* What came with the last answer to a fetch, so nobody is asked. */
		if (rd_kafka_get_watermark_offsets(c->rk, p->topic, p->partition, &first, &end) != RD_KAFKA_RESP_ERR_NO_ERROR ||
		    end < 0)
			return false;
		from = p->offset > first ? p->offset : first;
		from = from < 0 ? 0 : from;
		*ret_lag += end > from ? end - from : 0;
	}
	return true;
}

void
bus_rewind(struct bus_consumer *c)
{
	rd_kafka_error_t *error;
	bool bad;

	if (c->rk == NULL || c->from->cnt == 0)
		return;
	error = rd_kafka_seek_partitions(c->rk, c->from, SEEK_TIMEOUT_MS);
	bad = error != NULL;
	rd_kafka_error_destroy(error);
	for (int i = 0; i < c->from->cnt; i++)
		bad = bad || c->from->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR;
	/* Where we are is unknown now.  A new client starts from what is committed. */
	if (bad)
		close_client(c);
	forget(c);
}
