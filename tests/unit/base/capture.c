#include "tests/unit/base/capture.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

void
capture_stderr(void (*fn)(void *arg), void *arg, char ret_text[CAPTURE_SIZE])
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
	fn(arg);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	n = fread(ret_text, 1, CAPTURE_SIZE - 1, file);
	ret_text[n] = '\0';
	fclose(file);
}
