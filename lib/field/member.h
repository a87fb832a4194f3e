/* member.h - what lib/field's own files share: how a row reaches its member in the struct. */
#ifndef FIELD_MEMBER_H
#define FIELD_MEMBER_H

#include "lib/field/field.h"

/* Whole numbers that every JSON reader keeps exactly (RFC 8259, section 6). */
#define WHOLE_MAX INT64_C(9007199254740991)

static inline void *
member(const struct field *row, void *into)
{
	return (char *)into + row->at;
}

static inline const void *
member_const(const struct field *row, const void *from)
{
	return (const char *)from + row->at;
}

/* Its C member is a const char *. */
static inline bool
member_is_text(const struct field *row)
{
	switch (row->type) {
	case F_INSTANT:
	case F_MONEY:
	case F_COUNT:
	case F_INT:
	case F_BOOL:
	case F_SWITCH:
	case F_LIST:
	case F_GROUP:
	case F_RATE:
	case F_BYTES:
		return false;
	default:
		return true;
	}
}

static inline unsigned
member_max(const struct field *row)
{
	return row->max != 0 ? row->max : row->type == F_EMAIL ? 254 : row->type == F_LIST ? 200 : 255;
}

/* Whether err_field named it already. */
bool member_blamed(const struct ctx *cx, const struct field *row);

enum rc member_missing(struct ctx *cx, const struct field *row); /* blames it */

/* True where the C member says that there is none; an F_INT, F_BOOL or list always is. */
bool member_absent(const struct field *row, const void *from);

/* The currency of an F_MONEY member of the struct at from: NULL where none is known there. */
const char *member_currency(const struct field *table, const struct field *row, const void *from);

/* The decimal number that is all of text; false where it is none, or doesn't fit. */
bool number_parse(const char *text, size_t length, int64_t *ret);

/* Stores a number by its row, as field_set does. */
enum rc number_set(struct ctx *cx, const struct field *row, int64_t n, void *into);

/* field_format.c: texts of one kind each. */
bool email_valid(const char *text);
bool code_valid(const char *text);
bool zone_valid(const char *text);

#endif
