/*
 * zone.c - a zone's file, as RFC 8536 has it.  libc's own reader knows one zone per process, by a variable of the
 * environment that threads can't change safely.
 */
#include "lib/base/zone.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/dates.h"

#define ZONES "/usr/share/zoneinfo/"
#define NAME_MAX_LENGTH 64
#define FILE_MAX ((size_t)64 * 1024) /* the longest is 4 KB */
#define HEAD_SIZE 44
#define TYPE_SIZE 6
#define SECOND_US INT64_C(1000000)
#define DAY_S 86400

struct zone {
	struct zone *next;
	char name[NAME_MAX_LENGTH + 1];
	size_t count;      /* of changes */
	int64_t *changes;  /* instants, ascending … */
	int32_t *offsets;  /* … each with what holds from it on */
	int32_t first;     /* what held before */
	bool ruled;        /* after the last change the rule holds */
	struct zone_rule rule;
};

/* What a process has read.  Only ever added to, at its head, so that nobody needs a lock to read it. */
static struct zone *_Atomic zones;

/* --- the file --- */

struct counts {
	uint32_t utc, standard, leap, time, type, name;
};

static uint32_t
big32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t
big64(const unsigned char *p)
{
	return (int64_t)((uint64_t)big32(p) << 32 | big32(p + 4));
}

/* A header at p, of which size bytes are left; sets how long the data behind it is with times of width bytes. */
static bool
read_head(const unsigned char *p, size_t size, size_t width, struct counts *ret, size_t *ret_data)
{
	struct counts c;

	if (size < HEAD_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	c = (struct counts){ big32(p + 20), big32(p + 24), big32(p + 28), big32(p + 32), big32(p + 36), big32(p + 40) };
	/* None can be larger than the file; so no product below overflows. */
	if (c.utc > FILE_MAX || c.standard > FILE_MAX || c.leap > FILE_MAX || c.time > FILE_MAX || c.type > 256 ||
	    c.type == 0 || c.name > FILE_MAX)
		return false;
	*ret_data = c.time * (width + 1) + c.type * TYPE_SIZE + c.name + c.leap * (width + 4) + c.standard + c.utc;
	*ret = c;
	return *ret_data <= size - HEAD_SIZE;
}

static bool
read_changes(struct zone *zone, const unsigned char *times, const struct counts *c)
{
	const unsigned char *index = times + (size_t)c->time * 8, *types = index + c->time;

	zone->count = c->time;
	zone->changes = calloc(zone->count + 1, sizeof(*zone->changes));
	zone->offsets = calloc(zone->count + 1, sizeof(*zone->offsets));
	if (zone->changes == NULL || zone->offsets == NULL)
		return false;
	zone->first = (int32_t)big32(types);
	for (size_t i = 0; i < zone->count; i++) {
		zone->changes[i] = big64(times + 8 * i);
		if (index[i] >= c->type || (i > 0 && zone->changes[i] <= zone->changes[i - 1]))
			return false;
		zone->offsets[i] = (int32_t)big32(types + (size_t)index[i] * TYPE_SIZE);
	}
	return true;
}

/* The line at the end: empty where nothing is known of later times. */
static bool
read_foot(struct zone *zone, const unsigned char *p, size_t size)
{
	char rule[128];

	if (size < 2 || size - 2 >= sizeof(rule) || p[0] != '\n' || p[size - 1] != '\n')
		return false;
	memcpy(rule, p + 1, size - 2);
	rule[size - 2] = '\0';
	zone->ruled = *rule != '\0';
	return !zone->ruled || zone_rule_parse(rule, &zone->rule);
}

static bool
read_zone(struct zone *zone, const unsigned char *bytes, size_t size)
{
	struct counts c;
	size_t at, data;

	/* First the same with times of 4 bytes, for programs of another century. */
	if (!read_head(bytes, size, 4, &c, &data))
		return false;
	at = HEAD_SIZE + data;
	if (!read_head(bytes + at, size - at, 8, &c, &data) || !read_changes(zone, bytes + at + HEAD_SIZE, &c))
		return false;
	at += HEAD_SIZE + data;
	return read_foot(zone, bytes + at, size - at);
}

/* IANA's names begin with a capital and have no dot, so that none leads out of the directory. */
static bool
name_sound(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");

	return n > 0 && n <= NAME_MAX_LENGTH && name[n] == '\0' && name[0] >= 'A' && name[0] <= 'Z';
}

static bool
load(struct zone *zone)
{
	char path[sizeof(ZONES) + NAME_MAX_LENGTH];
	unsigned char *bytes = malloc(FILE_MAX);
	bool found = false;
	FILE *file;
	size_t size;

	snprintf(path, sizeof(path), ZONES "%s", zone->name);
	file = fopen(path, "re");
	if (file != NULL && bytes != NULL) {
		size = fread(bytes, 1, FILE_MAX, file);
		found = size < FILE_MAX && !ferror(file) && read_zone(zone, bytes, size);
	}
	if (file != NULL)
		fclose(file);
	free(bytes);
	return found;
}

/* --- what was read --- */

static void
drop(struct zone *zone)
{
	free(zone->changes);
	free(zone->offsets);
	free(zone);
}

static const struct zone *
find(const char *name, struct zone *from)
{
	for (struct zone *zone = from; zone != NULL; zone = zone->next)
		if (strcmp(zone->name, name) == 0)
			return zone;
	return NULL;
}

static const struct zone *
get(const char *name)
{
	struct zone *head = atomic_load(&zones), *zone;
	const struct zone *known = find(name, head);

	if (known != NULL || !name_sound(name))
		return known;
	zone = calloc(1, sizeof(*zone));
	if (zone == NULL)
		return NULL;
	memcpy(zone->name, name, strlen(name));
	if (!load(zone)) {
		/* Not remembered: names come from outside too, and there are more wrong ones than there is memory. */
		drop(zone);
		return NULL;
	}
	do
		zone->next = head;
	while (!atomic_compare_exchange_weak(&zones, &head, zone));
	return zone;
}

bool
zone_offset(const char *name, int64_t at, int32_t *ret_offset)
{
	const struct zone *zone = get(name);
	size_t low = 0, high;

	if (zone == NULL) {
		*ret_offset = 0;
		return strcmp(name, "UTC") == 0; /* which needs no file */
	}
	high = zone->count;
	while (low < high) { /* the number of changes up to at */
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->count && zone->ruled)
		*ret_offset = zone_rule_offset(&zone->rule, at);
	else
		*ret_offset = low == 0 ? zone->first : zone->offsets[low - 1];
	return true;
}

bool
zone_date(const char *name, int64_t us, char ret_date[DATE_SIZE])
{
	int64_t seconds = us / SECOND_US - (us % SECOND_US < 0);
	int32_t offset;

	if (!zone_offset(name, seconds, &offset))
		return false;
	seconds += offset;
	return date_add_days("1970-01-01", seconds / DAY_S - (seconds % DAY_S < 0), ret_date);
}
