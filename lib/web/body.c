#include "lib/web/request.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/base/text.h"

/* What is read and thrown away of a body that is too large, so that the client, which may send it all
 * before it listens, gets its answer; whoever sends more loses the connection. */
#define DISCARD_MAX ((int64_t)64 * 1024 * 1024)

/* CONTENT_LENGTH; -1 where there is none, as with a chunked body; -2 where it is no number. */
static int64_t
announced_length(const struct request *rq)
{
	const char *text = request_header(rq, "CONTENT_LENGTH");
	char *end;
	long long n;

	if (text == NULL)
		return -1;
	if (*text < '0' || *text > '9')
		return -2;
	errno = 0;
	n = strtoll(text, &end, 10);
	return errno != 0 || *end != '\0' ? -2 : n;
}

/* The rest of the body, for nobody. */
static bool
discard(struct request *rq, int64_t had)
{
	char scratch[4096];
	ptrdiff_t n;

	while (had < DISCARD_MAX) {
		n = rq->env->read(rq->env->engine, scratch, sizeof(scratch));
		if (n <= 0)
			return n == 0;
		had += n;
	}
	return false;
}

enum rc
request_read_body(struct ctx *cx, struct request *rq, bool *ret_ended)
{
	struct buf body = { .arena = cx->arena };
	int64_t announced = announced_length(rq), max = config->web.body_max;
	char piece[4096];
	ptrdiff_t n;

	*ret_ended = false;
	if (announced <= max) {
		while ((n = rq->env->read(rq->env->engine, piece, sizeof(piece))) > 0) {
			buf_add(&body, piece, (size_t)n);
			if ((int64_t)body.length > max)
				break;
		}
		if (n < 0)
			return err_set(cx, RC_INVALID, "The body ended before its end");
		*ret_ended = n == 0;
	}
	if (!*ret_ended) {
		*ret_ended = discard(rq, (int64_t)body.length);
		return err_set(cx, RC_TOO_LARGE, "The body is larger than %lld bytes", (long long)max);
	}
	if (announced == -2 || (announced >= 0 && (int64_t)body.length != announced))
		return err_set(cx, RC_INVALID, "The body is not as long as Content-Length says");
	rq->body = body.length == 0 ? "" : body.bytes;
	rq->body_length = body.length;
	return RC_OK;
}
