/* handlers.h - one function for each route of /patients. */
#ifndef FCGI_PATIENT_HANDLERS_H
#define FCGI_PATIENT_HANDLERS_H

#include "lib/web/web.h"

extern const struct web_route patient_routes[];

web_handler patients_list, patients_create, patients_get, patients_change, patients_delete;

#endif
