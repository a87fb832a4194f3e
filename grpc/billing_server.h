/* billing_server.h - billing.BillingService. */
#ifndef GRPC_BILLING_SERVER_H
#define GRPC_BILLING_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "domain/billing/billing.h"
#include "lib/rpc/rpc.h"

extern const struct billing_ports billing_ports; /* the main program's */

extern ProtobufCService *const billing_service;
extern const struct rpc_batched billing_batched[]; /* for rpc_options.batched */

#endif
