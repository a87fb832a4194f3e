/* ended.h - logins that were ended while tokens of theirs are still good. */
#ifndef TOKEN_ENDED_H
#define TOKEN_ENDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ended_row;

/* Starts zeroed. */
struct ended {
	struct ended_row *rows; /* an open hash */
	size_t count, capacity;
};

/* session is a UUID; it is forgotten some time after until_s.  False where there are too many (131,072). */
bool ended_add(struct ended *e, const char *session, int64_t until_s, int64_t now_s);
bool ended_has(const struct ended *e, const char *session);
void ended_release(struct ended *e);

#endif
