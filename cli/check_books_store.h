/* check_books_store.h - the SQL of `medicore check` about the books, for check_books.c; a restore tells the series. */
#ifndef CLI_CHECK_BOOKS_STORE_H
#define CLI_CHECK_BOOKS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/ctx.h"

#define BOOKS_NAMED_MAX 20 /* findings that a statement names; it counts them all */

enum books_part {
	BOOKS_POSTINGS, /* their entries add up to zero, and are of one invoice, patient and currency */
	BOOKS_INVOICES, /* amounts and state are what the entries say */
	BOOKS_LINES,    /* they add up to the invoice */
	BOOKS_PAYMENTS, /* amounts and state are what the entries, refunds and credit notes say */
	BOOKS_NUMBERS,  /* none twice, none beyond its series */
	BOOKS_GAPS,     /* none missing */
	BOOKS_CREDIT,   /* what patients have is what the entries say */
	BOOKS_PARTS
};

struct books_finding {
	const char *id;  /* of an invoice, posting, payment or patient; a number */
	const char *why; /* what is wrong with it */
	int64_t count;   /* of all findings of this question */
};

/* Invoices are asked for in ranges of their ids, (after, last], so that no statement takes longer than another. */
struct books_range {
	const char *after, *last;
	int64_t invoices, unnumbered;
};

/* The range of at most max invoices behind after ("" for the first).  RC_NOT_FOUND: there are none. */
enum rc books_store_range(struct ctx *cx, const char *after, int64_t max, struct books_range *ret_range);

/* Of postings to numbers: what is wrong in this range. */
enum rc books_store_look(struct ctx *cx, enum books_part part, const struct books_range *range,
    struct books_finding **ret_findings, size_t *ret_count);

/* The last number that each of billing's series gave. */
struct books_series {
	const char *series;
	int64_t year;
	int64_t last;
};

enum rc books_store_series(struct ctx *cx, struct books_series **ret_series, size_t *ret_count);

/* Numbers of the series from first, at most max of them, that no invoice has. */
enum rc books_store_gaps(struct ctx *cx, const struct books_series *series, int64_t first, int64_t max,
    struct books_finding **ret_findings, size_t *ret_count);

/* The range of at most max patients with credit behind after. */
enum rc books_store_patients(struct ctx *cx, const char *after, int64_t max, struct books_range *ret_range);
enum rc books_store_credit(
    struct ctx *cx, const struct books_range *range, struct books_finding **ret_findings, size_t *ret_count);

#endif
