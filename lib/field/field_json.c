/* field_json.c - a JSON body into a struct, and a struct as JSON. */
#include <inttypes.h>
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

static char *
text_of(struct ctx *cx, const struct json *json, uint32_t token)
{
	const struct json_token *t = &json->tokens[token];

	return json_unescape(cx->arena, json->text + t->at, t->length);
}

static bool
type_fits(const struct field *row, enum json_kind kind)
{
	switch (row->type) {
	case F_COUNT:
	case F_INT:
		return kind == JSON_IS_WHOLE;
	case F_BOOL:
	case F_SWITCH:
		return kind == JSON_IS_TRUE || kind == JSON_IS_FALSE;
	default:
		return kind == JSON_IS_TEXT;
	}
}

static enum rc
read_member(struct ctx *cx, const struct field *row, enum field_use use, const struct json *json, uint32_t token, void *into)
{
	const struct json_token *value = &json->tokens[token];
	const char *text;
	int64_t n;

	if (value->kind == JSON_IS_NULL)
		return RC_OK;
	if (!type_fits(row, value->kind))
		return wrong_type(cx, row);
	if (value->kind == JSON_IS_WHOLE)
		/* One that is too long is out of any range of ours too. */
		return number_set(cx, row, number_parse(json->text + value->at, value->length, &n) ? n : INT64_MAX, into);
	text = text_of(cx, json, token);
	return field_set(cx, row, use, text, strlen(text), into);
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
    struct ctx *cx, const struct field *table, enum field_use use, const struct json *json, uint32_t object, void *into);

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
read_element(struct ctx *cx, const struct field *table, const struct field *row, size_t i, const struct json *json,
    uint32_t value, void *from, void *element)
{
	struct ctx element_cx = { .arena = cx->arena };
	unsigned inherited;

	inherit_currency(cx, &element_cx, table, from, row->items, element);
	inherited = element_cx.err.field_count;
	if (json->tokens[value].kind == JSON_IS_OBJECT)
		read_object(&element_cx, row->items, CREATE, json, value, element);
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
read_list(struct ctx *cx, const struct field *table, const struct field *row, const struct json *json, uint32_t list,
    void *into)
{
	const struct json_token *tokens = json->tokens;
	uint32_t end = tokens[list].next, element;
	size_t count = 0;
	char *rows;

	if (tokens[list].kind == JSON_IS_NULL)
		return RC_OK;
	if (tokens[list].kind != JSON_IS_LIST)
		return wrong_type(cx, row);
	for (element = list + 1; element < end; element = tokens[element].next)
		count++;
	if (count == 0 && (row->use & REQUIRED) != 0)
		return member_missing(cx, row);
	if (count > member_max(row))
		return err_field(
		    cx, RC_INVALID, row->name, "%s must have at most %u elements", row->name, member_max(row));
	rows = arena_zalloc(cx->arena, count * row->item_size);
	element = list + 1;
	for (size_t i = 0; i < count; i++, element = tokens[element].next)
		read_element(cx, table, row, i, json, element, into, rows + i * row->item_size);
	*(struct field_list *)member(row, into) = (struct field_list){ .rows = rows, .count = count };
	return RC_OK;
}

/* The value of object's member behind one's value, or with 0 of its first; 0: there is none. */
static uint32_t
next_value(const struct json *json, uint32_t object, uint32_t value)
{
	uint32_t name = value == 0 ? object + 1 : json->tokens[value].next;

	return name < json->tokens[object].next ? name + 1 : 0;
}

static uint32_t
value_named(struct ctx *cx, const struct json *json, uint32_t object, const char *name)
{
	uint32_t value = next_value(json, object, 0);

	while (value != 0 && strcmp(text_of(cx, json, value - 1), name) != 0)
		value = next_value(json, object, value);
	return value;
}

static void
read_object(
    struct ctx *cx, const struct field *table, enum field_use use, const struct json *json, uint32_t object, void *into)
{
	const struct field *row;
	uint32_t value;

	for (row = table; row->name != NULL; row++)
		if (row->type == F_RATE)
			*(int64_t *)member(row, into) = -1;
	for (value = next_value(json, object, 0); value != 0; value = next_value(json, object, value)) {
		const char *name = text_of(cx, json, value - 1);

		row = field_find(table, name);
		if (row == NULL || (row->use & use) == 0)
			unknown_member(cx, name);
		else if (row->type != F_LIST)
			read_member(cx, row, use, json, value, into);
	}
	/* Now that their currency is known, wherever it stood. */
	for (row = table; row->name != NULL; row++)
		if (row->type == F_LIST && (row->use & use) != 0 && (value = value_named(cx, json, object, row->name)) != 0)
			read_list(cx, table, row, json, value, into);
	field_finish(cx, table, use, into);
}

enum rc
field_read(struct ctx *cx, const struct field *table, enum field_use use, const char *json, size_t length,
    void *into)
{
	struct json_fault fault;
	struct json read;

	if (json_parse(cx->arena, json, length, &read, &fault) != RC_OK)
		return blame_fault(cx, json, &fault);
	if (read.tokens[0].kind != JSON_IS_OBJECT)
		return err_field(cx, RC_INVALID, "body", "The body must be a JSON object");
	read_object(cx, table, use, &read, 0, into);
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
