#include "lib/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGN _Alignof(max_align_t)

struct block {
	struct block *older;
	size_t size; /* of bytes[] */
	size_t used;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
	struct deferred *older;
	void (*dispose)(void *);
	void *object;
};

struct arena {
	struct block *newest;
	struct deferred *deferred;
	size_t used;
};

static _Noreturn void
out_of_memory(void)
{
	fputs("out of memory\n", stderr);
	abort();
}

static struct block *
block_new(size_t size, struct block *older)
{
	struct block *b;

	if (size > SIZE_MAX - sizeof(*b))
		out_of_memory();
	b = malloc(sizeof(*b) + size);
	if (b == NULL)
		out_of_memory();
	b->older = older;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *
arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		out_of_memory();
	a->newest = block_new(BLOCK_SIZE, NULL);
	return a;
}

void
arena_reset(struct arena *a)
{
	struct block *b;

	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;

		a->deferred = d->older;
		d->dispose(d->object);
	}
	/* The oldest block is the one of ordinary size made by arena_new: keep that one. */
	while ((b = a->newest)->older != NULL) {
		a->newest = b->older;
		free(b);
	}
	a->newest->used = 0;
	a->used = 0;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	arena_reset(a);
	free(a->newest);
	free(a);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->newest;
	void *p;

	if (size > SIZE_MAX - ALIGN)
		out_of_memory();
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (size > b->size - b->used)
		b = a->newest = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE, b);
	p = b->bytes + b->used;
	b->used += size;
	a->used += size;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

void *
arena_zalloc_n(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory();
	return arena_zalloc(a, total);
}

void *
arena_copy(struct arena *a, const void *bytes, size_t size)
{
	void *p = arena_alloc(a, size);

	return size == 0 ? p : memcpy(p, bytes, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s == NULL ? NULL : arena_strndup(a, s, strlen(s));
}

/* Written at once where what is left of the newest block is enough, else again once there is room. */
char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	struct block *b = a->newest;
	size_t room = b->size - b->used;
	char *at = (char *)b->bytes + b->used, *s;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(at, room, fmt, ap);
	if (n < 0)
		out_of_memory(); /* no format of ours fails otherwise */
	s = arena_alloc(a, (size_t)n + 1);
	if (s != at)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

void
arena_defer(struct arena *a, void (*dispose)(void *), void *object)
{
	struct deferred *d = arena_alloc(a, sizeof(*d));

	d->dispose = dispose;
	d->object = object;
	d->older = a->deferred;
	a->deferred = d;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
