/*
 * config_ini.c - reads an INI file with libinih, and checks first what libinih would do silently: cut a line at 200
 * bytes, cut a value at " ;", join an indented line to the one before, take a directory for an empty file.  It also
 * tells handlers no line number, so the reader counts.
 */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/config_table.h"
#include "lib/base/text.h"

struct ini {
	struct arena *arena;
	const char *path;
	FILE *file;
	char *line; /* getline(3)'s */
	size_t capacity;
	int number; /* of the line last handed over */
	bool failed;
	config_line_fn *each;
	void *closure;
};

static bool
complain(struct ini *in, const char *why)
{
	if (!in->failed)
		fprintf(stderr, "%s:%d: %s\n", in->path, in->number, why);
	in->failed = true;
	return false;
}

/* What libinih would not take as it stands; NULL: fine. */
static const char *
wrong_with(const char *line, size_t length, size_t room)
{
	size_t blanks = strspn(line, " \t\r\n");

	if (strlen(line) != length || !utf8_valid(line, length))
		return "not UTF-8 text";
	if (length + 1 > room)
		return "the line is too long; set this one as MEDICORE__SECTION__KEY in the environment";
	if (line[blanks] == '\0' || line[blanks] == '#' || line[blanks] == ';')
		return NULL;
	if (blanks > 0)
		return "a line must not begin with a blank: it would continue the one before";
	if (strstr(line, " ;") != NULL || strstr(line, "\t;") != NULL)
		return "\" ;\" would cut the line: put the comment on a line of its own";
	return NULL;
}

/* As fgets(3), for libinih. */
static char *
next_line(char *to, int room, void *closure)
{
	struct ini *in = closure;
	const char *why;
	ssize_t n;

	if (in->failed)
		return NULL;
	n = getline(&in->line, &in->capacity, in->file);
	in->number++;
	if (n < 0) {
		if (ferror(in->file))
			complain(in, strerror(errno));
		return NULL;
	}
	why = wrong_with(in->line, (size_t)n, (size_t)room);
	if (why != NULL) {
		complain(in, why);
		return NULL;
	}
	memcpy(to, in->line, (size_t)n + 1);
	return to;
}

static int
take(void *closure, const char *section, const char *key, const char *value)
{
	struct ini *in = closure;
	const char *where;

	if (in->failed)
		return 0;
	where = arena_printf(in->arena, "%s:%d", in->path, in->number);
	in->failed = !in->each(in->closure, where, section, key, value);
	return !in->failed;
}

/* libinih says which line it could not make sense of only when it is done with all of them. */
static bool
parse(struct ini *in)
{
	int bad = ini_parse_stream(next_line, in, take, in);

	if (bad != 0 && !in->failed) {
		in->number = bad;
		complain(in, "neither [section] nor key = value");
	}
	return !in->failed;
}

bool
config_read_ini(struct arena *a, const char *path, config_line_fn *each, void *closure)
{
	struct ini in = { .arena = a, .path = path, .each = each, .closure = closure };
	struct stat st;
	bool ok;

	in.file = fopen(path, "re");
	if (in.file == NULL || fstat(fileno(in.file), &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		if (in.file != NULL)
			fclose(in.file);
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		fprintf(stderr, "%s: %s\n", path, strerror(EISDIR));
		fclose(in.file);
		return false;
	}
	ok = parse(&in);
	free(in.line);
	fclose(in.file);
	return ok;
}
