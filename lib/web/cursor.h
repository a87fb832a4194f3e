/* cursor.h - the opaque text of a page's key: base64url without padding (RFC 4648, section 5). */
#ifndef WEB_CURSOR_H
#define WEB_CURSOR_H

#include "lib/base/arena.h"

const char *cursor_encode(struct arena *a, const char *key);

/* NULL for what cursor_encode doesn't make. */
const char *cursor_decode(struct arena *a, const char *cursor);

#endif
