#include "cli/csv.h"

#include <string.h>

/* Cells grow by this many at first. */
#define CELLS 16

void
csv_init(struct csv *csv, const char *bytes, size_t length)
{
	bool marked = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;

	*csv = (struct csv){ .bytes = bytes, .length = length, .at = marked ? 3 : 0, .line = 1 };
}

/* Whether a line ends at this place; *ret_length is how many bytes that takes. */
static bool
line_end(const struct csv *csv, size_t at, size_t *ret_length)
{
	*ret_length = 0;
	if (at == csv->length)
		return true;
	if (csv->bytes[at] == '\r' && at + 1 < csv->length && csv->bytes[at + 1] == '\n')
		*ret_length = 2;
	else if (csv->bytes[at] == '\n')
		*ret_length = 1;
	return *ret_length > 0;
}

static void
add_cell(struct arena *a, struct csv_record *r, const char *text, size_t length)
{
	/* The number of cells is a power of two when the room is used up. */
	if (r->count == 0 || (r->count >= CELLS && (r->count & (r->count - 1)) == 0)) {
		struct csv_cell *more =
		    arena_zalloc_n(a, r->count == 0 ? CELLS : 2 * r->count, sizeof(*more));

		if (r->count > 0)
			memcpy(more, r->cells, r->count * sizeof(*more));
		r->cells = more;
	}
	r->cells[r->count++] = (struct csv_cell){ .text = text, .length = length };
}

/* The field behind an opening quote, up to behind the closing one. */
static const char *
quoted(const struct csv *csv, struct arena *a, size_t *at, struct csv_record *r)
{
	const char *begin = csv->bytes + *at, *end = csv->bytes + csv->length, *p = begin;
	char *text, *to;

	for (;;) {
		p = memchr(p, '"', (size_t)(end - p));
		if (p == NULL)
			return "a quote is opened and never closed";
		if (p + 1 == end || p[1] != '"')
			break;
		p += 2;
	}
	to = text = arena_alloc(a, (size_t)(p - begin) + 1);
	for (const char *from = begin; from < p; from++) {
		*to++ = *from;
		if (*from == '"')
			from++;
	}
	*to = '\0';
	add_cell(a, r, text, (size_t)(to - text));
	*at = (size_t)(p + 1 - csv->bytes);
	return NULL;
}

static const char *
plain(const struct csv *csv, struct arena *a, size_t *at, struct csv_record *r)
{
	size_t begin = *at, end = begin, n;

	while (!line_end(csv, end, &n) && csv->bytes[end] != ',') {
		if (csv->bytes[end] == '"')
			return "a quote inside a field that doesn't begin with one";
		end++;
	}
	add_cell(a, r, arena_strndup(a, csv->bytes + begin, end - begin), end - begin);
	*at = end;
	return NULL;
}

/* Reads the record at *at and leaves *at behind its line end; why not, where it is none. */
static const char *
record(const struct csv *csv, struct arena *a, size_t *at, struct csv_record *r)
{
	const char *wrong;
	size_t n;

	for (;;) {
		if (*at < csv->length && csv->bytes[*at] == '"') {
			++*at;
			wrong = quoted(csv, a, at, r);
		} else {
			wrong = plain(csv, a, at, r);
		}
		if (wrong != NULL)
			return wrong;
		if (line_end(csv, *at, &n)) {
			*at += n;
			return NULL;
		}
		if (csv->bytes[*at] != ',')
			return "a closing quote is followed by neither a comma nor the line's end";
		++*at;
	}
}

static size_t
count_lines(const char *bytes, size_t length)
{
	size_t n = 0;

	for (const char *p = bytes; (p = memchr(p, '\n', length - (size_t)(p - bytes))) != NULL; p++)
		n++;
	return n;
}

bool
csv_next(struct csv *csv, struct arena *a, struct csv_record *ret_record)
{
	struct csv_record r = { 0 };
	const char *newline;
	size_t at, n;

	while (csv->at < csv->length && line_end(csv, csv->at, &n)) {
		csv->at += n;
		csv->line++;
	}
	if (csv->at == csv->length)
		return false;
	at = csv->at;
	r.line = csv->line;
	r.wrong = record(csv, a, &at, &r);
	if (r.wrong != NULL) {
		/* Whatever the line was meant to be, a quote in it must not swallow the lines behind. */
		newline = memchr(csv->bytes + csv->at, '\n', csv->length - csv->at);
		at = newline == NULL ? csv->length : (size_t)(newline + 1 - csv->bytes);
	}
	csv->line += count_lines(csv->bytes + csv->at, at - csv->at);
	csv->at = at;
	*ret_record = r;
	return true;
}
