/* parsers.c - times, dates, amounts, ids, zones and single values: what is taken is written again in a form
 * that is taken. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/uuid.h"
#include "lib/field/member.h"
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
try_instant(const char *text, size_t size)
{
	struct instant first = { 0 }, again = { 0 };
	char formatted[INSTANT_SIZE];

	if (!instant_parse(text, size, &first)) {
		must(!first.known && first.us == 0);
		return;
	}
	must(first.known);
	instant_format(first.us, formatted);
	must(instant_parse(formatted, strlen(formatted), &again) && again.us == first.us);
}

static void
try_money(const char *text, size_t size)
{
	static const char *const currencies[] = { "JPY", "USD", "KWD", "CLF" };

	for (size_t i = 0; i < sizeof(currencies) / sizeof(currencies[0]); i++) {
		char formatted[MONEY_TEXT_SIZE];
		int64_t minor, again;

		if (money_parse(text, size, currencies[i], &minor) != MONEY_OK)
			continue;
		must(minor >= 0);
		money_format(minor, currencies[i], formatted);
		must(money_parse(formatted, strlen(formatted), currencies[i], &again) == MONEY_OK && again == minor);
	}
}

static void
try_uuid_and_date(const char *text, size_t size)
{
	char id[UUID_SIZE], again[UUID_SIZE];

	if (uuid_parse(text, size, id))
		must(size == 36 && strlen(id) == 36 && uuid_parse(id, 36, again) && strcmp(id, again) == 0);
	if (date_valid(text, size))
		must(size == 10 && text[4] == '-' && text[7] == '-');
}

/* Each row takes the value or blames itself, once. */
static void
try_rows(struct arena *a, const char *text, size_t size)
{
	for (const struct field *row = thing_fields; row->name != NULL; row++) {
		struct thing t = { 0 };
		struct ctx cx;
		enum rc rc;

		if ((row->use & CREATE) == 0)
			continue;
		ctx_init(&cx, a, NULL);
		rc = field_set(&cx, row, CREATE, text, size, &t);
		must(rc == RC_OK ? cx.err.fields == NULL : thing_error(&cx, row->name) != NULL);
		if (rc == RC_OK && row->type == F_MONEY)
			field_finish(&cx, thing_fields, UPDATE, &t);
		else if (rc == RC_OK && row->type == F_COUNT)
			must(t.minutes >= 1 && t.minutes <= 600);
	}
}

/* What comes from PostgreSQL is trusted, yet no text of it may read beyond its end. */
static void
try_columns(struct arena *a, const char *text, size_t size)
{
	for (const struct field *row = thing_fields; row->name != NULL; row++) {
		struct thing t = { 0 };

		if (field_load(a, row, text, size, &t) == RC_OK)
			field_text(a, row, &t);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena *arena;
	const char *text;

	if (arena == NULL)
		arena = arena_new();
	text = (const char *)data;
	try_instant(text, size);
	try_money(text, size);
	try_uuid_and_date(text, size);
	try_rows(arena, text, size);
	try_columns(arena, text, size);
	arena_reset(arena);
	return 0;
}
