/* counts.h - what the billing worker counts. */
#ifndef WORKER_COUNTS_H
#define WORKER_COUNTS_H

#include "domain/billing/billing.h"

/* A batch that ended so; its tally where it is RC_OK. */
void count_batch(enum rc rc, size_t count, const struct billing_tally *tally);

/* The dead letters that there are. */
enum rc count_letters(struct ctx *cx);

#endif
