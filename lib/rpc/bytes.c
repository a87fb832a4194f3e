/* bytes.c - messages in and out of the library's buffers. */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rpc/bytes.h"

uint8_t *
bytes_copy(struct arena *a, grpc_byte_buffer *buffer, size_t *ret_length)
{
	size_t length = grpc_byte_buffer_length(buffer), at = 0;
	uint8_t *bytes = arena_alloc(a, length);
	grpc_byte_buffer_reader r;
	grpc_slice *slice;

	if (!grpc_byte_buffer_reader_init(&r, buffer))
		return NULL;
	while (grpc_byte_buffer_reader_peek(&r, &slice)) {
		size_t n = GRPC_SLICE_LENGTH(*slice);

		if (n > length - at)
			break;
		memcpy(bytes + at, GRPC_SLICE_START_PTR(*slice), n);
		at += n;
	}
	grpc_byte_buffer_reader_destroy(&r);
	*ret_length = at;
	return bytes;
}

grpc_byte_buffer *
bytes_of(const ProtobufCMessage *message)
{
	grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
	grpc_byte_buffer *buffer;

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	buffer = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return buffer;
}
