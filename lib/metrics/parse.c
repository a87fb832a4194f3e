#include "lib/metrics/parse.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 6
#define NAME_MAX_LENGTH 100

/* More than any program has, and few enough to compare each with all others. */
#define FAMILIES_MAX 100
#define LABELS_MAX 8
#define SCALE_MAX 1000000000

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

struct parser {
	struct arena *arena;
	struct read_file *file;
	struct read_family **last_family;
	struct read_series **last_series; /* NULL: no family yet */
	size_t value_count, values, gauges, families;
};

/* Of printable ASCII without what would need escaping. */
static bool
plain(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~' || *s == '\\')
			return false;
	return true;
}

static bool
consists(const char *s, const char *of, size_t max)
{
	size_t n = strspn(s, of);

	return n > 0 && n <= max && s[n] == '\0';
}

/* A whole number from 1 on, at the beginning of s. */
static bool
number(const char *s, uint64_t max, uint64_t *ret, const char **ret_end)
{
	char *end;

	if (*s < '1' || *s > '9')
		return false;
	*ret = strtoull(s, &end, 10);
	*ret_end = end;
	return end - s <= 18 && *ret <= max;
}

static bool
parse_scale(const char *s, uint64_t *ret)
{
	const char *end;

	return number(s, SCALE_MAX, ret, &end) && *end == '\0' && s[0] == '1' && strspn(s + 1, "0") == strlen(s + 1);
}

/* Each above the one before. */
static bool
parse_bounds(const char *s, struct read_family *f)
{
	uint64_t bound, least = 0;

	if (strcmp(s, "-") == 0)
		return f->kind != KIND_HISTOGRAM;
	for (;;) {
		if (f->bound_count == BOUNDS_MAX || !number(s, UINT64_MAX, &bound, &s) || bound <= least)
			return false;
		f->bounds[f->bound_count++] = least = bound;
		if (*s == '\0')
			return f->kind == KIND_HISTOGRAM;
		if (*s++ != ',')
			return false;
	}
}

/* s is the label's name for length bytes. */
static bool
label_named(const char *s, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(s, name, length) == 0;
}

/* name="value",name="value", each name once and none that the writer adds: Prometheus would refuse the whole page, all programs'. */
static bool
labels_good(const char *s)
{
	struct {
		const char *name;
		size_t length;
	} seen[LABELS_MAX];
	size_t count = 0;

	if (!plain(s))
		return false;
	for (;;) {
		size_t n = strspn(s, LOWER "_");

		if (n == 0 || s[n] != '=' || s[n + 1] != '"' || count == LABELS_MAX || label_named(s, n, "program") || label_named(s, n, "le"))
			return false;
		for (size_t i = 0; i < count; i++)
			if (seen[i].length == n && memcmp(seen[i].name, s, n) == 0)
				return false;
		seen[count].name = s;
		seen[count++].length = n;
		s += n + 2;
		n = strcspn(s, "\"");
		if (s[n] == '\0')
			return false;
		s += n + 1;
		if (*s == '\0')
			return true;
		if (*s++ != ',')
			return false;
	}
}

static bool
kind_known(const char *s, enum kind *ret)
{
	if (strlen(s) != 1 || strchr("chgmat", *s) == NULL)
		return false;
	*ret = (enum kind)*s;
	return true;
}

/* Whether a name of ours means what it does with us: whoever comes first says what kind it is, to the loss of all others.  What the writer makes
 * itself nobody else may, and nobody says the same twice. */
static bool
name_free(const struct parser *p, const struct read_family *family)
{
	static const char *const own[] = { OWN_BUILD_INFO, OWN_PROCESSES, OWN_STARTS, OWN_START_TIME, OWN_UNREADABLE };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(family->name, own[i]) == 0)
			return false;
	for (enum metric m = 0; m < M_COUNT; m++)
		if (strcmp(family->name, metric_rows[m].name) == 0 && family->kind != metric_rows[m].kind)
			return false;
	for (const struct read_family *f = p->file->families; f != NULL; f = f->next)
		if (strcmp(family->name, f->name) == 0)
			return false;
	return true;
}

/* name kind scale bounds help */
static bool
take_family(struct parser *p, char *const *fields)
{
	struct read_family *f = arena_zalloc(p->arena, sizeof(*f));

	f->name = fields[0];
	f->help = fields[4];
	if (!consists(f->name, LOWER "_", NAME_MAX_LENGTH) || strncmp(f->name, "medicore_", 9) != 0 || !plain(f->help) ||
	    !kind_known(fields[1], &f->kind) || !parse_scale(fields[2], &f->scale) || !parse_bounds(fields[3], f) ||
	    p->families++ == FAMILIES_MAX || !name_free(p, f))
		return false;
	*p->last_family = f;
	p->last_family = &f->next;
	p->last_series = &f->series;
	return true;
}

/* shown labels */
static bool
take_series(struct parser *p, const struct read_family *f, char *const *fields)
{
	struct read_series *s = arena_zalloc(p->arena, sizeof(*s));
	bool together = f->kind == KIND_COUNTER || f->kind == KIND_HISTOGRAM;
	size_t *used = together ? &p->values : &p->gauges;

	s->shown = fields[0][0] != '0';
	s->labels = strcmp(fields[1], "-") == 0 ? "" : fields[1];
	s->first = *used;
	*used += f->kind == KIND_HISTOGRAM ? f->bound_count + 2 : 1;
	if ((*s->labels != '\0' && !labels_good(s->labels)) || *used > (together ? p->value_count : GAUGES))
		return false;
	*p->last_series = s;
	p->last_series = &s->next;
	return true;
}

static size_t
split(char *line, char *fields[FIELDS_MAX])
{
	size_t n = 0;
	char *tab;

	for (;;) {
		fields[n++] = line;
		tab = strchr(line, '\t');
		if (tab == NULL || n == FIELDS_MAX)
			return n;
		*tab = '\0';
		line = tab + 1;
	}
}

static bool
take_line(struct parser *p, struct read_family **current, char *line)
{
	char *fields[FIELDS_MAX];
	size_t n = split(line, fields);

	if (strcmp(fields[0], "V") == 0 && n == 2 && p->file->version == NULL) {
		p->file->version = fields[1];
		return consists(fields[1], "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER DIGITS ".~+-", 40);
	}
	if (strcmp(fields[0], "F") == 0 && n == 6) {
		struct read_family **at = p->last_family;
		bool good = take_family(p, fields + 1);

		*current = *at;
		return good;
	}
	return strcmp(fields[0], "S") == 0 && n == 3 && *current != NULL && take_series(p, *current, fields + 1);
}

bool
parse_text(struct arena *a, char *text, size_t length, size_t values, struct read_file *ret)
{
	struct parser p = { .arena = a, .file = ret, .last_family = &ret->families, .value_count = values };
	struct read_family *current = NULL;
	char *line = text, *end;

	*ret = (struct read_file){ 0 };
	if (strlen(text) != length)
		return false;
	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			return false;
		*end = '\0';
		if (!take_line(&p, &current, line))
			return false;
	}
	return ret->version != NULL && p.values == values;
}
