#include "lib/rpc/wire.h"

#include "lib/base/text.h"

#define DEPTH_MAX 32
#define SUBSTITUTE 0x1a

static bool
read_varint(struct wire_reader *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 70 && r->at < r->end; shift += 7) {
		uint8_t byte = *r->at++;

		v |= (uint64_t)(byte & 0x7f) << (shift < 63 ? shift : 63);
		if ((byte & 0x80) == 0) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool
skip(struct wire_reader *r, uint64_t length)
{
	if (length > (uint64_t)(r->end - r->at))
		return false;
	r->at += length;
	return true;
}

int
wire_next(struct wire_reader *r, struct wire_field *ret_field)
{
	struct wire_field f = { 0 };
	uint64_t key, length = 0;
	bool ok = false;

	if (r->at == r->end)
		return 0;
	if (!read_varint(r, &key) || key > UINT32_MAX || key >> 3 == 0)
		return -1;
	f.number = (uint32_t)(key >> 3);
	f.type = (unsigned)(key & 7);
	switch (f.type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		ok = read_varint(r, &f.varint);
		break;
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		ok = skip(r, 8);
		break;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		ok = skip(r, 4);
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		ok = read_varint(r, &length);
		f.bytes = r->at;
		f.length = (size_t)length;
		ok = ok && skip(r, length);
		break;
	default: /* groups, which protobuf-c refuses too */
		break;
	}
	if (!ok)
		return -1;
	*ret_field = f;
	return 1;
}

static enum rc
check_string(const struct wire_field *f, const char *name, enum wire_text bad, const char **ret_field)
{
	if (utf8_valid((const char *)f->bytes, f->length))
		return RC_OK;
	if (bad == WIRE_TEXT_REFUSED) {
		*ret_field = name;
		return RC_INVALID;
	}
	for (size_t i = 0; i < f->length; i++)
		f->bytes[i] = SUBSTITUTE;
	return RC_OK;
}

static enum rc
check_message(const ProtobufCMessageDescriptor *d, uint8_t *bytes, size_t length, enum wire_text bad,
    int depth, const char **ret_field)
{
	struct wire_reader r = { bytes, bytes + length };
	const ProtobufCFieldDescriptor *known;
	struct wire_field f;
	enum rc rc = RC_OK;
	int more = 0;

	if (depth > DEPTH_MAX)
		return RC_MALFORMED;
	while (rc == RC_OK && (more = wire_next(&r, &f)) > 0) {
		known = protobuf_c_message_descriptor_get_field(d, f.number);
		if (known == NULL || f.type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			continue; /* of another wire type than the field's: unpacking refuses it */
		if (known->type == PROTOBUF_C_TYPE_STRING)
			rc = check_string(&f, known->name, bad, ret_field);
		else if (known->type == PROTOBUF_C_TYPE_MESSAGE)
			rc = check_message(known->descriptor, f.bytes, f.length, bad, depth + 1, ret_field);
	}
	return rc == RC_OK && more < 0 ? RC_MALFORMED : rc;
}

enum rc
wire_check(const ProtobufCMessageDescriptor *d, uint8_t *bytes, size_t length, enum wire_text bad,
    const char **ret_field)
{
	return check_message(d, bytes, length, bad, 0, ret_field);
}

static void *
allocate(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

/* Single pieces of an arena are never freed; protobuf-c does so when it gives up halfway. */
static void
release(void *arena, void *piece)
{
	(void)arena;
	(void)piece;
}

ProtobufCMessage *
wire_unpack(struct arena *a, const ProtobufCMessageDescriptor *d, const uint8_t *bytes, size_t length)
{
	ProtobufCAllocator allocator = { .alloc = allocate, .free = release, .allocator_data = a };

	return protobuf_c_message_unpack(d, &allocator, length, bytes);
}
