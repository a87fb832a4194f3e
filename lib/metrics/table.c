#include "lib/metrics/table.h"

#define CHOICES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define MICROSECONDS INT64_C(1000000)

/* A statement by its key takes 100 µs here, a request 300; what hangs ends by [database] statement_timeout and [web] request_timeout. */
static const int64_t request_bounds[] = { 250 * US, 500 * US, MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS,
	500 * MS, SECOND, 2500 * MS, 5 * SECOND, 10 * SECOND, 0 };
static const int64_t statement_bounds[] = { 100 * US, 250 * US, 500 * US, MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 100 * MS, 500 * MS,
	SECOND, 5 * SECOND, 0 };
static const int64_t batch_bounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 0 };

static const char *const tasks[] = { [TASK_OUTBOX] = "outbox", [TASK_AUDIT] = "audit", [TASK_INVOICES] = "invoices",
	[TASK_EVENTS] = "events", [TASK_DEAD_LETTERS] = "dead_letters", NULL };

/* As lib/base/rc.c names them, and so the column of dead_letters. */
static const char *const reasons[] = { [REASON_NO_PRICE] = "no_price", [REASON_UNKNOWN_PATIENT] = "unknown_patient",
	[REASON_MALFORMED] = "malformed", [REASON_UNKNOWN_TYPE] = "unknown_type", NULL };

/* clang-format off */
const struct metric_row metric_rows[M_COUNT] = {
	[M_HTTP_REQUESTS] = { "medicore_http_requests_total", "Requests answered, by route, method and status.",
	    KIND_COUNTER, METRICS_HTTP, NULL, NULL, NULL, 1 },
	[M_HTTP_SECONDS] = { "medicore_http_request_duration_seconds", "How long the program had a request, by route and method.",
	    KIND_HISTOGRAM, METRICS_HTTP, NULL, NULL, request_bounds, SECOND },
	[M_HTTP_THROTTLED] = { "medicore_http_throttled_total", "Requests refused because their client asks too often, by what it is known by.",
	    KIND_COUNTER, METRICS_HTTP, "client", CHOICES("account", "address"), NULL, 1 },
	[M_TOKEN_CACHE] = { "medicore_token_cache_lookups_total", "Access tokens looked for among those that were verified before.",
	    KIND_COUNTER, METRICS_TOKENS, "result", CHOICES("hit", "miss"), NULL, 1 },
	[M_TOKENS_REFUSED] = { "medicore_tokens_refused_total", "Tokens refused, by why.",
	    KIND_COUNTER, METRICS_TOKENS | METRICS_LOGINS, "reason",
	    CHOICES("malformed", "unknown_key", "signature", "claims", "expired", "ended"), NULL, 1 },
	[M_LOGINS] = { "medicore_logins_total", "Logins that began.",
	    KIND_COUNTER, METRICS_LOGINS, NULL, CHOICES(""), NULL, 1 },
	[M_LOGINS_REFUSED] = { "medicore_logins_refused_total", "Logins refused, by why.",
	    KIND_COUNTER, METRICS_LOGINS, "reason", CHOICES("credentials", "throttled", "malformed", "unavailable"), NULL, 1 },
	[M_DATABASE_SECONDS] = { "medicore_database_statement_duration_seconds", "How long statements took, with all their retries.",
	    KIND_HISTOGRAM, METRICS_DATABASE, "statement", CHOICES("read", "write", "commit" /* lint: allow sql: a label */, "copy"), statement_bounds, SECOND },
	[M_DATABASE_RETRIES] = { "medicore_database_retries_total", "Statements sent once more, by why: undone in favour of another transaction, or the connection lost.",
	    KIND_COUNTER, METRICS_DATABASE, "reason", CHOICES("serialized", "lost"), NULL, 1 },
	[M_DATABASE_LOST] = { "medicore_database_connections_lost_total", "Connections that died, or that the server ended.",
	    KIND_COUNTER, METRICS_DATABASE, NULL, CHOICES(""), NULL, 1 },
	[M_DATABASE_UNREACHABLE] = { "medicore_database_connection_failures_total", "Attempts to connect that failed.",
	    KIND_COUNTER, METRICS_DATABASE, NULL, CHOICES(""), NULL, 1 },
	[M_GRPC_CALLS] = { "medicore_grpc_calls_total", "Calls answered, by method and status.",
	    KIND_COUNTER, METRICS_GRPC, NULL, NULL, NULL, 1 },
	[M_GRPC_SECONDS] = { "medicore_grpc_call_duration_seconds", "How long the program had a call, by method.",
	    KIND_HISTOGRAM, METRICS_GRPC, NULL, NULL, request_bounds, SECOND },
	[M_GRPC_CLIENT_SECONDS] = { "medicore_grpc_client_call_duration_seconds", "How long calls of the program's own took, by what became of them.",
	    KIND_HISTOGRAM, METRICS_GRPC_CLIENT, "outcome", CHOICES("ok", "refused", "unavailable", "timeout"), request_bounds, SECOND },
	[M_TASK_FAILURES] = { "medicore_task_failures_total", "Turns of a task that failed and are tried again.",
	    KIND_COUNTER, METRICS_TASKS, "task", tasks, NULL, 1, true },
	[M_TASK_SUCCESS] = { "medicore_task_success_timestamp_seconds", "When a task last found its work or nothing to do; a stand-by has no time.",
	    KIND_INSTANT, METRICS_TASKS, "task", tasks, NULL, MICROSECONDS },
	[M_OUTBOX_EVENTS] = { "medicore_outbox_events", "Events that wait to be published; at most 100,000 are counted.",
	    KIND_MOST, METRICS_OUTBOX, NULL, CHOICES(""), NULL, 1 },
	[M_OUTBOX_OLDEST] = { "medicore_outbox_oldest_age_seconds", "Age of the oldest of them; 0 where there is none.",
	    KIND_AGE, METRICS_OUTBOX, NULL, CHOICES(""), NULL, MICROSECONDS },
	[M_OUTBOX_PUBLISHED] = { "medicore_outbox_published_total", "Events published.",
	    KIND_COUNTER, METRICS_OUTBOX, NULL, CHOICES(""), NULL, 1 },
	[M_AUDIT_SPOOL_BYTES] = { "medicore_audit_spool_bytes", "Bytes of the audit spool that are not stored yet.",
	    KIND_GAUGE, METRICS_AUDIT, NULL, CHOICES(""), NULL, 1 },
	[M_AUDIT_SPOOL_OLDEST] = { "medicore_audit_spool_oldest_age_seconds", "Age of the oldest entry among them; 0 where there is none.",
	    KIND_AGE, METRICS_AUDIT, NULL, CHOICES(""), NULL, MICROSECONDS },
	[M_AUDIT_STORED] = { "medicore_audit_entries_stored_total", "Audit entries stored.",
	    KIND_COUNTER, METRICS_AUDIT, NULL, CHOICES(""), NULL, 1 },
	[M_INVOICES_NUMBERED] = { "medicore_invoices_numbered_total", "Invoices that got their number.",
	    KIND_COUNTER, METRICS_INVOICES | METRICS_EVENTS | METRICS_NUMBERS, NULL, CHOICES(""), NULL, 1 },
	[M_INVOICES_OVERDUE] = { "medicore_invoices_marked_overdue_total", "Invoices marked overdue.",
	    KIND_COUNTER, METRICS_INVOICES, NULL, CHOICES(""), NULL, 1 },
	[M_SWEEPS] = { "medicore_overdue_sweeps_total", "Sweeps for overdue invoices that came to their end.",
	    KIND_COUNTER, METRICS_INVOICES, NULL, CHOICES(""), NULL, 1 },
	[M_EVENTS] = { "medicore_events_total", "Events that were delivered, by what became of them; one of a batch that failed comes again.",
	    KIND_COUNTER, METRICS_EVENTS, "verdict", CHOICES("done", "retry", "park"), NULL, 1 },
	[M_EVENTS_PARKED] = { "medicore_events_parked_total", "Events that became dead letters, by why.",
	    KIND_COUNTER, METRICS_EVENTS, "reason", reasons, NULL, 1 },
	[M_DEAD_LETTERS] = { "medicore_dead_letters", "Dead letters there are, by why; counted as they come, and each minute.",
	    KIND_MOST, METRICS_EVENTS, "reason", reasons, NULL, 1 },
	[M_EVENT_BATCH] = { "medicore_event_batch_size", "Events taken at once.",
	    KIND_HISTOGRAM, METRICS_EVENTS, NULL, CHOICES(""), batch_bounds, 1 },
	[M_CONSUMER_LAG] = { "medicore_consumer_lag_events", "Events in Kafka behind what this program has committed, in the partitions that it has.",
	    KIND_GAUGE, METRICS_KAFKA, NULL, CHOICES(""), NULL, 1 },
};
/* clang-format on */
