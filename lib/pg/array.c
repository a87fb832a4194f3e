#include <string.h>

#include "lib/pg/pg.h"

/* PostgreSQL's manual, 8.15.2: inside double quotes only these two need a backslash. */
void
pg_array_add(struct pg_array *array, const char *text)
{
	struct buf *b = &array->buf;

	buf_add_char(b, array->count++ == 0 ? '{' : ',');
	if (text == NULL) {
		buf_add_text(b, "NULL");
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
