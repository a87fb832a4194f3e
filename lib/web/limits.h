/* limits.h - how often each client asks, counted for all processes of a program in one small mapping. */
#ifndef WEB_LIMITS_H
#define WEB_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits;

/* What a client may still do. */
struct limit {
	int quota;        /* requests a minute, all of which may come at once; 0: any number */
	int remaining;    /* of them, now */
	int64_t reset_us; /* until all are there again */
	int64_t wait_us;  /* until one is, where none remains */
};

/*
 * The counts of that program, in a file of its own in directory, which all its processes map.  Where directory is empty, or can't be
 * used (*ret_why says so, else it is NULL), the process counts for itself.  Whatever a file of that name held before does no harm: one
 * that isn't ours gives way to a new one, and a count that makes no sense is none.
 */
struct limits *limits_open(const char *directory, const char *program, const char **ret_why);
void limits_close(struct limits *limits); /* NULL is fine */

/*
 * Counts a request of the client that key names (any bytes) against its rate, at least 1 and at most a million a minute; false where
 * it comes too early, which does not count.  now_us only grows, and is the same clock for all processes.  By any number of threads at
 * once, none of which ever waits for another.
 */
bool limits_take(
    struct limits *limits, const void *key, size_t length, int per_minute, int64_t now_us, struct limit *ret);

#endif
