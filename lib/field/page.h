/* page.h - which part of a list is asked for: keyset paging, so that a page costs the same wherever it is. */
#ifndef FIELD_PAGE_H
#define FIELD_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_LIMIT_DEFAULT 50
#define PAGE_LIMIT_MAX 500

struct page {
	bool asked;	   /* false where neither limit nor cursor was given */
	int64_t limit;	   /* 1 to PAGE_LIMIT_MAX */
	const char *after; /* key of the last thing of the page before; NULL: from the start.  It comes from outside: check it */
};

#endif
