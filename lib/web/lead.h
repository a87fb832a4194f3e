/*
 * lead.h - which of the processes that share a listening socket takes what comes.
 *
 * Two processes of one loop each that share the work cost more than one of them alone: batches are half as large, and each is woken for itself
 * (doc/architecture.md).  So one leads and takes connections; the others try to lead whenever something comes.
 */
#ifndef WEB_LEAD_H
#define WEB_LEAD_H

#include <stdbool.h>

/* Of the process: true if it leads from now on, which all do where sockets can't be locked. */
bool lead_try(int listener);

/* Another may. */
void lead_leave(int listener);

#endif
