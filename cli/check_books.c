/*
 * check_books.c - do lines, invoices, payments, numbers and patients' credit say what the ledger says?
 *
 * Each statement compares in one snapshot, so that billing may go on meanwhile.
 */
#include "cli/check_books.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/uuid.h"

#define INVOICES_AT_ONCE 10000
#define NUMBERS_AT_ONCE 50000
#define PATIENTS_AT_ONCE 1000

static const char *const part_names[] = {
	[BOOKS_POSTINGS] = "postings",
	[BOOKS_INVOICES] = "invoices",
	[BOOKS_LINES] = "lines",
	[BOOKS_PAYMENTS] = "payments",
	[BOOKS_NUMBERS] = "numbers",
	[BOOKS_GAPS] = "gaps",
	[BOOKS_CREDIT] = "credit",
};

/* --- reading --- */

static void
note(struct arena *a, struct books *b, enum books_part part, const struct books_finding *found, size_t count)
{
	int64_t before = b->wrong[part];

	if (count == 0)
		return;
	b->wrong[part] += found[0].count;
	for (size_t i = 0; i < count && before + (int64_t)i < BOOKS_NAMED_MAX; i++)
		b->named[part][before + (int64_t)i] = (struct books_finding){
			.id = arena_strdup(a, found[i].id == NULL ? "" : found[i].id),
			.why = arena_strdup(a, found[i].why),
		};
}

static enum rc
check_range(struct ctx *cx, struct arena *a, const struct books_range *range, struct books *b)
{
	struct books_finding *found;
	enum rc rc = RC_OK;
	size_t count;

	for (enum books_part part = BOOKS_POSTINGS; rc == RC_OK && part <= BOOKS_NUMBERS; part++) {
		rc = books_store_look(cx, part, range, &found, &count);
		if (rc == RC_OK)
			note(a, b, part, found, count);
	}
	b->invoices += range->invoices;
	b->unnumbered += range->unnumbered;
	return rc;
}

static enum rc
check_invoices(struct ctx *cx, struct arena *a, struct books *b)
{
	char after[UUID_SIZE] = "";
	struct books_range range;
	enum rc rc;

	while ((rc = books_store_range(cx, after, INVOICES_AT_ONCE, &range)) == RC_OK) {
		rc = check_range(cx, a, &range, b);
		if (rc != RC_OK)
			return rc;
		snprintf(after, sizeof(after), "%s", range.last);
		arena_reset(cx->arena);
	}
	if (rc == RC_NOT_FOUND)
		err_clear(cx);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc
check_gaps(struct ctx *cx, struct arena *a, struct books *b)
{
	struct books_series *series;
	struct books_finding *found;
	size_t count, gaps;
	enum rc rc = books_store_series(cx, &series, &count);

	for (size_t i = 0; rc == RC_OK && i < count; i++)
		for (int64_t n = 1; rc == RC_OK && n <= series[i].last; n += NUMBERS_AT_ONCE) {
			rc = books_store_gaps(cx, &series[i], n, NUMBERS_AT_ONCE, &found, &gaps);
			if (rc == RC_OK)
				note(a, b, BOOKS_GAPS, found, gaps);
		}
	return rc;
}

static enum rc
check_credit(struct ctx *cx, struct arena *a, struct books *b)
{
	char after[UUID_SIZE] = "";
	struct books_finding *found;
	struct books_range range;
	size_t count;
	enum rc rc;

	while ((rc = books_store_patients(cx, after, PATIENTS_AT_ONCE, &range)) == RC_OK) {
		rc = books_store_credit(cx, &range, &found, &count);
		if (rc != RC_OK)
			return rc;
		note(a, b, BOOKS_CREDIT, found, count);
		snprintf(after, sizeof(after), "%s", range.last);
		arena_reset(cx->arena);
	}
	if (rc == RC_NOT_FOUND)
		err_clear(cx);
	return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc
books_check(struct ctx *cx, struct arena *a, struct books *ret_books)
{
	struct arena *before = cx->arena;
	enum rc rc;

	*ret_books = (struct books){ 0 };
	cx->arena = arena_new();
	rc = check_invoices(cx, a, ret_books);
	if (rc == RC_OK)
		rc = check_gaps(cx, a, ret_books);
	if (rc == RC_OK)
		rc = check_credit(cx, a, ret_books);
	if (cx->err.detail != NULL) /* outlives the arena that it is in */
		cx->err.detail = arena_strdup(a, cx->err.detail);
	arena_free(cx->arena);
	cx->arena = before;
	return rc;
}

/* --- telling --- */

bool
books_right(const struct books *books)
{
	for (enum books_part part = 0; part < BOOKS_PARTS; part++)
		if (books->wrong[part] > 0)
			return false;
	return true;
}

void
books_tell(const struct books *books)
{
	printf("books of %" PRId64 " invoices, %" PRId64 " not numbered yet: wrong", books->invoices,
	    books->unnumbered);
	for (enum books_part part = 0; part < BOOKS_PARTS; part++)
		printf("%s %s %" PRId64, part == 0 ? "" : ",", part_names[part], books->wrong[part]);
	puts("");
	for (enum books_part part = 0; part < BOOKS_PARTS; part++) {
		for (int64_t i = 0; i < books->wrong[part] && i < BOOKS_NAMED_MAX; i++)
			printf("wrong: %s: %s: %s\n", part_names[part], books->named[part][i].id,
			    books->named[part][i].why);
		if (books->wrong[part] > BOOKS_NAMED_MAX)
			printf("wrong: %s: %" PRId64 " more\n", part_names[part],
			    books->wrong[part] - BOOKS_NAMED_MAX);
	}
}

void
books_tell_json(const struct books *books)
{
	struct buf b = { .arena = arena_new() };
	bool first = true;

	buf_addf(&b, ",\"books\":{\"invoices\":%" PRId64 ",\"unnumbered\":%" PRId64 ",\"wrong\":{",
	    books->invoices, books->unnumbered);
	for (enum books_part part = 0; part < BOOKS_PARTS; part++)
		buf_addf(&b, "%s\"%s\":%" PRId64, part == 0 ? "" : ",", part_names[part], books->wrong[part]);
	buf_add_text(&b, "},\"named\":[");
	for (enum books_part part = 0; part < BOOKS_PARTS; part++)
		for (int64_t i = 0; i < books->wrong[part] && i < BOOKS_NAMED_MAX; i++) {
			buf_addf(&b, "%s{\"part\":\"%s\",\"id\":", first ? "" : ",", part_names[part]);
			buf_add_json(&b, books->named[part][i].id);
			buf_add_text(&b, ",\"why\":");
			buf_add_json(&b, books->named[part][i].why);
			buf_add_char(&b, '}');
			first = false;
		}
	buf_add_text(&b, "]}");
	fwrite(b.bytes, 1, b.length, stdout);
	arena_free(b.arena);
}
