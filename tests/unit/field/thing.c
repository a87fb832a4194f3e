#include "tests/unit/field/thing.h"

#include <string.h>

#define AT(member) offsetof(struct thing, member)

static const char *const genders[] = { "MALE", "FEMALE", "OTHER", NULL };

static const struct field part_fields[] = {
	{ "name", F_TEXT, offsetof(struct part, name), .use = REPLY },
	FIELD_END
};

#define LINE(member) offsetof(struct line, member)

static const struct field line_fields[] = {
	{ "code", F_CODE, LINE(code), .max = 8, .use = CREATE | REPLY | NULLABLE },
	{ "quantity", F_COUNT, LINE(quantity), .max = 1000, .use = CREATE | REPLY | REQUIRED },
	{ "price", F_MONEY, LINE(price), .use = CREATE | REPLY | NULLABLE },
	{ "taxRate", F_RATE, LINE(rate), .use = CREATE | REPLY | NULLABLE },
	{ "currency", F_CURRENCY, LINE(currency), .use = 0 },
	FIELD_END
};

/* name, email and gender say what the contract has a patient's say. */
const struct field thing_fields[] = {
	{ "id", F_UUID, AT(id), .use = UPDATE | REPLY },
	{ "name", F_TEXT, AT(name), .max = 80, .use = CREATE | UPDATE | REPLY | REQUIRED, .missing = "Name is required",
	  .too_long = "Name should be less then 80 characters", .too_long_update = "size must be between 0 and 80" },
	{ "email", F_EMAIL, AT(email), .use = CREATE | UPDATE | REPLY | REQUIRED, .missing = "Email is required",
	  .malformed = "Invalid email format", .too_long = "Max size of email exceeded" },
	{ "gender", F_ENUM, AT(gender), .choices = genders, .use = CREATE | UPDATE | REPLY | REQUIRED | FILTER,
	  .missing = "Gender is required" },
	{ "dateOfBirth", F_DATE, AT(birth), .use = CREATE | UPDATE | REPLY | NULLABLE },
	{ "note", F_TEXT, AT(note), .use = CREATE | UPDATE | REPLY | NULLABLE | FILTER, .help = "Anything \"else\"" },
	{ "code", F_CODE, AT(code), .max = 8, .use = CREATE | REPLY | NULLABLE | KEYS },
	{ "zone", F_ZONE, AT(zone), .use = CREATE | REPLY | NULLABLE },
	{ "amount", F_MONEY, AT(amount), .use = CREATE | UPDATE | REPLY | NULLABLE },
	{ "currency", F_CURRENCY, AT(currency), .use = CREATE | UPDATE | REPLY | NULLABLE },
	{ "startsAt", F_INSTANT, AT(starts_at), .use = CREATE | REPLY | NULLABLE },
	{ "minutes", F_COUNT, AT(minutes), .max = 600, .use = CREATE | REPLY | NULLABLE | FILTER },
	{ "level", F_INT, AT(level), .use = CREATE | REPLY },
	{ "urgent", F_BOOL, AT(urgent), .use = CREATE | REPLY },
	{ "open", F_SWITCH, AT(open), .use = UPDATE },
	{ "parts", F_LIST, AT(parts), .use = REPLY, .items = part_fields, .item_size = sizeof(struct part) },
	{ "lines", F_LIST, AT(lines), .use = CREATE | UPDATE | REPLY, .max = 3, .items = line_fields,
	  .item_size = sizeof(struct line) },
	{ "rate", F_RATE, AT(rate), .use = CREATE | UPDATE },
	{ "payload", F_BYTES, AT(payload), .use = 0 },
	FIELD_END
};

const char *
thing_error(const struct ctx *cx, const char *name)
{
	for (const struct err_field *f = cx->err.fields; f != NULL; f = f->next)
		if (strcmp(f->name, name) == 0)
			return f->message;
	return NULL;
}
