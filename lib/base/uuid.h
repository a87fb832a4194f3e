/* uuid.h - RFC 9562 identifiers in their text form: 36 characters, lower case, with hyphens. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define UUID_SIZE 37 /* with the final NUL */

/* A new version 7 one: it begins with the time, so that indexes grow at one end (section 5.7). */
void uuid_new(char ret_id[UUID_SIZE]);

/* Takes exactly 36 characters in either case and any version; false for all else.  ret_id, which may be
 * text itself, gets it in lower case. */
bool uuid_parse(const char *text, size_t length, char ret_id[UUID_SIZE]);

/* The same without what stands around it of spaces and control characters, as the gRPC services always took ids.
 * NULL is none. */
bool uuid_parse_padded(const char *text, char ret_id[UUID_SIZE]);

#endif
