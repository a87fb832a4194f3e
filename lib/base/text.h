/* text.h - UTF-8 as RFC 3629 has it, and growing buffers. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/arena.h"

/* True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF, and no NUL, which
 * PostgreSQL and C strings would cut at. */
bool utf8_valid(const char *s, size_t length);

size_t utf8_length(const char *s); /* code points of valid UTF-8 */

bool text_blank(const char *s); /* nothing but white space (Unicode's White_Space) */

/* What a program is called for short, *ret_length bytes of its name: "patient" of medicore-patient.fcgi. */
const char *program_short_name(const char *program, size_t *ret_length);

/* Bytes appended one after the other, in an arena; always NUL-terminated.  Starts as { .arena = a }. */
struct buf {
	struct arena *arena;
	char *bytes; /* NULL while nothing was appended */
	size_t length;
	size_t capacity;
};

void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_add_text(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* s as a JSON string with its quotes (RFC 8259, section 7); s is valid UTF-8. */
void buf_add_json(struct buf *b, const char *s);

#endif
