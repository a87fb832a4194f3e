/* field_json.c - a JSON body into a struct, and a struct as JSON. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/field/json_check.h"
#include "lib/field/member.h"

/* Longest unknown name that is said again in a message: its key has it anyway. */
#define NAME_SHOWN 64

static enum rc
blame_fault(struct ctx *cx, const char *json, const struct json_fault *fault)
{
	if (fault->in_value && fault->member_length > 0)
		return err_field(cx, RC_INVALID,
		    json_unescape(cx->arena, json + fault->member_at, fault->member_length),
		    "Malformed JSON at byte %zu: %s", fault->at + 1, fault->why);
	return err_field(cx, RC_INVALID, "body", "Malformed JSON at byte %zu: %s", fault->at + 1, fault->why);
}

static void
object_put(void *object)
{
	json_object_put(object);
}

/* json has passed the gate. */
static struct json_object *
parse(struct ctx *cx, const char *json, size_t length)
{
	struct json_tokener *tokener = json_tokener_new_ex(64); /* the gate counts levels */
	struct json_object *object = NULL;

	if (tokener != NULL && length <= INT32_MAX) {
		object = json_tokener_parse_ex(tokener, json, (int)length);
		arena_defer(cx->arena, object_put, object);
	}
	json_tokener_free(tokener);
	return object;
}

static enum rc
wrong_type(struct ctx *cx, const struct field *row)
{
	const char *due = "text";

	if (row->type == F_COUNT || row->type == F_INT)
		due = "a whole number";
	else if (row->type == F_BOOL || row->type == F_SWITCH)
		due = "true or false";
	else if (row->type == F_LIST)
		due = "a list";
	return err_field(cx, RC_INVALID, row->name, "%s must be %s", row->name, due);
}

static enum rc
read_member(
    struct ctx *cx, const struct field *row, enum field_use use, struct json_object *value, void *into)
{
	enum json_type type = json_object_get_type(value), due = json_type_string;

	if (type == json_type_null)
		return RC_OK;
	if (row->type == F_COUNT || row->type == F_INT)
		due = json_type_int;
	else if (row->type == F_BOOL || row->type == F_SWITCH)
		due = json_type_boolean;
	if (type != due)
		return wrong_type(cx, row);
	if (type == json_type_int)
		/* A number that json-c clamped is out of our range too. */
		return number_set(cx, row, json_object_get_int64(value), into);
	if (type == json_type_boolean) {
		bool truth = json_object_get_boolean(value);

		if (row->type == F_SWITCH)
			*(enum field_switch *)member(row, into) = truth ? SWITCH_ON : SWITCH_OFF;
		else
			*(bool *)member(row, into) = truth;
		return RC_OK;
	}
	return field_set(
	    cx, row, use, json_object_get_string(value), (size_t)json_object_get_string_len(value), into);
}

static void
unknown_member(struct ctx *cx, const char *name)
{
	if (strlen(name) <= NAME_SHOWN)
		err_field(cx, RC_INVALID, name, "Unknown member: %s", name);
	else
		err_field(cx, RC_INVALID, name, "Unknown member");
}

static void read_object(
    struct ctx *cx, const struct field *table, enum field_use use, struct json_object *object, void *into);

/* Gives an element of from's list the currency that it can't name itself.  Where from's own is to blame, so is the
 * element's: nobody can say what is wrong with its amounts. */
static void
inherit_currency(
    struct ctx *cx, struct ctx *element_cx, const struct field *table, void *from, const struct field *items, void *element)
{
	const struct field *outer;
	const char **currency;

	for (const struct field *row = items; row->name != NULL; row++) {
		if (row->type != F_CURRENCY || (row->use & CREATE) != 0)
			continue;
		outer = field_find(table, row->name);
		if (outer == NULL)
			continue;
		if (member_blamed(cx, outer))
			err_field(element_cx, RC_INVALID, row->name, "unknown");
		currency = member(outer, from);
		if (*currency == NULL)
			*currency = config->billing.currency;
		*(const char **)member(row, element) = *currency;
	}
}

/* Reads from's element i of row's list with errors of its own, which then are told with their place. */
static void
read_element(struct ctx *cx, const struct field *table, const struct field *row, size_t i, struct json_object *value,
    void *from, void *element)
{
	struct ctx element_cx = { .arena = cx->arena };
	unsigned inherited;

	inherit_currency(cx, &element_cx, table, from, row->items, element);
	inherited = element_cx.err.field_count;
	if (json_object_is_type(value, json_type_object))
		read_object(&element_cx, row->items, CREATE, value, element);
	else
		err_field(cx, RC_INVALID, arena_printf(cx->arena, "%s[%zu]", row->name, i), "%s[%zu] must be an object",
		    row->name, i);
	for (const struct err_field *f = element_cx.err.fields; f != NULL; f = f->next) {
		if (inherited > 0)
			inherited--;
		else
			err_field(cx, RC_INVALID, arena_printf(cx->arena, "%s[%zu].%s", row->name, i, f->name), "%s",
			    f->message);
	}
}

static enum rc
read_list(struct ctx *cx, const struct field *table, const struct field *row, struct json_object *value, void *into)
{
	size_t count;
	char *rows;

	if (value == NULL)
		return RC_OK;
	if (!json_object_is_type(value, json_type_array))
		return wrong_type(cx, row);
	count = json_object_array_length(value);
	if (count == 0 && (row->use & REQUIRED) != 0)
		return member_missing(cx, row);
	if (count > member_max(row))
		return err_field(
		    cx, RC_INVALID, row->name, "%s must have at most %u elements", row->name, member_max(row));
	rows = arena_zalloc(cx->arena, count * row->item_size);
	for (size_t i = 0; i < count; i++)
		read_element(cx, table, row, i, json_object_array_get_idx(value, i), into, rows + i * row->item_size);
	*(struct field_list *)member(row, into) = (struct field_list){ .rows = rows, .count = count };
	return RC_OK;
}

static void
read_object(
    struct ctx *cx, const struct field *table, enum field_use use, struct json_object *object, void *into)
{
	const struct field *row;
	struct json_object *list;

	for (row = table; row->name != NULL; row++)
		if (row->type == F_RATE)
			*(int64_t *)member(row, into) = -1;
	json_object_object_foreach(object, name, value) {
		row = field_find(table, name);
		if (row == NULL || (row->use & use) == 0)
			unknown_member(cx, name);
		else if (row->type != F_LIST)
			read_member(cx, row, use, value, into);
	}
	/* Now that their currency is known, wherever it stood. */
	for (row = table; row->name != NULL; row++)
		if (row->type == F_LIST && (row->use & use) != 0 &&
		    json_object_object_get_ex(object, row->name, &list))
			read_list(cx, table, row, list, into);
	field_finish(cx, table, use, into);
}

enum rc
field_read(struct ctx *cx, const struct field *table, enum field_use use, const char *json, size_t length,
    void *into)
{
	struct json_object *object;
	struct json_fault fault;

	if (json_check(json, length, &fault) != RC_OK)
		return blame_fault(cx, json, &fault);
	object = parse(cx, json, length);
	if (!json_object_is_type(object, json_type_object))
		return err_field(cx, RC_INVALID, "body", "The body must be a JSON object");
	read_object(cx, table, use, object, into);
	return cx->err.fields == NULL ? RC_OK : RC_INVALID;
}

/* --- replies --- */

static void
write_money(struct buf *b, const struct field *table, const struct field *row, const void *from)
{
	const struct money *money = member_const(row, from);
	const char *currency = member_currency(table, row, from);
	char text[MONEY_TEXT_SIZE];

	money_format(money->minor, currency != NULL ? currency : config->billing.currency, text);
	buf_add_json(b, text);
}

static void
write_instant(struct buf *b, const struct instant *instant)
{
	char text[INSTANT_SIZE];

	instant_format(instant->us, text);
	buf_add_json(b, text);
}

static void
write_rate(struct buf *b, int64_t rate)
{
	char text[RATE_TEXT_SIZE];

	rate_format(rate, text);
	buf_add_json(b, text);
}

static void
write_list(struct buf *b, const struct field *row, const struct field_list *list)
{
	buf_add_char(b, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			buf_add_char(b, ',');
		field_write(b, row->items, (const char *)list->rows + i * row->item_size);
	}
	buf_add_char(b, ']');
}

static void
write_value(struct buf *b, const struct field *table, const struct field *row, const void *from)
{
	const void *at = member_const(row, from);

	switch (row->type) {
	case F_INSTANT:
		write_instant(b, at);
		break;
	case F_MONEY:
		write_money(b, table, row, from);
		break;
	case F_COUNT:
	case F_INT:
		buf_addf(b, "%" PRId64, *(const int64_t *)at);
		break;
	case F_BOOL:
		buf_add_text(b, "true");
		break;
	case F_SWITCH:
		buf_add_text(b, *(const enum field_switch *)at == SWITCH_ON ? "true" : "false");
		break;
	case F_RATE:
		write_rate(b, *(const int64_t *)at);
		break;
	case F_LIST:
		write_list(b, row, at);
		break;
	case F_GROUP:
		field_write(b, row->items, at);
		break;
	default:
		buf_add_json(b, *(const char *const *)at);
	}
}

static bool
left_out(const struct field *row, const void *from)
{
	const void *at = member_const(row, from);

	return (row->use & REPLY) == 0 || row->type == F_BYTES ||
	       (row->type == F_BOOL && !*(const bool *)at) ||
	       (row->type == F_LIST && (row->use & EVEN_EMPTY) == 0 && ((const struct field_list *)at)->count == 0);
}

void
field_write(struct buf *b, const struct field *table, const void *from)
{
	bool first = true;

	buf_add_char(b, '{');
	for (const struct field *row = table; row->name != NULL; row++) {
		if (left_out(row, from))
			continue;
		if (!first)
			buf_add_char(b, ',');
		first = false;
		buf_add_char(b, '"');
		buf_add_text(b, row->name);
		buf_add_text(b, "\":");
		if (member_absent(row, from))
			buf_add_text(b, "null");
		else
			write_value(b, table, row, from);
	}
	buf_add_char(b, '}');
}
