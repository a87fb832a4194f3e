#include "lib/web/together.h"

#include "lib/base/log.h"
#include "lib/loop/loop.h"

#define MOST 64 /* of what waits at a time: what comes beyond does it by itself */

#define PENDING RC_COUNT /* is no outcome */

/* A process has one loop, and between two waits none of its other fibers runs. */
static struct audit_note notes[MOST];
static enum rc *outcomes[MOST];
static size_t waiting;

static struct log_lines lines;

static void
note_all(struct audit_spool *spool)
{
	audit_note_all(spool, notes, waiting);
	for (size_t i = 0; i < waiting; i++)
		*outcomes[i] = notes[i].rc;
	waiting = 0;
}

enum rc
note_together(struct ctx *cx, struct audit_spool *spool, const struct audit_entry *entry)
{
	enum rc outcome = PENDING;

	if (fiber_self() == NULL || waiting == MOST)
		return audit_note(cx, spool, entry);
	notes[waiting] = (struct audit_note){ .cx = cx, .entry = entry };
	outcomes[waiting++] = &outcome;
	fiber_yield();
	if (outcome == PENDING)
		note_all(spool);
	return outcome;
}

void
log_together(const struct ctx *cx, const char *method, const char *what, int status, enum rc rc, int64_t started_ns)
{
	bool first = lines.length == 0;

	if (fiber_self() == NULL) {
		log_request(cx, method, what, status, rc, started_ns);
		return;
	}
	log_request_among(&lines, cx, method, what, status, rc, started_ns);
	if (!first || lines.length == 0)
		return;
	fiber_yield();
	log_flush(&lines);
}
