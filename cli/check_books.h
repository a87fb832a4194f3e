/* check_books.h - the part of `medicore check` that proves billing's books, for check.c. */
#ifndef CLI_CHECK_BOOKS_H
#define CLI_CHECK_BOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/check_books_store.h"

struct books {
	int64_t invoices;
	int64_t unnumbered; /* issued ones that the relay will number: nothing wrong */
	int64_t wrong[BOOKS_PARTS];
	struct books_finding named[BOOKS_PARTS][BOOKS_NAMED_MAX]; /* the first ones, in the arena */
};

/* Reads them through, a range after the other at flat memory; what is found lives in a, which is not cx's. */
enum rc books_check(struct ctx *cx, struct arena *a, struct books *ret_books);

bool books_right(const struct books *books);

/* On standard output: lines; members of a JSON object, a comma before them. */
void books_tell(const struct books *books);
void books_tell_json(const struct books *books);

#endif
