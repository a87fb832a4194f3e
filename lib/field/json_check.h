/* json_check.h - the gate, first in line for all JSON from outside, and what it saw; for lib/field's own files and lib/token. */
#ifndef FIELD_JSON_CHECK_H
#define FIELD_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/rc.h"

/* What is wrong, with enough to say which member is to blame. */
struct json_fault {
	size_t at;        /* offset of the first bad byte */
	const char *why;  /* constant */
	bool in_value;    /* the syntax is sound so far: a text's content, or a duplicate, is the matter */
	size_t member_at; /* the outermost object's member that it is in: its name between the quotes, … */
	size_t member_length; /* … still escaped; 0: in none */
};

/*
 * RC_OK only for one well-formed RFC 8259 text in valid UTF-8 without NUL (escaped either), lone surrogates,
 * duplicate members or more than 32 levels; else RC_INVALID.
 */
enum rc json_check(const char *json, size_t length, struct json_fault *ret_fault);

enum json_kind { JSON_IS_NULL, JSON_IS_TRUE, JSON_IS_FALSE, JSON_IS_WHOLE, JSON_IS_FRACTION, JSON_IS_TEXT, JSON_IS_LIST, JSON_IS_OBJECT };

/* A value, or a member's name, behind which its value stands; what is in a list or an object comes behind that. */
struct json_token {
	enum json_kind kind; /* JSON_IS_WHOLE: without decimals and exponent, however long */
	uint32_t at, length; /* of a text and a name without the quotes, still escaped; length not of a list or an object */
	uint32_t next;       /* number of the token behind it and all that is in it */
};

/* A text that the gate let through; the first token is all of it. */
struct json {
	const char *text;
	const struct json_token *tokens; /* in the arena */
};

/* As json_check; with RC_OK *ret is what the text consists of. */
enum rc json_parse(
    struct arena *a, const char *json, size_t length, struct json *ret, struct json_fault *ret_fault);

/* --- json_text.c --- */

/* A name or text that the gate let through, without its quotes, as UTF-8. */
char *json_unescape(struct arena *a, const char *raw, size_t length);

/* Below, at or above 0 as strcmp(3), for two such names: "a" and "\u0061" are one. */
int json_text_compare(const char *a, size_t a_length, const char *b, size_t b_length);

int json_hex4(const char *s, size_t left); /* four hexadecimal digits, or -1 */
size_t json_sequence(int lead);            /* bytes of the UTF-8 sequence that begins so, where it is one */

#endif
