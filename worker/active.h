/* active.h - one active process per database: the others stand by. */
#ifndef WORKER_ACTIVE_H
#define WORKER_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/ctx.h"
#include "lib/metrics/metrics.h"

#define STANDBY_MS 300 /* how soon to ask again after RC_CONFLICT */

/* Starts with what, key and task. */
struct active {
	const char *what; /* in the log */
	int64_t key;      /* of the advisory lock, which is per database */
	enum metric_task task; /* which a stand-by has no time of */
	bool standing_by;
};

/* RC_OK: we are the one.  RC_CONFLICT: another is.  The lock lives and dies with the connection, so it is to be asked for before
 * each turn; while it is held that costs nothing. */
enum rc active_win(struct active *a, struct ctx *cx);

#endif
