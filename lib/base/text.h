/* text.h - UTF-8 as RFC 3629 has it, and growing buffers. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/arena.h"

/* True for well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF, and no NUL, which
 * PostgreSQL and C strings would cut at. */
bool utf8_valid(const char *s, size_t length);

/* Bytes at the beginning of s that are ASCII from ' ' on, neither '"' nor '\\', and so the same in JSON: as a rule all of it. */
size_t text_plain(const char *s, size_t length);

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

/* Where more bytes and the NUL behind them don't fit: makes room. */
void buf_grow(struct buf *b, size_t more);

/* Answers are made of many small pieces, so these are here for the compiler to see. */
static inline void
buf_add(struct buf *b, const void *bytes, size_t length)
{
	if (length >= b->capacity - b->length)
		buf_grow(b, length);
	if (length > 0)
		memcpy(b->bytes + b->length, bytes, length);
	b->length += length;
	b->bytes[b->length] = '\0';
}

static inline void
buf_add_text(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_number(struct buf *b, int64_t n); /* in decimal */
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* s as a JSON string with its quotes (RFC 8259, section 7); s is valid UTF-8. */
void buf_add_json(struct buf *b, const char *s);

#endif
