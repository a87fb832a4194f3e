/* counts.c - the text of a file of counts, which another program's user wrote: what is taken stays within the file's values, and can't end the
 * line or the label that it is printed in. */
#include <stdlib.h>
#include <string.h>

#include "lib/metrics/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static void
check_series(const struct read_family *f, const struct read_series *s, size_t values)
{
	bool together = f->kind == KIND_COUNTER || f->kind == KIND_HISTOGRAM;
	size_t width = f->kind == KIND_HISTOGRAM ? f->bound_count + 2 : 1, quotes = 0;

	must(s->first + width <= (together ? values : GAUGES));
	for (const char *c = s->labels; *c != '\0'; c++) {
		must(*c >= ' ' && *c <= '~' && *c != '\\');
		quotes += *c == '"';
	}
	must(quotes % 2 == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct read_file file;
	size_t values;
	char *text;

	if (size > 0) {
		values = data[0];
		text = arena_strndup(a, (const char *)data + 1, size - 1);
		if (parse_text(a, text, size - 1, values, &file))
			for (const struct read_family *f = file.families; f != NULL; f = f->next) {
				must(f->scale > 0 && f->bound_count <= BOUNDS_MAX && strpbrk(f->help, "\\\n") == NULL);
				for (const struct read_series *s = f->series; s != NULL; s = s->next)
					check_series(f, s, values);
			}
	}
	arena_free(a);
	return 0;
}
