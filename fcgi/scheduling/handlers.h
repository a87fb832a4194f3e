/* handlers.h - one function for each route of /appointments. */
#ifndef FCGI_SCHEDULING_HANDLERS_H
#define FCGI_SCHEDULING_HANDLERS_H

#include "domain/scheduling/scheduling.h"
#include "lib/web/web.h"

extern const struct web_route scheduling_routes[];

/* Who knows the patients, and how events look on the wire: main says. */
extern const struct scheduling_ports scheduling_ports;

web_handler appointments_list, appointments_book, appointments_get, appointments_cancel, appointments_reschedule,
    appointments_check_in, appointments_complete, appointments_no_show;

#endif
