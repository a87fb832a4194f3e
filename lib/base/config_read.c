/* config_read.c - the file and the environment, read into the table's values; all that is wrong is said, not only the first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/address.h"
#include "lib/base/config_table.h"
#include "lib/base/text.h"

#define PREFIX "MEDICORE__"

extern char **environ;

struct reading {
	struct settings_read *into;
	FILE *say;
	bool failed;
};

static void
complain(struct reading *r, const char *where, const char *section, const char *key, const char *why)
{
	fprintf(r->say, "%s: [%s] %s: %s\n", where, section, key, why);
	r->failed = true;
}

static void
set(struct reading *r, const struct setting *s, const char *where, const char *text)
{
	struct arena *memory = r->into->memory;
	const char *why;

	if (!setting_set(memory, s, text, &r->into->values, &why))
		complain(r, where, s->section, s->key, why);
	r->into->sources[s - settings] =
	    (struct setting_source){ .text = arena_strdup(memory, text), .where = arena_strdup(memory, where) };
}

/* A secret is the file's first line. */
static void
set_from_file(struct reading *r, const struct setting *s, const char *where, const char *path)
{
	char line[1024];
	size_t n;
	FILE *f;

	r->into->sources[s - settings] = (struct setting_source){
		.where = arena_strdup(r->into->memory, where), .file = arena_strdup(r->into->memory, path)
	};
	errno = 0;
	f = fopen(path, "re");
	/* One file of settings serves all programs, but each secret only those that need it: to the others it isn't set. */
	if (f == NULL && errno == EACCES)
		return;
	if (f == NULL || fgets(line, sizeof(line), f) == NULL) {
		fprintf(r->say, "%s: [%s] %s_file: %s: %s\n", where, s->section, s->key, path,
		    f == NULL || errno != 0 ? strerror(errno) : "nothing in it");
		r->failed = true;
		if (f != NULL)
			fclose(f);
		return;
	}
	fclose(f);
	n = strcspn(line, "\r\n");
	if (line[n] == '\0' && n == sizeof(line) - 1) {
		complain(r, where, s->section, s->key, "the file's line is too long");
		return;
	}
	line[n] = '\0';
	set(r, s, where, line);
	r->into->sources[s - settings].file = arena_strdup(r->into->memory, path);
}

/* Whether name is s's key (*ret_file false) or, for a secret, the key of its file. */
static bool
is_key(const struct setting *s, const char *name, bool *ret_file)
{
	size_t n = strlen(s->key);

	if (strncmp(name, s->key, n) != 0)
		return false;
	*ret_file = s->type == S_SECRET && strcmp(name + n, "_file") == 0;
	return name[n] == '\0' || *ret_file;
}

static void
take_line(void *closure, const char *where, const char *section, const char *key, const char *value)
{
	struct reading *r = closure;
	bool known = false, file;

	for (const struct setting *s = settings; s->section != NULL; s++) {
		const char *before = r->into->sources[s - settings].where;

		if (strcmp(section, s->section) != 0)
			continue;
		known = true;
		if (!is_key(s, key, &file))
			continue;
		if (before != NULL)
			complain(r, where, section, key, arena_printf(r->into->memory, "is already set at %s", before));
		else if (file)
			set_from_file(r, s, where, value);
		else
			set(r, s, where, value);
		return;
	}
	complain(r, where, section, key, known ? "no such setting" : "no such section");
}

/* Whether the environment variable name (behind the prefix) is this setting: SECTION__KEY. */
static bool
is_variable(const struct setting *s, const char *name, size_t length, bool *ret_file)
{
	char lower[128], *key;

	if (length >= sizeof(lower))
		return false;
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : '?');
	for (size_t i = 0; i < length; i++)
		if (name[i] == '_')
			lower[i] = '_';
	lower[length] = '\0';
	key = strstr(lower, "__");
	if (key == NULL)
		return false;
	*key = '\0';
	return strcmp(lower, s->section) == 0 && is_key(s, key + 2, ret_file);
}

static void
take_variable(struct reading *r, const char *variable, bool *taken)
{
	const char *name = variable + strlen(PREFIX), *value = strchr(variable, '=');
	const struct setting *s = settings;
	const char *where;
	bool file = false;

	if (value == NULL)
		return;
	where = arena_strndup(r->into->memory, variable, (size_t)(value - variable));
	while (s->section != NULL && !is_variable(s, name, (size_t)(value - name), &file))
		s++;
	if (s->section == NULL) {
		fprintf(r->say, "%s: no such setting\n", where);
		r->failed = true;
	} else if (taken[s - settings]) {
		complain(r, where, s->section, s->key, "the environment sets it twice");
	} else {
		taken[s - settings] = true;
		if (file)
			set_from_file(r, s, where, value + 1);
		else
			set(r, s, where, value + 1);
	}
}

static void
take_environment(struct reading *r, size_t count)
{
	bool *taken = arena_zalloc_n(r->into->memory, count, sizeof(*taken));

	for (char **e = environ; e != NULL && *e != NULL; e++)
		if (strncmp(*e, PREFIX, strlen(PREFIX)) == 0)
			take_variable(r, *e, taken);
}

/* What no row can say by itself. */
static void
check_together(struct reading *r)
{
	const struct config *c = &r->into->values;

	if (strcmp(c->events.transport, "kafka") == 0 && text_blank(c->events.brokers)) {
		fputs("[events] brokers: must not be empty with transport = kafka\n", r->say);
		r->failed = true;
	}
	if (!url_is_private(c->auth.url)) {
		fputs("[auth] url: https:// is needed, or http:// to loopback: what comes from there is believed\n", r->say);
		r->failed = true;
	}
}

static void
set_defaults(struct settings_read *into)
{
	const char *why;

	for (const struct setting *s = settings; s->section != NULL; s++) {
		if (s->initial == NULL)
			continue;
		if (!setting_set(into->memory, s, s->initial, &into->values, &why))
			abort(); /* the table contradicts itself */
		into->sources[s - settings].text = s->initial;
	}
}

static const char *
file_of(const char *path)
{
	static const char installed[] = SYSCONFDIR "/medicore/medicore.conf";

	if (path == NULL)
		path = getenv("MEDICORE_CONFIG");
	if (path != NULL && *path != '\0')
		return path;
	return access(installed, F_OK) == 0 ? installed : NULL;
}

struct settings_read *
settings_read(const char *path, FILE *say)
{
	struct arena *memory = arena_new();
	struct reading r = { .into = arena_zalloc_n(memory, 1, sizeof(*r.into)), .say = say };
	size_t count = 0;

	while (settings[count].section != NULL)
		count++;
	r.into->memory = memory;
	r.into->sources = arena_zalloc_n(memory, count, sizeof(*r.into->sources));
	set_defaults(r.into);
	path = file_of(path);
	if (path != NULL && !config_read_ini(memory, path, say, take_line, &r))
		r.failed = true;
	take_environment(&r, count);
	check_together(&r);
	if (!r.failed)
		return r.into;
	arena_free(memory);
	return NULL;
}

void
settings_forget(struct settings_read *r)
{
	while (r != NULL) {
		struct settings_read *before = r->before;

		arena_free(r->memory);
		r = before;
	}
}
