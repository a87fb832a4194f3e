/* invoices.h - what happens to invoices by itself: they get their numbers, and are marked once they are past due. */
#ifndef WORKER_INVOICES_H
#define WORKER_INVOICES_H

#include <stdbool.h>

/* Looks after billing's invoices until the process is asked to stop; false, said on standard error, where it can't even start. */
bool invoices_run(const char *database, const char *role);

#endif
