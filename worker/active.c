#include "worker/active.h"

#include "lib/base/log.h"
#include "lib/pg/pg.h"

enum rc
active_win(struct active *a, struct ctx *cx)
{
	enum rc rc = pg_try_lock(cx, a->key);

	if (rc == RC_CONFLICT)
		metrics_unset(M_TASK_SUCCESS, a->task);
	if ((rc == RC_CONFLICT) != a->standing_by && (rc == RC_CONFLICT || rc == RC_OK)) {
		a->standing_by = rc == RC_CONFLICT;
		log_line(LOG_INFO, a->standing_by ? "%s: another relay is active, standing by" : "%s: active",
		    a->what);
	}
	return rc;
}
