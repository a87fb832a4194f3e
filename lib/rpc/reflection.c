/*
 * reflection.c - grpc.reflection.v1alpha.ServerReflection, from the embedded descriptors; v1 has the same
 * messages under another name.
 *
 * A FileDescriptorSet is read where it lies, by the numbers of its fields in
 * google/protobuf/descriptor.proto.
 */
#include <string.h>

#include "lib/rpc/internal.h"
#include "proto/reflection.pb-c.h"

/* clang-format off */
enum {
	SET_FILE = 1,
	FILE_NAME = 1, FILE_PACKAGE = 2, FILE_MESSAGE = 4, FILE_ENUM = 5, FILE_SERVICE = 6,
	TYPE_NAME = 1, /* of a message, an enum, a service, and of a method, a field or a value in them */
	MESSAGE_FIELD = 2, MESSAGE_MESSAGE = 3, MESSAGE_ENUM = 4,
	ENUM_VALUE = 2,
	SERVICE_METHOD = 2,
};
/* clang-format on */

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse Response;

static void asked(struct rpc_call *call, uint8_t *bytes, size_t length);

const struct stream_kind reflection_v1alpha = {
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false, asked, NULL
};
const struct stream_kind reflection_v1 = { "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false,
	asked, NULL };

static const char health_name[] = "grpc.health.v1.Health";
static const char reflection_name[] = "grpc.reflection.v1alpha.ServerReflection";

/* --- looking into descriptors --- */

static struct wire_reader
inside(const struct wire_field *f)
{
	return (struct wire_reader){ f->bytes, f->bytes + f->length };
}

/* The first length-delimited field of that number; empty where there is none. */
static struct wire_field
member(const struct wire_field *message, uint32_t number)
{
	struct wire_reader r = inside(message);
	struct wire_field f;

	while (wire_next(&r, &f) > 0)
		if (f.number == number && f.bytes != NULL)
			return f;
	return (struct wire_field){ 0 };
}

static bool
is_text(const struct wire_field *f, const char *text)
{
	return f->length == strlen(text) && memcmp(f->bytes, text, f->length) == 0;
}

/* What is left of symbol behind "name." (or at its end, ""); NULL where it isn't below name. */
static const char *
below(const char *symbol, const struct wire_field *name)
{
	if (name->length == 0)
		return symbol;
	if (strncmp(symbol, (const char *)name->bytes, name->length) != 0)
		return NULL;
	symbol += name->length;
	if (*symbol == '.')
		return symbol + 1;
	return *symbol == '\0' ? symbol : NULL;
}

static bool type_has(const struct wire_field *type, uint32_t kind, const char *symbol);

static bool
message_has(const struct wire_field *message, const char *rest)
{
	struct wire_reader r = inside(message);
	struct wire_field f, name;

	while (wire_next(&r, &f) > 0) {
		if (f.number == MESSAGE_FIELD) {
			name = member(&f, TYPE_NAME);
			if (is_text(&name, rest))
				return true;
		} else if (f.number == MESSAGE_MESSAGE && type_has(&f, FILE_MESSAGE, rest)) {
			return true;
		} else if (f.number == MESSAGE_ENUM && type_has(&f, FILE_ENUM, rest)) {
			return true;
		}
	}
	return false;
}

/* Whether symbol is this type or something in it.  kind: FILE_MESSAGE, FILE_ENUM or FILE_SERVICE. */
static bool
type_has(const struct wire_field *type, uint32_t kind, const char *symbol)
{
	struct wire_field name = member(type, TYPE_NAME), f;
	const char *rest = below(symbol, &name);
	struct wire_reader r = inside(type);

	if (rest == NULL || *rest == '\0')
		return rest != NULL;
	if (kind == FILE_MESSAGE)
		return message_has(type, rest);
	while (wire_next(&r, &f) > 0) { /* a method, or an enum's value: both are field 2 */
		if (f.number != SERVICE_METHOD)
			continue;
		name = member(&f, TYPE_NAME);
		if (is_text(&name, rest))
			return true;
	}
	return false;
}

static bool
file_has(const struct wire_field *file, const char *symbol)
{
	struct wire_field package = member(file, FILE_PACKAGE), f;
	const char *rest = below(symbol, &package);
	struct wire_reader r = inside(file);

	if (rest == NULL)
		return false;
	while (wire_next(&r, &f) > 0)
		if ((f.number == FILE_MESSAGE || f.number == FILE_ENUM || f.number == FILE_SERVICE) &&
		    type_has(&f, f.number, rest))
			return true;
	return false;
}

static bool
file_is(const struct wire_field *file, const char *filename)
{
	struct wire_field name = member(file, FILE_NAME);

	return is_text(&name, filename);
}

static bool
find_file(const struct rpc_options *o, bool (*wanted)(const struct wire_field *, const char *),
    const char *what, struct wire_field *ret_file)
{
	uint8_t *set = (uint8_t *)(uintptr_t)o->descriptors; /* only read */
	struct wire_reader r = { set, set + o->descriptors_size };
	struct wire_field f;

	while (wire_next(&r, &f) > 0)
		if (f.number == SET_FILE && wanted(&f, what)) {
			*ret_file = f;
			return true;
		}
	return false;
}

/* --- answers --- */

static void
say_error(struct rpc_call *call, Response *r, int status, const char *words)
{
	Grpc__Reflection__V1alpha__ErrorResponse e = GRPC__REFLECTION__V1ALPHA__ERROR_RESPONSE__INIT;

	e.error_code = status;
	e.error_message = (char *)(uintptr_t)words;
	r->message_response_case =
	    GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
	r->error_response = &e;
	stream_send(call, &r->base);
}

static void
say_file(struct rpc_call *call, Response *r, bool (*wanted)(const struct wire_field *, const char *),
    const char *what)
{
	Grpc__Reflection__V1alpha__FileDescriptorResponse d =
	    GRPC__REFLECTION__V1ALPHA__FILE_DESCRIPTOR_RESPONSE__INIT;
	struct wire_field file;
	ProtobufCBinaryData bytes;

	if (!find_file(&call->server->options, wanted, what, &file)) {
		say_error(call, r, GRPC_STATUS_NOT_FOUND, "not here");
		return;
	}
	bytes = (ProtobufCBinaryData){ .len = file.length, .data = file.bytes };
	d.n_file_descriptor_proto = 1;
	d.file_descriptor_proto = &bytes;
	r->message_response_case =
	    GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
	r->file_descriptor_response = &d;
	stream_send(call, &r->base);
}

static void
say_services(struct rpc_call *call, Response *r)
{
	Grpc__Reflection__V1alpha__ListServiceResponse list =
	    GRPC__REFLECTION__V1ALPHA__LIST_SERVICE_RESPONSE__INIT;
	const struct rpc_server *s = call->server;
	size_t n = s->service_count + 2;
	Grpc__Reflection__V1alpha__ServiceResponse *service = arena_zalloc_n(s->scratch, n, sizeof(*service));

	list.service = arena_zalloc_n(s->scratch, n, sizeof(*list.service));
	for (size_t i = 0; i < n; i++) {
		const char *name = i == s->service_count ? health_name : reflection_name;

		if (i < s->service_count)
			name = s->services[i]->descriptor->name;
		grpc__reflection__v1alpha__service_response__init(&service[i]);
		service[i].name = (char *)(uintptr_t)name;
		list.service[i] = &service[i];
	}
	list.n_service = n;
	r->message_response_case =
	    GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
	r->list_services_response = &list;
	stream_send(call, &r->base);
}

static Request *
read_request(struct rpc_call *call, uint8_t *bytes, size_t length)
{
	const ProtobufCMessageDescriptor *d =
	    &grpc__reflection__v1alpha__server_reflection_request__descriptor;
	const char *field;

	if (wire_check(d, bytes, length, WIRE_TEXT_REFUSED, &field) != RC_OK)
		return NULL;
	return (Request *)wire_unpack(call->server->scratch, d, bytes, length);
}

static void
asked(struct rpc_call *call, uint8_t *bytes, size_t length)
{
	Response r = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;
	Request *q = read_request(call, bytes, length);

	if (q == NULL) {
		stream_finish(
		    call, GRPC_STATUS_INVALID_ARGUMENT, "The request is not a ServerReflectionRequest", NULL);
		return;
	}
	r.valid_host = q->host;
	r.original_request = q;
	switch (q->message_request_case) {
	case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
		say_file(call, &r, file_is, q->file_by_filename);
		break;
	case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
		say_file(call, &r, file_has, q->file_containing_symbol);
		break;
	case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
		say_services(call, &r);
		break;
	case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
	case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
		say_error(call, &r, GRPC_STATUS_NOT_FOUND, "no extensions: these are proto3 messages");
		break;
	default:
		say_error(call, &r, GRPC_STATUS_INVALID_ARGUMENT, "nothing asked");
		break;
	}
}
