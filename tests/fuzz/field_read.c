/*
 * field_read.c - bodies by a table like a patient's with a member of each type: what is taken is what its
 * row says, and can be written as a reply.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/field/json_check.h"
#include "tests/unit/field/thing.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return config_load("/dev/null") ? 0 : 1;
}

static void
must(bool it_is_so)
{
	if (!it_is_so)
		abort();
}

static void
lines_must_be_sound(const struct thing *t)
{
	const struct line *lines = t->lines.rows;

	must(t->lines.count <= 3);
	for (size_t i = 0; i < t->lines.count; i++) {
		must(lines[i].quantity >= 1 && lines[i].quantity <= 1000);
		must(lines[i].rate >= -1 && lines[i].rate <= RATE_WHOLE);
		must(lines[i].code == NULL || strlen(lines[i].code) <= 8);
		must(lines[i].currency != NULL && strcmp(lines[i].currency, t->currency) == 0);
		must(!lines[i].price.known || lines[i].price.minor >= 0);
	}
}

static void
must_be_sound(const struct thing *t, enum field_use use)
{
	char id[UUID_SIZE];

	must(use != CREATE || (t->name != NULL && t->email != NULL && t->gender != NULL));
	must(t->name == NULL || (utf8_valid(t->name, strlen(t->name)) && utf8_length(t->name) <= 80 && !text_blank(t->name)));
	must(t->email == NULL || (utf8_length(t->email) <= 254 && strchr(t->email, '@') != NULL));
	must(t->id == NULL || (uuid_parse(t->id, strlen(t->id), id) && strcmp(id, t->id) == 0));
	must(t->birth == NULL || date_valid(t->birth, strlen(t->birth)));
	must(t->code == NULL || strlen(t->code) <= 8);
	must(t->currency == NULL || currency_decimals(t->currency) >= 0);
	must(!t->amount.known || (t->amount.minor >= 0 && t->currency != NULL));
	must(t->minutes >= 0 && t->minutes <= 600);
	must(t->rate >= -1 && t->rate <= RATE_WHOLE);
	lines_must_be_sound(t);
	must(t->parts.count == 0 && t->payload.bytes == NULL);
}

static void
try_use(struct arena *a, enum field_use use, const char *json, size_t size)
{
	struct buf reply = { .arena = a };
	struct thing t = { 0 };
	struct ctx cx;
	struct json_fault fault;
	enum rc rc;

	ctx_init(&cx, a, NULL);
	rc = field_read(&cx, thing_fields, use, json, size, &t);
	must((rc == RC_OK) == (cx.err.fields == NULL));
	for (const struct err_field *f = cx.err.fields; f != NULL; f = f->next)
		must(utf8_valid(f->name, strlen(f->name)) && utf8_valid(f->message, strlen(f->message)));
	if (rc == RC_OK) {
		must(json_check(json, size, &fault) == RC_OK);
		must_be_sound(&t, use);
		field_write(&reply, thing_fields, &t);
		must(json_check(reply.bytes, reply.length, &fault) == RC_OK);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;

	if (arena == NULL)
		arena = arena_new();
	try_use(arena, CREATE, (const char *)data, size);
	try_use(arena, UPDATE, (const char *)data, size);
	arena_reset(arena);
	return 0;
}
