/* json_fault.h - what json_check found, with enough to say which member is to blame; for lib/field's own
 * files. */
#ifndef FIELD_JSON_FAULT_H
#define FIELD_JSON_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"
#include "lib/base/rc.h"

struct json_fault {
	size_t at;        /* offset of the first bad byte */
	const char *why;  /* constant */
	bool in_value;    /* the syntax is sound so far: a text's content, or a duplicate, is the matter */
	size_t member_at; /* the outermost object's member that it is in: its name between the quotes, … */
	size_t member_length; /* … still escaped; 0: in none */
};

enum rc json_check_fault(const char *json, size_t length, struct json_fault *ret_fault);

/* A name or text that json_check let through, without its quotes, as UTF-8. */
char *json_unescape(struct arena *a, const char *raw, size_t length);

#endif
