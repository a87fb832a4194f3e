/*
 * metrics.c - counting: a row's place in the mapping is looked up once, when the table is opened; from then on counting is an addition.
 *
 * A process is known to live by a lock on a byte of the file, which the kernel takes away with it: process ids could not be looked at from
 * inside a sandbox that hides others', and come again.
 */
#include "config.h" /* _GNU_SOURCE: F_OFD_SETLK */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mapping.h"
#include "lib/metrics/table.h"

/* Our group reads it. */
#define MODE 0640

struct series {
	struct series *next;
	const char *labels;
	bool shown;
};

/* What is to be counted, until it is opened. */
static struct {
	struct arena *memory; /* NULL: no table was begun */
	unsigned groups;
	struct series *first[M_COUNT], **last[M_COUNT];
} planned;

/* Where a row's values are; zeroed, it takes nothing. */
struct place {
	unsigned count; /* series */
	unsigned width; /* values of each */
	_Atomic uint64_t *values;
	_Atomic int64_t *gauges;
};

static struct place places[M_COUNT];
static struct file_header *mapped;
static size_t mapped_size;
static int mapped_fd = -1; /* holds the lock that says that we live */

/* --- what there is to count --- */

void
metrics_begin(unsigned groups)
{
	metrics_close();
	planned.memory = arena_new();
	planned.groups = groups;
	for (enum metric m = 0; m < M_COUNT; m++) {
		planned.first[m] = NULL;
		planned.last[m] = &planned.first[m];
	}
}

void
metrics_series(enum metric m, const char *labels, bool shown)
{
	struct series *s = arena_alloc(planned.memory, sizeof(*s));

	*s = (struct series){ .labels = arena_strdup(planned.memory, labels), .shown = shown };
	*planned.last[m] = s;
	planned.last[m] = &s->next;
}

static void
plan_choices(enum metric m)
{
	const struct metric_row *row = &metric_rows[m];

	for (const char *const *choice = row->choices; choice != NULL && *choice != NULL; choice++)
		metrics_series(m,
		    row->label == NULL ? "-" : arena_printf(planned.memory, "%s=\"%s\"", row->label, *choice),
		    row->kind != KIND_HISTOGRAM && !row->sparse);
}

/* By all processes in one place. */
static bool
kept_together(enum metric m)
{
	return metric_rows[m].kind == KIND_COUNTER || metric_rows[m].kind == KIND_HISTOGRAM;
}

static unsigned
bounds_of(const struct metric_row *row)
{
	unsigned n = 0;

	while (row->bounds != NULL && row->bounds[n] != 0)
		n++;
	return n;
}

static void
describe(struct buf *text, const struct metric_row *row, const struct series *series)
{
	buf_addf(text, "F\t%s\t%c\t%lld\t", row->name, row->kind, (long long)row->scale);
	for (unsigned i = 0; i < bounds_of(row); i++)
		buf_addf(text, "%s%lld", i == 0 ? "" : ",", (long long)row->bounds[i]);
	buf_addf(text, "%s\t%s\n", row->bounds == NULL ? "-" : "", row->help);
	for (; series != NULL; series = series->next)
		buf_addf(text, "S\t%d\t%s\n", series->shown, series->labels);
}

/* The text, and where each row will be: first of its values, or of its gauges. */
static unsigned
plan(struct buf *text, struct place ret_places[M_COUNT], unsigned ret_first[M_COUNT])
{
	unsigned values = 0, gauges = 0;

	buf_addf(text, "V\t%s\n", PACKAGE_VERSION);
	for (enum metric m = 0; m < M_COUNT; m++) {
		const struct metric_row *row = &metric_rows[m];
		bool shared = kept_together(m);
		struct place *p = &ret_places[m];

		*p = (struct place){ .width = row->kind == KIND_HISTOGRAM ? bounds_of(row) + 2 : 1 };
		if ((row->group & planned.groups) == 0)
			continue;
		plan_choices(m);
		for (const struct series *s = planned.first[m]; s != NULL; s = s->next)
			p->count++;
		ret_first[m] = shared ? values : gauges;
		*(shared ? &values : &gauges) += p->count * p->width;
		describe(text, row, planned.first[m]);
	}
	if (values > VALUES_MAX || gauges > GAUGES || text->length > TEXT_MAX)
		abort(); /* one of our programs counts more than a file takes */
	return values;
}

/* --- opening --- */

struct layout {
	struct buf text;
	unsigned values;
};

static void
fill(void *at, const void *closure)
{
	const struct layout *layout = closure;
	struct file_header *h = at;

	h->value_count = layout->values;
	h->text_length = (uint32_t)layout->text.length;
	h->text_hash = layout_hash(layout->text.bytes, layout->text.length);
	memcpy((char *)(h->values + layout->values), layout->text.bytes, layout->text.length);
	memcpy(h->magic, MAGIC, sizeof(h->magic));
}

static bool
same(const void *at, const void *closure)
{
	const struct layout *layout = closure;
	const struct file_header *h = at;
	size_t length = layout->text.length;

	return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 && h->value_count == layout->values && h->text_length == length &&
	       h->text_hash == layout_hash(layout->text.bytes, length) &&
	       memcmp(h->values + layout->values, layout->text.bytes, length) == 0;
}

static bool
lock(int fd, int n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* Which of the processes we are; without a file the only one, beyond PROCESSES none. */
static struct process *
claim(void)
{
	struct process *process = mapped->processes;
	int n = 0;

	while (mapped_fd >= 0 && n < PROCESSES && !lock(mapped_fd, n))
		n++;
	if (n == PROCESSES)
		return NULL;
	process += n;
	for (size_t i = 0; i < GAUGES; i++)
		atomic_store_explicit(&process->gauges[i], UNSET, memory_order_relaxed);
	atomic_store_explicit(&process->started_us, clock_now_us(), memory_order_relaxed);
	return process;
}

/* Where rows are in the mapping; gauges of a process that isn't seen are nowhere. */
static void
place_rows(struct place found[M_COUNT], const unsigned first[M_COUNT], struct process *process)
{
	for (enum metric m = 0; m < M_COUNT; m++) {
		if (kept_together(m))
			found[m].values = mapped->values + first[m];
		else if (process != NULL)
			found[m].gauges = process->gauges + first[m];
		else
			found[m].count = 0;
		places[m] = found[m];
	}
}

void
metrics_open(const char *directory, const char *program, log_fn *say)
{
	struct layout layout = { .text = { .arena = planned.memory } };
	struct place found[M_COUNT];
	unsigned first[M_COUNT] = { 0 };
	struct mapping mapping;
	const char *name, *why;
	size_t length;

	name = program_short_name(program, &length);
	layout.values = plan(&layout.text, found, first);
	mapped_size = layout_size(layout.values, layout.text.length);
	mapping = (struct mapping){
		.directory = directory,
		.name = arena_printf(planned.memory, "%.*s" FILE_SUFFIX, (int)length, name),
		.mode = MODE,
		.size = mapped_size,
		.closure = &layout,
		.same = same,
		.fill = fill,
	};
	mapped = mapping_open(&mapping, &mapped_fd, &why);
	if (why != NULL)
		say(LOG_WARNING, "[metrics] directory %s: %s; nobody sees what this process counts", directory, why);
	place_rows(found, first, claim());
	atomic_fetch_add_explicit(&mapped->starts, 1, memory_order_relaxed);
	arena_free(planned.memory);
	planned.memory = NULL;
}

void
metrics_close(void)
{
	memset(places, 0, sizeof(places));
	arena_free(planned.memory);
	planned.memory = NULL;
	mapping_close(mapped, mapped_size);
	mapped = NULL;
	if (mapped_fd >= 0)
		close(mapped_fd);
	mapped_fd = -1;
}

/* --- counting --- */

static void
add(_Atomic uint64_t *value, uint64_t n)
{
	atomic_fetch_add_explicit(value, n, memory_order_relaxed);
}

void
metrics_add(enum metric m, unsigned which, uint64_t n)
{
	const struct place *p = &places[m];

	if (which < p->count)
		add(&p->values[which], n);
}

void
metrics_observe(enum metric m, unsigned which, int64_t value)
{
	const struct place *p = &places[m];
	const int64_t *bounds = metric_rows[m].bounds;
	_Atomic uint64_t *values;
	unsigned i = 0;

	if (which >= p->count)
		return;
	values = p->values + which * p->width;
	while (bounds[i] != 0 && value > bounds[i])
		i++;
	add(&values[i], 1);
	add(&values[p->width - 1], value < 0 ? 0 : (uint64_t)value);
}

void
metrics_set(enum metric m, unsigned which, int64_t value)
{
	const struct place *p = &places[m];

	if (which < p->count)
		atomic_store_explicit(&p->gauges[which], value, memory_order_relaxed);
}

void
metrics_unset(enum metric m, unsigned which)
{
	metrics_set(m, which, UNSET);
}

void
metrics_task_done(enum metric_task task)
{
	metrics_set(M_TASK_SUCCESS, task, clock_now_us());
}

void
metrics_task_failed(enum metric_task task)
{
	metrics_add(M_TASK_FAILURES, task, 1);
}
