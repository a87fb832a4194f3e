/* wire.c - bytes of gRPC messages: no string that passes the check is cut or malformed once protobuf-c has unpacked it. */
#include "lib/rpc/wire.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "proto/billing.pb-c.h"
#include "proto/events.pb-c.h"
#include "proto/patient.pb-c.h"
#include "proto/reflection.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
	&patient__patient_lookup_request__descriptor,
	&patient__patients_lookup_request__descriptor,
	&billing__invoice_request__descriptor,
	&medicore__v1__event_batch__descriptor,
	&medicore__v1__appointment_booked__descriptor,
	&grpc__reflection__v1alpha__server_reflection_request__descriptor,
	&grpc__reflection__v1alpha__server_reflection_response__descriptor,
};

static void
must(bool it_is_so)
{
	if (!it_is_so)
		abort();
}

/* How many bytes of text there are in fields of this number, as they came. */
static size_t
sent_text(uint8_t *bytes, size_t length, uint32_t number)
{
	struct wire_reader r = { bytes, bytes + length };
	struct wire_field f;
	size_t total = 0;

	while (wire_next(&r, &f) > 0)
		if (f.number == number && f.type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
			total += f.length;
	return total;
}

/* Of a repeated string nothing may be lost. */
static void
check_ids(const ProtobufCMessage *message, uint8_t *bytes, size_t length)
{
	const Patient__PatientsLookupRequest *m = (const Patient__PatientsLookupRequest *)message;
	size_t total = 0;

	for (size_t i = 0; i < m->n_patientid; i++) {
		must(utf8_valid(m->patientid[i], strlen(m->patientid[i])));
		total += strlen(m->patientid[i]);
	}
	must(total == sent_text(bytes, length, 1));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *type;
	struct arena *a;
	ProtobufCMessage *m;
	const char *field = NULL;
	uint8_t *bytes;
	enum rc rc;

	if (size == 0)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	a = arena_new();
	size--;
	bytes = malloc(size > 0 ? size : 1); /* of the exact size, so that reading behind it is seen */
	must(bytes != NULL);
	memcpy(bytes, data + 1, size);
	rc = wire_check(type, bytes, size, WIRE_TEXT_REFUSED, &field);
	must(rc == RC_OK || rc == RC_MALFORMED || (rc == RC_INVALID && field != NULL));
	if (rc == RC_INVALID && wire_check(type, bytes, size, WIRE_TEXT_REPLACED, &field) == RC_OK)
		must((rc = wire_check(type, bytes, size, WIRE_TEXT_REFUSED, &field)) == RC_OK);
	if (rc == RC_OK) {
		m = wire_unpack(a, type, bytes, size);
		if (m != NULL && type == types[1])
			check_ids(m, bytes, size);
		if (m != NULL)
			(void)protobuf_c_message_get_packed_size(m); /* reads all of it */
	}
	free(bytes);
	arena_free(a);
	return 0;
}
