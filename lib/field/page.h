/* page.h - which part of a list is asked for: keyset paging, so that a page costs the same wherever it is. */
#ifndef FIELD_PAGE_H
#define FIELD_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX 500

/*
 * For the statement of a page, `select * from (…` PAGE_BOUND `) page order by … limit $n`: one more than a page may have, since a row more tells whether
 * others follow.  PostgreSQL takes a limit that it doesn't know for a tenth of all there is, and so would plan anew for each page to
 * see that it is less; with this it plans once.
 */
#define PAGE_BOUND " limit " PAGE_TEXT(PAGE_LIMIT_MAX) " + 1"
#define PAGE_TEXT(number) PAGE_TEXT_OF(number)
#define PAGE_TEXT_OF(number) #number

struct page {
	bool asked;	   /* false where neither limit nor cursor was given */
	int64_t limit;	   /* 1 to PAGE_LIMIT_MAX */
	const char *after; /* key of the last thing of the page before; NULL: from the start.  It comes from outside: check it */
};

#endif
