/* billing_server.h - billing.BillingService. */
#ifndef GRPC_BILLING_SERVER_H
#define GRPC_BILLING_SERVER_H

#include <protobuf-c/protobuf-c.h>

extern ProtobufCService *const billing_service;

#endif
