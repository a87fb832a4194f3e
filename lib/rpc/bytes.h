/* bytes.h - messages in and out of the library's buffers. */
#ifndef RPC_BYTES_H
#define RPC_BYTES_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "lib/base/arena.h"

/* In one piece, in the arena; NULL where the library can't read it.  The buffer stays the caller's. */
uint8_t *bytes_copy(struct arena *a, grpc_byte_buffer *buffer, size_t *ret_length);

/* The caller destroys it, when the batch that sends it is over. */
grpc_byte_buffer *bytes_of(const ProtobufCMessage *message);

#endif
