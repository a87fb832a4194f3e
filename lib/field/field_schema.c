/* field_schema.c - a field table as a JSON Schema (2020-12, as OpenAPI 3.1 uses it). */
#include <inttypes.h>

#include "lib/field/member.h"

static const char *
json_type(const struct field *row)
{
	switch (row->type) {
	case F_COUNT:
	case F_INT:
		return "integer";
	case F_BOOL:
	case F_SWITCH:
		return "boolean";
	case F_LIST:
		return "array";
	case F_GROUP:
		return "object";
	default:
		return "string";
	}
}

static bool
nullable(const struct field *row, enum field_use use)
{
	if (row->type == F_BOOL || row->type == F_GROUP || use == FILTER || (row->type == F_LIST && use == REPLY))
		return false;
	if (use == REPLY)
		return (row->use & NULLABLE) != 0;
	return use == UPDATE || (row->use & REQUIRED) == 0;
}

static void
write_choices(struct buf *b, const struct field *row, bool or_null)
{
	buf_add_text(b, ",\"enum\":[");
	for (const char *const *choice = row->choices; *choice != NULL; choice++) {
		if (choice != row->choices)
			buf_add_char(b, ',');
		buf_add_json(b, *choice);
	}
	buf_add_text(b, or_null ? ",null]" : "]");
}

static void
write_numbers(struct buf *b, const struct field *row)
{
	buf_addf(b, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64,
	    row->type == F_COUNT ? INT64_C(1) : -WHOLE_MAX, row->max != 0 ? (int64_t)row->max : WHOLE_MAX);
}

static void write_members(struct buf *b, const struct field *table, enum field_use use);

static void
write_elements(struct buf *b, const struct field *row, enum field_use use)
{
	if (use != REPLY)
		buf_addf(b, ",\"minItems\":%d,\"maxItems\":%u", (row->use & REQUIRED) != 0, member_max(row));
	buf_add_text(b, ",\"items\":");
	field_schema(b, row->items, use == REPLY ? REPLY : CREATE);
}

/* What limits the values of the row's type, besides their JSON type. */
static void
write_limits(struct buf *b, const struct field *row, enum field_use use)
{
	switch (row->type) {
	case F_EMAIL:
		/* RFC 6531: what stands before the @ may be in any script. */
		buf_addf(b, ",\"format\":\"idn-email\",\"maxLength\":%u", member_max(row));
		break;
	case F_UUID:
		buf_add_text(b, ",\"format\":\"uuid\"");
		break;
	case F_DATE:
		buf_add_text(b, ",\"format\":\"date\"");
		break;
	case F_INSTANT:
		buf_add_text(b, ",\"format\":\"date-time\"");
		break;
	case F_ENUM:
		write_choices(b, row, nullable(row, use));
		break;
	case F_CODE:
		buf_addf(b, ",\"pattern\":\"^[A-Za-z0-9._-]+$\",\"maxLength\":%u", member_max(row));
		break;
	case F_CURRENCY:
		buf_add_text(b, ",\"pattern\":\"^[A-Za-z]{3}$\"");
		break;
	case F_ZONE:
		buf_add_text(b, ",\"pattern\":\"^[A-Za-z0-9_+/-]+$\",\"examples\":[\"Europe/Berlin\"]");
		break;
	case F_MONEY:
		buf_addf(b, ",\"pattern\":\"^%s[0-9]+(\\\\.[0-9]+)?$\",\"examples\":[\"85.55\"]",
		    (row->use & SIGNED) != 0 ? "-?" : "");
		break;
	case F_RATE:
		buf_add_text(b, ",\"pattern\":\"^[0-9]+(\\\\.[0-9]{1,4})?$\",\"examples\":[\"8.25\"]");
		break;
	case F_LIST:
		write_elements(b, row, use);
		break;
	case F_GROUP:
		write_members(b, row->items, use);
		break;
	case F_COUNT:
	case F_INT:
		write_numbers(b, row);
		break;
	case F_TEXT:
		if (use != REPLY && (row->use & REQUIRED) != 0)
			buf_add_text(b, ",\"minLength\":1,\"pattern\":\"\\\\S\"");
		buf_addf(b, ",\"maxLength\":%u", member_max(row));
		break;
	default:
		break;
	}
}

void
field_schema_row(struct buf *b, const struct field *row, enum field_use use)
{
	buf_addf(b, nullable(row, use) ? "{\"type\":[\"%s\",\"null\"]" : "{\"type\":\"%s\"", json_type(row));
	write_limits(b, row, use);
	if (row->help != NULL) {
		buf_add_text(b, ",\"description\":");
		buf_add_json(b, row->help);
	}
	buf_add_char(b, '}');
}

static bool
always_there(const struct field *row, enum field_use use)
{
	if (use == REPLY)
		return row->type != F_BOOL && (row->type != F_LIST || (row->use & EVEN_EMPTY) != 0);
	return use != UPDATE && (row->use & REQUIRED) != 0;
}

static void
write_required(struct buf *b, const struct field *table, enum field_use use)
{
	const char *before = ",\"required\":[";

	for (const struct field *row = table; row->name != NULL; row++) {
		if ((row->use & use) == 0 || row->type == F_BYTES || !always_there(row, use))
			continue;
		buf_add_text(b, before);
		buf_add_json(b, row->name);
		before = ",";
	}
	if (before[1] == '\0')
		buf_add_char(b, ']');
}

static void
write_members(struct buf *b, const struct field *table, enum field_use use)
{
	const char *before = "";

	buf_add_text(b, ",\"properties\":{");
	for (const struct field *row = table; row->name != NULL; row++) {
		if ((row->use & use) == 0 || row->type == F_BYTES)
			continue;
		buf_add_text(b, before);
		buf_add_json(b, row->name);
		buf_add_char(b, ':');
		field_schema_row(b, row, use);
		before = ",";
	}
	buf_add_char(b, '}');
	write_required(b, table, use);
}

void
field_schema(struct buf *b, const struct field *table, enum field_use use)
{
	buf_add_text(b, "{\"type\":\"object\"");
	write_members(b, table, use);
	if (use == UPDATE)
		buf_add_text(b, ",\"minProperties\":1");
	/* Unknown members of a body are refused; in answers more may come in later releases. */
	buf_add_text(b, use == REPLY ? "}" : ",\"additionalProperties\":false}");
}
