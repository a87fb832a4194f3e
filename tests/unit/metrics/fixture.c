#include "config.h" /* _GNU_SOURCE */

#include "tests/unit/metrics/fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/metrics/metrics.h"

char directory[] = "/tmp/medicore-metrics-XXXXXX";
static struct arena *arena;

void
fixture_setup(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	arena = arena_new();
}

void
fixture_teardown(void)
{
	DIR *d = opendir(directory);
	struct dirent *e;

	metrics_close();
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	ck_assert_int_eq(rmdir(directory), 0);
	arena_free(arena);
}

char said[256];

void
listen_to(enum log_level level, const char *fmt, ...)
{
	va_list args;

	ck_assert_int_eq(level, LOG_WARNING);
	va_start(args, fmt);
	vsnprintf(said, sizeof(said), fmt, args);
	va_end(args);
}

void
open_toys(const char *program, unsigned groups)
{
	metrics_begin(groups);
	if ((groups & METRICS_HTTP) != 0) {
		metrics_series(M_HTTP_REQUESTS, "route=\"/toys\",status=\"200\"", true);
		metrics_series(M_HTTP_REQUESTS, "route=\"/toys\",status=\"404\"", false);
		metrics_series(M_HTTP_SECONDS, "route=\"/toys\"", false);
	}
	metrics_open(directory, program, listen_to);
	ck_assert_str_eq(said, "");
}

const char *
path_of(const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return path;
}

const char *
text(void)
{
	struct buf b = { .arena = arena };

	ck_assert(metrics_write(&b, directory));
	return b.bytes;
}

bool
has(const char *line)
{
	const char *at = text();
	size_t n = strlen(line);

	for (; (at = strstr(at, line)) != NULL; at++)
		if (at[n] == '\n' && at[-1] == '\n')
			return true;
	return false;
}
