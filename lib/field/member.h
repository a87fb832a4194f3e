/* member.h - how a row reaches its member in the struct; for lib/field's own files. */
#ifndef FIELD_MEMBER_H
#define FIELD_MEMBER_H

#include "lib/field/field.h"

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

/* The decimal number that is all of text; false where it is none, or doesn't fit. */
bool number_parse(const char *text, size_t length, int64_t *ret);

#endif
