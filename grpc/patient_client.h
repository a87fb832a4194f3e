/*
 * patient_client.h - asking the patient service who exists: what billing and scheduling need from outside
 * (struct billing_ports, struct scheduling_ports).
 */
#ifndef GRPC_PATIENT_CLIENT_H
#define GRPC_PATIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ctx.h"

/* Once, when the configuration is read and before threads start; never fork afterwards.  Ends the process where the
 * settings don't allow calling that service. */
void patient_client_start(void);
void patient_client_stop(void);

/* An answer for each id, in order.  RC_UNAVAILABLE, RC_TIMEOUT: nobody can say; then nothing is written to
 * ret_exist that means anything. */
enum rc patient_client_exist(struct ctx *cx, const char *const *ids, size_t count, bool *ret_exist);

/* What the patient service tells of one patient, in the arena; texts are NULL where there is no such patient. */
struct patient_record {
	bool exists;
	const char *name, *address;
	const char *date_of_birth; /* YYYY-MM-DD */
};

/* RC_OK also where they don't exist; RC_UNAVAILABLE, RC_TIMEOUT as above. */
enum rc patient_client_get(struct ctx *cx, const char *id, struct patient_record *ret_record);

#endif
