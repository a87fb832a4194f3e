/* trail.h - what a request leaves in its domain's audit trail (lib/audit). */
#ifndef WEB_TRAIL_H
#define WEB_TRAIL_H

#include "lib/base/ctx.h"
#include "lib/web/request.h"
#include "lib/web/web.h"

/* Before the handler: RC_UNAVAILABLE where what it is about to do could not be noted. */
enum rc trail_ready(struct ctx *cx, const struct request *rq);

/* Before anything of the answer leaves; with a stream, also when it has ended.  Nothing may be answered where this
 * isn't RC_OK. */
enum rc trail_note(struct ctx *cx, const struct request *rq, const struct reply *rp, enum rc rc);
enum rc trail_begun(struct ctx *cx, const struct request *rq, const struct reply *rp);

/* If thing, of table, says whom it is about (web_program.subject), remembers that for the note. */
void trail_subject(const struct request *rq, const struct field *table, const void *thing);

#endif
