/* patient_server.h - patient.PatientService. */
#ifndef GRPC_PATIENT_SERVER_H
#define GRPC_PATIENT_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "lib/rpc/rpc.h"

extern ProtobufCService *const patient_service;
extern const struct rpc_batched patient_batched[]; /* for rpc_options.batched */

#endif
