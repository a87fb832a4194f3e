/* config_table.h - what config.c and its helpers share; nobody else includes it. */
#ifndef BASE_CONFIG_TABLE_H
#define BASE_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/arena.h"
#include "lib/base/config.h"

enum setting_type {
	S_TEXT,
	S_SECRET,   /* as text, never shown, and may be given as a file's content */
	S_INT,
	S_BYTES,    /* "64KiB"; int64_t bytes */
	S_MS,	    /* "300ms", "5s"; int64_t milliseconds */
	S_SECONDS,  /* "7d"; int64_t seconds */
	S_CHOICE,   /* one word of .unit */
	S_ADDRESS,  /* host:port */
	S_CURRENCY,
	S_ZONE,	    /* a name of the IANA time zone database */
	S_NAME,	    /* [A-Za-z0-9._/+-]+ */
};

struct setting {
	const char *section, *key;
	enum setting_type type;
	size_t at; /* in struct config */
	const char *initial; /* NULL: none, for a secret */
	const char *unit;    /* shown by --print-config; the words of a S_CHOICE */
	int64_t min, max;    /* of numbers; text may be empty where min is 0 */
	const char *help;
};

/* Added to .at: a reload takes it, since nobody keeps a copy, and any moment is as good as another. */
#define SETTING_LIVE ((size_t)1 << 31)

static inline size_t
setting_at(const struct setting *s)
{
	return s->at & ~SETTING_LIVE;
}

static inline bool
setting_live(const struct setting *s)
{
	return (s->at & SETTING_LIVE) != 0;
}

/* Ends with a row whose section is NULL. */
extern const struct setting settings[];

/* Where a setting's value comes from, by its row. */
struct setting_source {
	const char *text;  /* as written */
	const char *file;  /* of a secret that is a file's content */
	const char *where; /* "file:line", the variable's name; NULL: its default */
};

/* All that was read at once. */
struct settings_read {
	struct config values;
	struct setting_source *sources; /* by row */
	struct arena *memory;
	struct settings_read *before; /* that it took the place of: somebody may still look there */
};

/* As config_load says of path; all that is wrong goes to say, and then there is none: NULL. */
struct settings_read *settings_read(const char *path, FILE *say);
void settings_forget(struct settings_read *r);

/* Checks text and puts it into c.  On a bad one returns false and *ret_why, which may be in the arena. */
bool setting_set(struct arena *a, const struct setting *s, const char *text, struct config *c, const char **ret_why);

/* Hands over every line of an INI file that can be read; false where one couldn't, of which each is said. */
typedef void config_line_fn(void *closure, const char *where, const char *section, const char *key, const char *value);
bool config_read_ini(struct arena *a, const char *path, FILE *say, config_line_fn *each, void *closure);

#endif
