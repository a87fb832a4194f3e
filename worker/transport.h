/* transport.h - the two ways that events take to billing, and the setting that chooses. */
#ifndef WORKER_TRANSPORT_H
#define WORKER_TRANSPORT_H

#include <stdbool.h>

#include "worker/relay.h"

/* By [events] transport; nowhere where that is direct and from isn't for the worker.  false, said on standard error, for bad settings. */
bool transport_open(const struct relayed *from, struct transport *ret_transport);
void transport_close(struct transport *t);

#endif
