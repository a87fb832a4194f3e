/*
 * arena.h - memory that lives as long as one request, call or message.
 *
 * Everything a request allocates goes into its arena and is gone at the reset that ends it; nobody frees
 * single pieces.  Out of memory ends the process (its supervisor starts it again): requests are bounded
 * by the limits on what they may send, so no caller has anything sensible to do about it.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* disposes as arena_reset does; NULL is fine */

/* Ends all that was allocated, last disposer first.  Keeps one block, so that the next request allocates
 * nothing from the system. */
void arena_reset(struct arena *a);

/* Aligned for any type and never NULL.  arena_zalloc's bytes are zero. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
void *arena_zalloc_n(struct arena *a, size_t n, size_t size); /* overflow ends the process */

void *arena_copy(struct arena *a, const void *bytes, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Ties a foreign object (PGresult, json_object, …) to the arena: dispose(object) runs at its reset. */
void arena_defer(struct arena *a, void (*dispose)(void *object), void *object);

size_t arena_used(const struct arena *a); /* bytes handed out since the last reset */

#endif
