#include <string.h>

#include "lib/pg/pg.h"

/* Whether text needs no quotes, as an id or a number doesn't; the server reads those sooner. */
static bool
plain(const char *text, size_t *ret_length)
{
	size_t n = 0;

	while ((text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f') || text[n] == '-')
		n++;
	*ret_length = n;
	return n > 0 && text[n] == '\0';
}

/* PostgreSQL's manual, 8.15.2: inside double quotes only these two need a backslash. */
void
pg_array_add(struct pg_array *array, const char *text)
{
	struct buf *b = &array->buf;
	size_t length;

	buf_add_char(b, array->count++ == 0 ? '{' : ',');
	if (text == NULL) {
		buf_add_text(b, "NULL");
		return;
	}
	if (plain(text, &length)) {
		buf_add(b, text, length);
		return;
	}
	buf_add_char(b, '"');
	for (size_t n = strcspn(text, "\"\\");; n = 1 + strcspn(text + 1, "\"\\")) {
		buf_add(b, text, n);
		text += n;
		if (*text == '\0')
			break;
		buf_add_char(b, '\\');
	}
	buf_add_char(b, '"');
}

const char *
pg_array_end(struct pg_array *array)
{
	if (array->count == 0)
		buf_add_char(&array->buf, '{');
	buf_add_char(&array->buf, '}');
	return array->buf.bytes;
}
