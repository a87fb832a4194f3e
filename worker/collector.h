/*
 * collector.h - from the programs' audit spool into a domain's audit table, chained and sealed (lib/audit).
 *
 * Each line is stored exactly once, whatever ends when: how far a file is stored is written in the transaction that
 * stores its lines, and a file is only removed once it is stored and nobody holds it any more.
 */
#ifndef WORKER_COLLECTOR_H
#define WORKER_COLLECTOR_H

#include <stdbool.h>

#include "lib/base/ctx.h"

/* Whose trail. */
struct trail {
	const char *domain, *role;
	const char *(*database)(void);
	enum rc (*purge)(
	    struct ctx *cx); /* of what else than answers (lib/once) it keeps too long, each hour; NULL: nothing */
};

/* Collects until the process is asked to stop; false, said on standard error, where it can't even start. */
bool collector_run(const struct trail *trail);

#endif
