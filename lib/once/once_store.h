/* once_store.h - the table kept_answer, the same in each domain's database; for once.c alone. */
#ifndef ONCE_ONCE_STORE_H
#define ONCE_ONCE_STORE_H

#include "lib/once/once.h"

/* Takes the key in the open transaction, after waiting for another that has taken it and not ended yet, at most
 * once->wait_ms: RC_CONFLICT then.  *ret_taken is false where it was taken before. */
enum rc once_store_take(struct ctx *cx, const struct once *once, bool *ret_taken);

/* What the key was taken for, and the answer.  RC_NOT_FOUND where nobody has taken it. */
enum rc once_store_find(struct ctx *cx, const struct once *once, struct once *ret_kept);

enum rc once_store_answer(struct ctx *cx, const struct once *once);

/* About max of the oldest; *ret_purged is 0 where none is past keeping. */
enum rc once_store_purge(struct ctx *cx, int64_t keep_s, int64_t max, int64_t *ret_purged);

#endif
