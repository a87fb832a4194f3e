/* patient_server.h - patient.PatientService. */
#ifndef GRPC_PATIENT_SERVER_H
#define GRPC_PATIENT_SERVER_H

#include <protobuf-c/protobuf-c.h>

extern ProtobufCService *const patient_service;

#endif
