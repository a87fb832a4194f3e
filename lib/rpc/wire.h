/*
 * wire.h - Protocol Buffers as bytes: what protobuf-c leaves unchecked, and messages whose memory is an
 * arena's.
 */
#ifndef RPC_WIRE_H
#define RPC_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/rc.h"

/* One field of a message, as https://protobuf.dev/programming-guides/encoding/ has it. */
struct wire_field {
	uint32_t number;
	unsigned type;   /* 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32 */
	uint64_t varint; /* type 0 */
	uint8_t *bytes;  /* type 2 */
	size_t length;   /* type 2 */
};

struct wire_reader {
	uint8_t *at, *end;
};

/* The next field: 1, or 0 at the end, -1 where the bytes are no message. */
int wire_next(struct wire_reader *r, struct wire_field *ret_field);

/* How a string that is no text (bad UTF-8, or a NUL inside) is met. */
enum wire_text {
	WIRE_TEXT_REFUSED,
	WIRE_TEXT_REPLACED, /* overwritten with as many SUB (U+001A), which no rule takes for anything valid
			     */
};

/*
 * Checks what protobuf-c doesn't: it cuts a string at NUL and takes bad UTF-8.  Nested messages too.
 * RC_INVALID: *ret_field names the string; RC_MALFORMED: no message, or nested deeper than 32.
 */
enum rc wire_check(const ProtobufCMessageDescriptor *d, uint8_t *bytes, size_t length, enum wire_text bad,
    const char **ret_field);

/* NULL where the bytes are no such message.  Everything is in the arena: nothing to free. */
ProtobufCMessage *wire_unpack(
    struct arena *a, const ProtobufCMessageDescriptor *d, const uint8_t *bytes, size_t length);

#endif
