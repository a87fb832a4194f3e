/* Plain CGI (RFC 3875): one request, from the environment and descriptors 0 and 1. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/web/engine.h"

struct cgi {
	long long left; /* of the body; -1: until it ends */
};

static const char *
cgi_get(void *engine, const char *variable)
{
	(void)engine;
	return getenv(variable);
}

/* The server need not close our input after CONTENT_LENGTH bytes (section 4.2), so that no more may be
 * asked for. */
static ptrdiff_t
cgi_read(void *engine, void *into, size_t size)
{
	struct cgi *cgi = engine;
	ssize_t n;

	if (cgi->left >= 0 && size > (unsigned long long)cgi->left)
		size = (size_t)cgi->left;
	if (size == 0)
		return 0;
	do
		n = read(STDIN_FILENO, into, size);
	while (n < 0 && errno == EINTR);
	if (n > 0 && cgi->left >= 0)
		cgi->left -= n;
	return n;
}

static bool
cgi_write(void *engine, const void *bytes, size_t length)
{
	const char *at = bytes;
	ssize_t n;

	(void)engine;
	while (length > 0) {
		n = write(STDOUT_FILENO, at, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

int
engine_cgi(const struct web_program *program)
{
	const char *length = getenv("CONTENT_LENGTH"), *coding = getenv("HTTP_TRANSFER_ENCODING");
	struct cgi cgi = { .left = 0 };
	struct web_env env = { .engine = &cgi, .get = cgi_get, .read = cgi_read, .write = cgi_write };
	struct web_worker worker;
	enum web_end end;

	if (length != NULL && *length != '\0')
		cgi.left = strtoll(length, NULL, 10);
	else if (coding != NULL) /* the server takes the chunks apart and closes our input at the end */
		cgi.left = -1;
	if (!web_worker_open(&worker, program))
		return EXIT_FAILURE;
	end = web_answer(&worker, &env);
	web_worker_close(&worker);
	return end == WEB_BREAK ? EXIT_FAILURE : EXIT_SUCCESS;
}
