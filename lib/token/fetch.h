/* fetch.h - one GET after the other from auth. */
#ifndef TOKEN_FETCH_H
#define TOKEN_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#define FETCH_MAX ((size_t)1 << 20) /* bytes of an answer */

struct fetch;

/* From [auth] url, with the programs' secret.  Call before threads start; NULL: out of memory. */
struct fetch *fetch_open(void);
void fetch_close(struct fetch *f);

/* NULL and the answer's content, valid until the next call, where it was 200; else why not, valid until the next failure.
 * secret: whether to say who we are.  Takes two seconds at most. */
const char *fetch_get(
    struct fetch *f, const char *path, bool secret, const char **ret_content, size_t *ret_length);

/* From any thread: what is running ends soon, with a failure, and so does all that follows. */
void fetch_stop(struct fetch *f);

#endif
