#include "lib/rpc/wire.h"

#include <stdlib.h>
#include <string.h>

#include "proto/events.pb-c.h"
#include "proto/patient.pb-c.h"
#include "proto/reflection.pb-c.h"
#include "tests/unit/rpc/suites.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
#define BYTES(text) text, sizeof(text) - 1

#define LOOKUP &patient__patient_lookup_request__descriptor
#define LOOKUPS &patient__patients_lookup_request__descriptor
#define BATCH &medicore__v1__event_batch__descriptor
#define BOOKED &medicore__v1__appointment_booked__descriptor

/* clang-format off */
static const struct {
	const ProtobufCMessageDescriptor *type;
	const char *bytes;
	size_t length;
	enum rc rc;
	const char *field; /* with RC_INVALID */
} messages[] = {
	{ LOOKUP, BYTES(""), RC_OK, NULL },
	{ LOOKUP, BYTES("\x0a\x03" "abc"), RC_OK, NULL },
	{ LOOKUP, BYTES("\x0a\x04" "\xf0\x9f\xa9\xba"), RC_OK, NULL },
	{ LOOKUP, BYTES("\x0a\x03" "a\0c"), RC_INVALID, "patientId" },
	{ LOOKUP, BYTES("\x0a\x01" "\0"), RC_INVALID, "patientId" },
	{ LOOKUP, BYTES("\x0a\x02" "\xc0\xaf"), RC_INVALID, "patientId" },	  /* overlong */
	{ LOOKUP, BYTES("\x0a\x03" "\xed\xa0\x80"), RC_INVALID, "patientId" },	  /* a surrogate */
	{ LOOKUP, BYTES("\x0a\x04" "\xf4\x90\x80\x80"), RC_INVALID, "patientId" }, /* above U+10FFFF */
	{ LOOKUP, BYTES("\x0a\x01" "\xff"), RC_INVALID, "patientId" },
	{ LOOKUP, BYTES("\x0a\x02" "ok" "\x0a\x01" "\x80"), RC_INVALID, "patientId" }, /* twice: the last counts */
	{ LOOKUP, BYTES("\x0a\x01" "\x80" "\x0a\x02" "ok"), RC_INVALID, "patientId" }, /* and the first could too */
	{ LOOKUP, BYTES("\x0a\x81\x00" "a"), RC_OK, NULL },	     /* a length in more bytes than it needs */
	{ LOOKUP, BYTES("\x12\x01" "\xff"), RC_OK, NULL },	     /* not a field of ours */
	{ LOOKUP, BYTES("\x0a"), RC_MALFORMED, NULL },		     /* cut behind the key */
	{ LOOKUP, BYTES("\x0a\x04" "abc"), RC_MALFORMED, NULL },     /* cut in the text */
	{ LOOKUP, BYTES("\x8a"), RC_MALFORMED, NULL },		     /* cut in the key */
	{ LOOKUP, BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), RC_MALFORMED, NULL }, /* 2^64-1 bytes */
	{ LOOKUP, BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" "a"), RC_MALFORMED, NULL }, /* 11 bytes */
	{ LOOKUP, BYTES("\x02\x01" "a"), RC_MALFORMED, NULL }, /* field 0 */
	{ LOOKUP, BYTES("\x0b\x0c"), RC_MALFORMED, NULL },	/* a group */
	{ LOOKUP, BYTES("\x0f"), RC_MALFORMED, NULL },		/* wire type 7 */
	{ LOOKUP, BYTES("\x11" "1234567"), RC_MALFORMED, NULL }, /* a fixed64 of 7 bytes */
	{ LOOKUP, BYTES("\x15" "123"), RC_MALFORMED, NULL },	 /* a fixed32 of 3 */
	{ LOOKUPS, BYTES("\x0a\x01" "a" "\x0a\x01" "b"), RC_OK, NULL },
	{ LOOKUPS, BYTES("\x0a\x01" "a" "\x0a\x01" "\xfe"), RC_INVALID, "patientId" },
	{ BOOKED, BYTES("\x28\x80\x01" "\x0a\x01" "a"), RC_OK, NULL },
	{ BOOKED, BYTES("\x28\x80"), RC_MALFORMED, NULL }, /* cut in a number */
	{ BATCH, BYTES("\x0a\x06" "\x0a\x01" "a" "\x42\x01\xff"), RC_OK, NULL }, /* payload is bytes, not text */
	{ BATCH, BYTES("\x0a\x03" "\x0a\x01" "\0"), RC_INVALID, "id" },
	{ BATCH, BYTES("\x0a\x03" "\x32\x01" "\xff"), RC_INVALID, "topic" },
	{ BATCH, BYTES("\x0a\x03" "\x32\x05" "x"), RC_MALFORMED, NULL }, /* longer than what it is in */
};
/* clang-format on */

static enum rc
check_bytes(const ProtobufCMessageDescriptor *type, const char *bytes, size_t length, const char **ret_field)
{
	/* On the heap and of the exact size, so that a sanitizer sees every byte read behind it. */
	uint8_t *copy = malloc(length > 0 ? length : 1);
	enum rc rc;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, length);
	rc = wire_check(type, copy, length, WIRE_TEXT_REFUSED, ret_field);
	free(copy);
	return rc;
}

START_TEST(bytes_that_are_no_message_and_strings_that_are_no_text_are_found)
{
	const char *field = NULL;

	ck_assert_int_eq(
	    check_bytes(messages[_i].type, messages[_i].bytes, messages[_i].length, &field), messages[_i].rc);
	if (messages[_i].rc == RC_INVALID)
		ck_assert_str_eq(field, messages[_i].field);
}
END_TEST

START_TEST(what_passes_here_unpacks_and_what_is_malformed_does_not)
{
	struct arena *a = arena_new();
	ProtobufCMessage *m =
	    wire_unpack(a, messages[_i].type, (const uint8_t *)messages[_i].bytes, messages[_i].length);

	if (messages[_i].rc == RC_OK)
		ck_assert_ptr_nonnull(m);
	if (messages[_i].rc == RC_MALFORMED && messages[_i].type != BATCH)
		ck_assert_ptr_null(m);
	arena_free(a);
}
END_TEST

START_TEST(a_bad_string_can_be_replaced_and_its_neighbours_stay)
{
	uint8_t bytes[] = "\x0a\x02"
			  "ok"
			  "\x0a\x03"
			  "a\0c"
			  "\x0a\x02"
			  "\xc0\xaf"
			  "\x0a\x01"
			  "z";
	struct arena *a = arena_new();
	Patient__PatientsLookupRequest *m;
	const char *field = NULL;

	ck_assert_int_eq(wire_check(LOOKUPS, bytes, sizeof(bytes) - 1, WIRE_TEXT_REPLACED, &field), RC_OK);
	m = (Patient__PatientsLookupRequest *)wire_unpack(a, LOOKUPS, bytes, sizeof(bytes) - 1);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->n_patientid, 4);
	ck_assert_str_eq(m->patientid[0], "ok");
	ck_assert_str_eq(m->patientid[1], "\x1a\x1a\x1a");
	ck_assert_str_eq(m->patientid[2], "\x1a\x1a");
	ck_assert_str_eq(m->patientid[3], "z");
	arena_free(a);
}
END_TEST

/* ServerReflectionResponse.original_request is a message; nothing here nests in itself, so depth is made by a
 * hand-made type. */
START_TEST(a_message_nested_without_end_is_refused)
{
	static ProtobufCFieldDescriptor self = {
		.name = "self", .id = 1, .label = PROTOBUF_C_LABEL_OPTIONAL, .type = PROTOBUF_C_TYPE_MESSAGE
	};
	static const ProtobufCIntRange ranges[] = { { 1, 0 }, { 0, 1 } };
	ProtobufCMessageDescriptor d = { .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
		.n_fields = 1,
		.fields = &self,
		.n_field_ranges = 1,
		.field_ranges = ranges };
	uint8_t bytes[128];
	const char *field;

	self.descriptor = &d;
	for (unsigned i = 0; i < 64; i++) { /* each holds the rest */
		bytes[2 * i] = 0x0a;
		bytes[2 * i + 1] = (uint8_t)(126 - 2 * i);
	}
	ck_assert_int_eq(wire_check(&d, bytes, sizeof(bytes), WIRE_TEXT_REFUSED, &field), RC_MALFORMED);
	ck_assert_int_eq(wire_check(&d, bytes + 96, 32, WIRE_TEXT_REFUSED, &field), RC_OK);
}
END_TEST

Suite *
wire_suite(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");

	tcase_add_loop_test(
	    tc, bytes_that_are_no_message_and_strings_that_are_no_text_are_found, 0, COUNT(messages));
	tcase_add_loop_test(tc, what_passes_here_unpacks_and_what_is_malformed_does_not, 0, COUNT(messages));
	tcase_add_test(tc, a_bad_string_can_be_replaced_and_its_neighbours_stay);
	tcase_add_test(tc, a_message_nested_without_end_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
