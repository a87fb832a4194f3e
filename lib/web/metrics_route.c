#include "lib/web/metrics_route.h"

#include <errno.h>
#include <string.h>

#include "lib/base/config.h"
#include "lib/metrics/metrics.h"
#include "lib/web/throttle.h"

/* Who comes by a proxy has its address: that it is ours says nothing. */
static bool
forwarded(const struct request *rq)
{
	static const char *const variables[] = { "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP",
		"HTTP_VIA", NULL };

	for (const char *const *v = variables; *v != NULL; v++)
		if (request_header(rq, *v) != NULL)
			return true;
	return false;
}

enum rc
metrics_get(struct ctx *cx, const struct request *rq, struct reply *rp)
{
	struct buf out = { .arena = cx->arena };

	if (!address_is_here(cx->address) || forwarded(rq))
		return RC_NOT_FOUND;
	if (!metrics_write(&out, config->metrics.directory))
		return err_detail(cx, RC_UNAVAILABLE, "[metrics] directory: %s", strerror(errno));
	return reply_content(cx, rp, METRICS_CONTENT_TYPE, out.bytes, out.length, NULL);
}
