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
	FILE *say;
	int number; /* of the line last handed over */
	bool failed;
	bool skips; /* lines of a section whose name can't be read */
	config_line_fn *each;
	void *closure;
};

static void
complain(struct ini *in, const char *why)
{
	fprintf(in->say, "%s:%d: %s\n", in->path, in->number, why);
	in->failed = true;
}

static bool
is_section(const char *line)
{
	const char *end = strchr(line, ']');

	return end != NULL && end[1 + strspn(end + 1, " \t\r\n")] == '\0';
}

/* What libinih would not take as it stands; NULL: fine. */
static const char *
wrong_with(const char *line, size_t length, size_t room)
{
	size_t blanks;

	if (strlen(line) != length || !utf8_valid(line, length))
		return "not UTF-8 text";
	if (length + 1 > room)
		return "the line is too long; set this one as MEDICORE__SECTION__KEY in the environment";
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0) /* a byte order mark; libinih skips it too */
		line += 3;
	blanks = strspn(line, " \t\r\n");
	if (line[blanks] == '\0' || line[blanks] == '#' || line[blanks] == ';')
		return NULL;
	if (blanks > 0)
		return "a line must not begin with a blank: it would continue the one before";
	if (strstr(line, " ;") != NULL || strstr(line, "\t;") != NULL)
		return "\" ;\" would cut the line: put the comment on a line of its own";
	/* libinih would go on behind a line that it can't read, and what follows would be blamed. */
	if (*line == '[' ? !is_section(line) : strpbrk(line, "=:") == NULL)
		return "neither [section] nor key = value";
	return NULL;
}

/* The next line that libinih can be given. */
static char *
well_line(struct ini *in, size_t room)
{
	const char *why;
	ssize_t n;

	for (;;) {
		n = getline(&in->line, &in->capacity, in->file);
		in->number++;
		if (n < 0) {
			if (ferror(in->file))
				complain(in, strerror(errno));
			return NULL;
		}
		why = wrong_with(in->line, (size_t)n, room);
		if (why != NULL)
			complain(in, why);
		if (*in->line == '[')
			in->skips = why != NULL;
		if (why == NULL && !in->skips)
			return in->line;
	}
}

/* As fgets(3), for libinih. */
static char *
next_line(char *to, int room, void *closure)
{
	const char *line = well_line(closure, (size_t)room);

	if (line == NULL)
		return NULL;
	memcpy(to, line, strlen(line) + 1);
	return to;
}

static int
take(void *closure, const char *section, const char *key, const char *value)
{
	struct ini *in = closure;

	in->each(in->closure, arena_printf(in->arena, "%s:%d", in->path, in->number), section, key, value);
	return 1;
}

bool
config_read_ini(struct arena *a, const char *path, FILE *say, config_line_fn *each, void *closure)
{
	struct ini in = { .arena = a, .path = path, .say = say, .each = each, .closure = closure };
	struct stat st;
	int bad;

	in.file = fopen(path, "re");
	if (in.file == NULL || fstat(fileno(in.file), &st) != 0) {
		fprintf(say, "%s: %s\n", path, strerror(errno));
		if (in.file != NULL)
			fclose(in.file);
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		fprintf(say, "%s: %s\n", path, strerror(EISDIR));
		fclose(in.file);
		return false;
	}
	bad = ini_parse_stream(next_line, &in, take, &in);
	free(in.line);
	fclose(in.file);
	if (bad != 0 && !in.failed) { /* whatever it has against a line that next_line found well */
		in.number = bad;
		complain(&in, "can't be read");
	}
	return !in.failed;
}
