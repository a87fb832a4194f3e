/*
 * together.h - what the requests of a loop that are answered at the same time do by one system call: entries of the audit trail, lines of the log.
 *
 * Each lets the others get as far, and whoever gets its turn first does it for all; outside fibers each does it for itself.  What is promised stays:
 * an entry is noted before its answer leaves, and a line is written behind its answer, before the loop waits again.
 */
#ifndef WEB_TOGETHER_H
#define WEB_TOGETHER_H

#include "lib/audit/audit.h"
#include "lib/base/ctx.h"

/* As audit_note; spool is the program's. */
enum rc note_together(struct ctx *cx, struct audit_spool *spool, const struct audit_entry *entry);

/* As log_request. */
void log_together(const struct ctx *cx, const char *method, const char *what, int status, enum rc rc, int64_t started_ns);

#endif
