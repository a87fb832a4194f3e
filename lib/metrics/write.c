/*
 * write.c - all programs' files as Prometheus reads them.  Their content is read, never mapped: a file that its owner cuts would end us.
 */
#include "config.h" /* _GNU_SOURCE: F_OFD_GETLK */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/metrics/metrics.h"
#include "lib/metrics/parse.h"

#define PROGRAMS_MAX 64
#define PROGRAM_LENGTH 64

/* One family of all programs: the format wants its samples together. */
struct family {
	struct family *next;
	const char *name, *help;
	const char *type;
	struct buf samples;
};

struct writer {
	struct arena *arena; /* of this writing */
	struct family *families, **last;
	const char *program; /* whose file is read */
	const struct file_header *header;
	bool lives[PROCESSES];
	int64_t now_us;
	unsigned unreadable;
};

static struct family *
family(struct writer *w, const char *name, const char *type, const char *help)
{
	struct family *f = w->families;

	while (f != NULL && strcmp(f->name, name) != 0)
		f = f->next;
	if (f != NULL)
		return f;
	f = arena_zalloc(w->arena, sizeof(*f));
	*f = (struct family){ .name = name, .help = help, .type = type, .samples = { .arena = w->arena } };
	*w->last = f;
	w->last = &f->next;
	return f;
}

/* value / scale, in decimals as far as there are any. */
static void
add_number(struct buf *b, uint64_t value, uint64_t scale)
{
	char digits[24];
	uint64_t rest = value % scale;
	size_t n = 0;

	buf_addf(b, "%llu", (unsigned long long)(value / scale));
	for (; rest != 0; rest = rest * 10 % scale)
		digits[n++] = (char)('0' + rest * 10 / scale);
	if (n > 0) {
		buf_add_char(b, '.');
		buf_add(b, digits, n);
	}
}

static void
begin_sample(struct writer *w, struct buf *b, const char *name, const char *suffix, const char *labels)
{
	buf_addf(b, "%s%s{program=\"%s\"%s%s", name, suffix, w->program, *labels == '\0' ? "" : ",", labels);
}

static void
end_sample(struct buf *b, uint64_t value, uint64_t scale)
{
	buf_add_text(b, "} ");
	add_number(b, value, scale);
	buf_add_char(b, '\n');
}

/* --- one series --- */

/* A copy that the kernel makes of an aligned word is never half of one count and half of the next. */
static uint64_t
value_at(const struct writer *w, size_t n)
{
	return atomic_load_explicit(&w->header->values[n], memory_order_relaxed);
}

static void
write_histogram(struct writer *w, struct buf *b, const struct read_family *f, const struct read_series *s)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= f->bound_count; i++)
		count += value_at(w, s->first + i);
	if (count == 0 && !s->shown)
		return;
	count = 0;
	for (size_t i = 0; i <= f->bound_count; i++) {
		count += value_at(w, s->first + i);
		begin_sample(w, b, f->name, "_bucket", s->labels);
		buf_add_text(b, ",le=\"");
		if (i < f->bound_count)
			add_number(b, f->bounds[i], f->scale);
		else
			buf_add_text(b, "+Inf");
		buf_add_char(b, '"');
		end_sample(b, count, 1);
	}
	begin_sample(w, b, f->name, "_sum", s->labels);
	end_sample(b, value_at(w, s->first + f->bound_count + 1), f->scale);
	begin_sample(w, b, f->name, "_count", s->labels);
	end_sample(b, count, 1);
}

/* What the living say of a gauge; false where none says anything. */
static bool
gauge(const struct writer *w, enum kind kind, size_t n, uint64_t *ret)
{
	bool known = false;

	*ret = 0;
	for (size_t i = 0; i < PROCESSES; i++) {
		int64_t said = atomic_load_explicit(&w->header->processes[i].gauges[n], memory_order_relaxed);
		uint64_t value = said < 0 ? 0 : (uint64_t)said;

		if (!w->lives[i] || said == UNSET)
			continue;
		known = true;
		if (kind == KIND_AGE && value != 0)
			value = said < w->now_us ? (uint64_t)(w->now_us - said) : 0;
		if (kind == KIND_GAUGE)
			*ret += value;
		else if (value > *ret)
			*ret = value;
	}
	return known;
}

static void
write_series(struct writer *w, struct buf *b, const struct read_family *f, const struct read_series *s)
{
	uint64_t value;

	if (f->kind == KIND_HISTOGRAM) {
		write_histogram(w, b, f, s);
		return;
	}
	if (f->kind == KIND_COUNTER) {
		value = value_at(w, s->first);
		if (value == 0 && !s->shown)
			return;
	} else if (!gauge(w, f->kind, s->first, &value)) {
		return;
	}
	begin_sample(w, b, f->name, "", s->labels);
	end_sample(b, value, f->scale);
}

/* --- one program --- */

static void
write_own(struct writer *w, const char *name, const char *type, const char *help, const char *labels, uint64_t value, uint64_t scale)
{
	struct buf *b = &family(w, name, type, help)->samples;

	begin_sample(w, b, name, "", labels);
	end_sample(b, value, scale);
}

/* What is known of a program without its saying so. */
static void
write_processes(struct writer *w, const char *version)
{
	int64_t oldest_us = INT64_MAX;
	uint64_t living = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		int64_t started_us = atomic_load_explicit(&w->header->processes[i].started_us, memory_order_relaxed);

		living += w->lives[i];
		if (w->lives[i] && started_us > 0 && started_us < oldest_us)
			oldest_us = started_us;
	}
	write_own(w, OWN_BUILD_INFO, "gauge", "Version of the program that counted last; always 1.",
	    arena_printf(w->arena, "version=\"%s\"", version), 1, 1);
	write_own(w, OWN_PROCESSES, "gauge", "Processes of the program that run.", "", living, 1);
	write_own(w, OWN_STARTS, "counter", "Processes of the program that were started.", "",
	    atomic_load_explicit(&w->header->starts, memory_order_relaxed), 1);
	if (oldest_us != INT64_MAX)
		write_own(w, OWN_START_TIME, "gauge", "When the oldest of the processes that run was started.", "",
		    (uint64_t)oldest_us, 1000000);
}

static const char *
type_of(enum kind kind)
{
	return kind == KIND_COUNTER ? "counter" : kind == KIND_HISTOGRAM ? "histogram" : "gauge";
}

static void
write_program(struct writer *w, const struct read_file *file)
{
	write_processes(w, file->version);
	for (const struct read_family *f = file->families; f != NULL; f = f->next) {
		struct family *into = family(w, f->name, type_of(f->kind), f->help);

		if (strcmp(into->type, type_of(f->kind)) != 0)
			continue; /* of another version, which means something else by it */
		for (const struct read_series *s = f->series; s != NULL; s = s->next)
			write_series(w, &into->samples, f, s);
	}
}

/* --- files --- */

/* All of a file, with a NUL behind it; NULL where it is none that could be ours. */
static void *
load(struct arena *a, int fd, size_t *ret_size)
{
	struct stat st;
	size_t done = 0;
	ssize_t n = 0;
	char *bytes;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct file_header) ||
	    st.st_size > (off_t)layout_size(VALUES_MAX, TEXT_MAX))
		return NULL;
	*ret_size = (size_t)st.st_size;
	bytes = arena_alloc(a, *ret_size + 1);
	while (done < *ret_size && (n = pread(fd, bytes + done, *ret_size - done, (off_t)done)) > 0)
		done += (size_t)n;
	bytes[*ret_size] = '\0';
	return done == *ret_size ? bytes : NULL;
}

static bool
locked(int fd, int n)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = n, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool
write_file(struct writer *w, int fd)
{
	struct file_header *h;
	struct read_file file;
	size_t size = 0;

	/* Before its gauges are read: whoever begins in between has none yet. */
	for (int i = 0; i < PROCESSES; i++)
		w->lives[i] = locked(fd, i);
	h = load(w->arena, fd, &size);
	if (h == NULL || memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0 || h->value_count > VALUES_MAX || h->text_length > TEXT_MAX ||
	    layout_size(h->value_count, h->text_length) != size ||
	    !parse_text(w->arena, (char *)(h->values + h->value_count), h->text_length, h->value_count, &file))
		return false;
	w->header = h;
	write_program(w, &file);
	return true;
}

static int
named(const struct dirent *e)
{
	size_t n = strspn(e->d_name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= PROGRAM_LENGTH && strcmp(e->d_name + n, FILE_SUFFIX) == 0;
}

static void
write_files(struct writer *w, int directory, struct dirent **entries, int count)
{
	for (int i = 0; i < count && i < PROGRAMS_MAX; i++) {
		const char *name = entries[i]->d_name;
		int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

		if (fd < 0 && errno == ENOENT)
			continue; /* it has just given way to another */
		w->program = arena_strndup(w->arena, name, strlen(name) - strlen(FILE_SUFFIX));
		w->unreadable += fd < 0 || !write_file(w, fd);
		if (fd >= 0)
			close(fd);
	}
}

static void
write_families(const struct writer *w, struct buf *out)
{
	for (const struct family *f = w->families; f != NULL; f = f->next) {
		if (f->samples.length == 0)
			continue;
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name, f->type);
		buf_add(out, f->samples.bytes, f->samples.length);
	}
	buf_addf(out,
	    "# HELP " OWN_UNREADABLE " Files of programs' counts that could not be read.\n"
	    "# TYPE " OWN_UNREADABLE " gauge\n" OWN_UNREADABLE " %u\n",
	    w->unreadable);
}

bool
metrics_write(struct buf *out, const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), count;
	struct writer w = { .now_us = clock_now_us() };
	struct dirent **entries;

	if (directory < 0)
		return false;
	count = scandirat(directory, ".", &entries, named, alphasort);
	if (count >= 0) {
		w.arena = arena_new();
		w.last = &w.families;
		write_files(&w, directory, entries, count);
		write_families(&w, out);
		arena_free(w.arena);
		for (int i = 0; i < count; i++)
			free(entries[i]);
		free(entries);
	}
	close(directory);
	return count >= 0;
}
