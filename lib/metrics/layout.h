/*
 * layout.h - what a file of counts looks like; nobody else includes it.
 *
 *	struct file_header
 *	struct process [PROCESSES]        gauges, each process' own
 *	uint64_t [values]                 counters and histograms, everybody's
 *	text                              what all these are
 *
 * The text has lines of fields parted by tabs:
 *
 *	V  version
 *	F  name  kind  scale  bounds ("-": none, else parted by commas)  help      a family …
 *	S  shown  labels ("-": none)                                               … and its series, in the order of their values
 *
 * So a reader needs to know nothing of a program, and a program's own text says whether a file is of its layout.
 */
#ifndef METRICS_LAYOUT_H
#define METRICS_LAYOUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MAGIC "MCMETR01"

/* Processes of one program that are seen; more count, but have no gauges. */
#define PROCESSES 32

/* Gauges of one process: no program has more. */
#define GAUGES 24

#define VALUES_MAX 65536
#define TEXT_MAX ((size_t)512 * 1024)

/* A gauge that isn't known. */
#define UNSET INT64_MIN

#define FILE_SUFFIX ".metrics"

/* What a family's series hold; the letter stands in the text. */
enum kind {
	KIND_COUNTER = 'c',   /* one value */
	KIND_HISTOGRAM = 'h', /* as many as bounds, one more for what is beyond, and the sum */
	KIND_GAUGE = 'g',     /* of all processes: the sum */
	KIND_MOST = 'm',      /* of all processes: the most, where each counts the same things */
	KIND_AGE = 'a',	      /* instants: how long ago the earliest is */
	KIND_INSTANT = 't',   /* instants: the latest */
};

/* Whoever holds byte n of the file locked (F_OFD_SETLK), and so lives, is process n. */
struct process {
	_Atomic int64_t started_us; /* since 1970 */
	_Atomic int64_t gauges[GAUGES];
};

struct file_header {
	char magic[8];
	uint64_t text_hash; /* FNV-1a */
	uint32_t text_length;
	uint32_t value_count;
	_Atomic uint64_t starts; /* processes that there were */
	struct process processes[PROCESSES];
	_Atomic uint64_t values[];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock would be another one in each process");

static inline uint64_t
layout_hash(const char *text, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static inline size_t
layout_size(size_t values, size_t text)
{
	return sizeof(struct file_header) + values * sizeof(uint64_t) + text;
}

#endif
