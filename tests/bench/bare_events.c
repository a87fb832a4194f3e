/*
 * bare_events BROKERS CONNINFO COUNT - the limit of the worker: a loop that takes COUNT bookings from Kafka and writes the rows that it would, into the
 * same tables with the same indexes and triggers, and neither looks at anything nor decides anything: one price, no patient asked for, nothing met twice.
 */
#include <libpq-fe.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/base/uuid.h"
#include "proto/events.pb-c.h"

#define BATCH 500
#define PRICE "8555"

enum column { CE_ID, TYPE, INVOICE, NUMBER, APPOINTMENT, PATIENT, SERVICE, EVENT, PAYLOAD, HEADERS, COLUMNS };

static const struct {
	const char *name, *sql;
	int count;
	enum column takes[7];
} inserts[] = {
	{ "inbox", "insert into inbox (ce_id, type) select * from unnest($1::text[], $2::text[])", 2, { CE_ID, TYPE } },
	{ "invoice",
	    "insert into invoice (id, number, appointment_id, patient_id, service_code, status, amount, remaining_amount, subtotal, tax, currency,"
	    " description, due_date) select *, 'ISSUED', " PRICE ", " PRICE ", " PRICE ", 0, 'USD', 'Consultation', '2027-01-01'"
	    " from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])",
	    5, { INVOICE, NUMBER, APPOINTMENT, PATIENT, SERVICE } },
	{ "line",
	    "insert into invoice_line (invoice_id, position, service_code, description, quantity, unit_price, net, tax)"
	    " select i, 1, s, 'Consultation', 1, " PRICE ", " PRICE ", 0 from unnest($1::uuid[], $2::text[]) as e (i, s)",
	    2, { INVOICE, SERVICE } },
	{ "ledger",
	    "insert into ledger (posting, kind, account, amount, currency, patient_id, invoice_id, service_code)"
	    " select i, 'ISSUE', a.account, a.amount, 'USD', p, i, case when a.amount < 0 then s end from unnest($1::uuid[], $2::uuid[], $3::text[])"
	    " as e (i, p, s), (values ('RECEIVABLE', " PRICE "), ('REVENUE', -" PRICE ")) as a (account, amount)",
	    3, { INVOICE, PATIENT, SERVICE } },
	{ "outbox",
	    "insert into outbox (id, aggregatetype, aggregateid, type, payload, headers)"
	    " select e, 'invoice', p, 'medicore.invoice.issued.v1', b, h from unnest($1::uuid[], $2::text[], $3::bytea[], $4::jsonb[]) as e (e, p, b, h)",
	    4, { EVENT, PATIENT, PAYLOAD, HEADERS } },
};
#define INSERTS (sizeof(inserts) / sizeof(*inserts))

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "bare_events: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void
finish(PGconn *db, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK)
		fail("PostgreSQL", PQerrorMessage(db));
	PQclear(result);
}

static PGconn *
open_database(const char *conninfo)
{
	PGconn *db = PQconnectdb(conninfo);

	if (PQstatus(db) != CONNECTION_OK)
		fail("PostgreSQL", PQerrorMessage(db));
	for (size_t i = 0; i < INSERTS; i++)
		finish(db, PQprepare(db, inserts[i].name, inserts[i].sql, 0, NULL));
	return db;
}

/* Numbers go on from those that another run gave. */
static long
invoices_before(PGconn *db)
{
	PGresult *result = PQexec(db, "select count(*) from invoice");
	long n;

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail("PostgreSQL", PQerrorMessage(db));
	n = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return n;
}

static rd_kafka_t *
open_kafka(const char *brokers)
{
	static const char *const settings[][2] = { { "group.id", "bare" }, { "enable.auto.commit", "false" }, { "auto.offset.reset", "earliest" } };
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256] = "";
	rd_kafka_t *rk;

	rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof(why));
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	if (rk == NULL)
		fail("Kafka", why);
	rd_kafka_poll_set_consumer(rk);
	rd_kafka_topic_partition_list_add(topics, "medicore.appointment.v1", RD_KAFKA_PARTITION_UA);
	rd_kafka_subscribe(rk, topics);
	rd_kafka_topic_partition_list_destroy(topics);
	return rk;
}

static void
add(struct buf *column, const char *text)
{
	buf_addf(column, "%s\"%s\"", column->length == 0 ? "{" : ",", text);
}

static void
add_event(struct arena *a, struct buf *columns, const rd_kafka_message_t *m, long n)
{
	Medicore__V1__AppointmentBooked *e = medicore__v1__appointment_booked__unpack(NULL, m->len, m->payload);
	char id[UUID_SIZE], event[UUID_SIZE], *hex = arena_alloc(a, 2 * m->len + 1);
	rd_kafka_headers_t *headers;
	const void *ce_id = "";
	size_t size;

	if (e == NULL || rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		fail("Kafka", "no booking");
	rd_kafka_header_get_last(headers, "ce_id", &ce_id, &size);
	uuid_new(id);
	uuid_new(event);
	hex_write(hex, m->payload, m->len);
	add(&columns[CE_ID], ce_id);
	add(&columns[TYPE], "medicore.appointment.booked.v1");
	add(&columns[INVOICE], id);
	add(&columns[NUMBER], arena_printf(a, "2026-%06ld", n));
	add(&columns[APPOINTMENT], e->appointment_id);
	add(&columns[PATIENT], e->patient_id);
	add(&columns[SERVICE], e->service_code);
	add(&columns[EVENT], event);
	add(&columns[PAYLOAD], arena_printf(a, "\\\\x%s", hex));
	add(&columns[HEADERS], arena_printf(a, "{\\\"ce_time\\\": \\\"2026-11-27T12:00:00.000000Z\\\", \\\"invoice_id\\\": \\\"%s\\\", \\\"request_id\\\": \\\"%s\\\","
		" \\\"traceparent\\\": \\\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\\\"}", id, event));
	medicore__v1__appointment_booked__free_unpacked(e, NULL);
}

static void
write_batch(PGconn *db, struct buf *columns)
{
	finish(db, PQexec(db, "begin"));
	for (size_t c = 0; c < COLUMNS; c++)
		buf_add_text(&columns[c], "}");
	for (size_t i = 0; i < INSERTS; i++) {
		const char *values[7];

		for (int v = 0; v < inserts[i].count; v++)
			values[v] = columns[inserts[i].takes[v]].bytes;
		finish(db, PQexecPrepared(db, inserts[i].name, inserts[i].count, values, NULL, NULL, 0));
	}
	finish(db, PQexec(db, "commit"));
}

static long
take_batch(rd_kafka_t *rk, struct arena *a, struct buf *columns, long before, long left)
{
	rd_kafka_message_t *m;
	long n = 0;

	memset(columns, 0, COLUMNS * sizeof(*columns));
	for (size_t c = 0; c < COLUMNS; c++)
		columns[c].arena = a;
	while (n < BATCH && n < left && (m = rd_kafka_consumer_poll(rk, n == 0 ? 1000 : 0)) != NULL) {
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			add_event(a, columns, m, before + ++n);
		rd_kafka_message_destroy(m);
	}
	return n;
}

int
main(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct buf columns[COLUMNS];
	long before, done = 0, n, count;
	rd_kafka_t *rk;
	PGconn *db;

	if (argc != 4)
		fail("usage", "bare_events BROKERS CONNINFO COUNT");
	count = strtol(argv[3], NULL, 10);
	db = open_database(argv[2]);
	before = invoices_before(db);
	rk = open_kafka(argv[1]);
	while (done < count) {
		arena_reset(a);
		n = take_batch(rk, a, columns, before + done, count - done);
		if (n == 0)
			continue;
		write_batch(db, columns);
		rd_kafka_commit(rk, NULL, 1);
		done += n;
	}
	rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	PQfinish(db);
	arena_free(a);
	return EXIT_SUCCESS;
}
