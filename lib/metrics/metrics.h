/*
 * metrics.h - what a program counts: one table of counters, gauges and histograms, by Prometheus' names and units, in a mapped file that
 * all processes of the program share.
 *
 * Counting is an atomic addition: no lock, no memory, no system call, by any number of threads and processes.  A program says before it
 * has threads which groups of the table it counts, and which series its own routes or methods make; from then on what it counts can be
 * read by anybody in its group, after its end as well.  Whoever never opened a table, or doesn't count a group, counts into nothing.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

/* Rows of the table (table.c), which says what each is and which labels it has.  `which` below is the number of its label's value. */
enum metric {
	M_HTTP_REQUESTS, /* series of lib/web */
	M_HTTP_SECONDS,
	M_HTTP_THROTTLED, /* enum metric_client */
	M_TOKEN_CACHE,    /* enum metric_cache */
	M_TOKENS_REFUSED, /* enum metric_refusal */
	M_LOGINS,
	M_LOGINS_REFUSED, /* enum metric_login */
	M_DATABASE_SECONDS, /* enum metric_statement */
	M_DATABASE_RETRIES, /* enum metric_retry */
	M_DATABASE_LOST,
	M_DATABASE_UNREACHABLE,
	M_GRPC_CALLS, /* series of lib/rpc */
	M_GRPC_SECONDS,
	M_GRPC_CLIENT_SECONDS, /* enum metric_outcome */
	M_TASK_FAILURES, /* enum metric_task, as the next */
	M_TASK_SUCCESS,
	M_OUTBOX_EVENTS,
	M_OUTBOX_OLDEST,
	M_OUTBOX_PUBLISHED,
	M_AUDIT_SPOOL_BYTES,
	M_AUDIT_SPOOL_OLDEST,
	M_AUDIT_STORED,
	M_INVOICES_NUMBERED,
	M_INVOICES_OVERDUE,
	M_SWEEPS,
	M_EVENTS, /* enum metric_verdict */
	M_EVENTS_PARKED, /* enum metric_reason, as the next */
	M_DEAD_LETTERS,
	M_EVENT_BATCH,
	M_CONSUMER_LAG,
	M_COUNT
};

/* What kinds of programs count. */
enum metric_group {
	METRICS_HTTP = 1 << 0,
	METRICS_TOKENS = 1 << 1, /* who checks access tokens */
	METRICS_LOGINS = 1 << 2,
	METRICS_DATABASE = 1 << 3,
	METRICS_GRPC = 1 << 4,
	METRICS_GRPC_CLIENT = 1 << 5,
	METRICS_TASKS = 1 << 6,
	METRICS_OUTBOX = 1 << 7,
	METRICS_AUDIT = 1 << 8, /* who stores the trail */
	METRICS_INVOICES = 1 << 9,
	METRICS_EVENTS = 1 << 10,
	METRICS_KAFKA = 1 << 11,
	METRICS_NUMBERS = 1 << 12, /* who numbers the invoices that it makes, as whoever takes events does */
};

enum metric_client { CLIENT_ACCOUNT, CLIENT_ADDRESS };
enum metric_cache { CACHE_HIT, CACHE_MISS };
enum metric_refusal { REFUSED_MALFORMED, REFUSED_UNKNOWN_KEY, REFUSED_SIGNATURE, REFUSED_CLAIMS, REFUSED_EXPIRED, REFUSED_ENDED };
enum metric_login { LOGIN_CREDENTIALS, LOGIN_THROTTLED, LOGIN_MALFORMED, LOGIN_UNAVAILABLE };
enum metric_statement { STATEMENT_READ, STATEMENT_WRITE, STATEMENT_COMMIT, STATEMENT_COPY };
enum metric_retry { RETRY_SERIALIZED, RETRY_LOST };
enum metric_outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_UNAVAILABLE, OUTCOME_TIMEOUT };
enum metric_task { TASK_OUTBOX, TASK_AUDIT, TASK_INVOICES, TASK_EVENTS, TASK_DEAD_LETTERS };
enum metric_verdict { EVENT_DONE, EVENT_RETRY, EVENT_PARK };
enum metric_reason { REASON_NO_PRICE, REASON_UNKNOWN_PATIENT, REASON_MALFORMED, REASON_UNKNOWN_TYPE };

/* --- before threads --- */

/* Begins a table of these groups; nothing is counted yet. */
void metrics_begin(unsigned groups);

/* One more series of a row whose labels only the program knows, `route="/patients",method="GET"`, the first being number 0.  shown: also while
 * nothing was counted. */
void metrics_series(enum metric m, const char *labels, bool shown);

/*
 * Counts from now on in directory's file NAME.metrics, where NAME is program's without "medicore-" and ".fcgi", and as one of the program's processes until its end.  One of the same layout
 * and version is taken as it is; any other gives way to a new one.  Where directory is empty, or can't be used, which is said, the
 * process counts for itself, and nobody sees it.
 */
void metrics_open(const char *directory, const char *program, log_fn *say);
void metrics_close(void);

/* --- counting --- */

void metrics_add(enum metric m, unsigned which, uint64_t n);	 /* of a counter */
void metrics_observe(enum metric m, unsigned which, int64_t value); /* of a histogram, in the row's own unit: nanoseconds, or a number */

/*
 * A gauge is this process' own, and is gone with it.  For the age of something, value is the instant that it dates from, in microseconds
 * since 1970 (0: there is nothing); so it grows by itself.  metrics_unset: it isn't known now.
 */
void metrics_set(enum metric m, unsigned which, int64_t value);
void metrics_unset(enum metric m, unsigned which);

void metrics_task_done(enum metric_task task);	 /* a turn went well */
void metrics_task_failed(enum metric_task task); /* it will be tried again */

/* --- reading --- */

/*
 * All files of directory, in Prometheus' text format 0.0.4, with a label `program` by the file's name.  Nothing in a file is believed: one
 * that isn't as it should be is left out and counted in medicore_metrics_files_unreadable.  False, with errno, where the directory can't be read.
 */
bool metrics_write(struct buf *out, const char *directory);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
