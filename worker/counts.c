#include "worker/counts.h"

#include <string.h>

#include "lib/metrics/metrics.h"

static const enum rc reasons[] = { [REASON_NO_PRICE] = RC_NO_PRICE, [REASON_UNKNOWN_PATIENT] = RC_UNKNOWN_PATIENT,
	[REASON_MALFORMED] = RC_MALFORMED, [REASON_UNKNOWN_TYPE] = RC_UNKNOWN_TYPE };
#define REASONS (unsigned)(sizeof(reasons) / sizeof(*reasons))

void
count_batch(enum rc rc, size_t count, const struct billing_tally *tally)
{
	if (rc != RC_OK) {
		metrics_add(M_EVENTS, EVENT_RETRY, count);
		return;
	}
	metrics_observe(M_EVENT_BATCH, 0, (int64_t)count);
	metrics_add(M_EVENTS, EVENT_DONE, count - tally->parked);
	metrics_add(M_EVENTS, EVENT_PARK, tally->parked);
	metrics_add(M_INVOICES_NUMBERED, 0, tally->numbered);
	for (unsigned i = 0; i < REASONS; i++)
		metrics_add(M_EVENTS_PARKED, i, tally->reasons[reasons[i]]);
}

enum rc
count_letters(struct ctx *cx)
{
	struct dead_letter_count *counts;
	size_t count;
	enum rc rc = dead_letter_counts(cx, &counts, &count);

	for (unsigned i = 0; i < REASONS; i++) {
		int64_t found = 0;

		for (size_t j = 0; rc == RC_OK && j < count; j++)
			if (strcmp(counts[j].reason, rc_meaning(reasons[i])->name) == 0)
				found = counts[j].count;
		if (rc == RC_OK)
			metrics_set(M_DEAD_LETTERS, i, found);
		else
			metrics_unset(M_DEAD_LETTERS, i);
	}
	return rc;
}
