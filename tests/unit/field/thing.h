/* thing.h - a table with a member of each type, for the tests. */
#ifndef UNIT_FIELD_THING_H
#define UNIT_FIELD_THING_H

#include "lib/field/field.h"

struct part {
	const char *name;
};

struct line {
	const char *code;
	int64_t quantity;
	struct money price;
	int64_t rate;
	const char *currency; /* the thing's */
};

struct thing {
	const char *id;
	const char *name;
	const char *email;
	const char *gender;
	const char *birth;
	const char *note;
	const char *code;
	const char *zone;
	const char *currency;
	struct money amount;
	struct instant starts_at;
	int64_t minutes;
	int64_t level;
	bool urgent;
	enum field_switch open;
	struct field_list parts;
	struct field_list lines; /* of struct line */
	int64_t rate;
	struct field_bytes payload;
};

extern const struct field thing_fields[];

/* The message that thing's errors have for name; NULL: none. */
const char *thing_error(const struct ctx *cx, const char *name);

#endif
